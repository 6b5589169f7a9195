/** What somebody is told whose order comes at the wrong time: where the rollout is, and what to do instead. */
import { describe, expect, it } from 'vitest';
import { judgeOrder, type OrderState, type Verb } from '../../../src/fleet/orders.ts';

const refusal = (verb: Verb, state: OrderState): readonly string[] => {
  const verdict = judgeOrder(verb, state);
  return verdict.verdict === 'refused' ? verdict.reasons : [];
};

describe('an order at the wrong time', () => {
  it.each<[OrderState, string]>([
    ['queued', 'queued'],
    ['acquiring', 'waiting for the fleet'],
    ['planning', 'planning'],
    ['emptying', 'emptying the slot'],
    ['launching', 'launching'],
    ['checking', 'checking health'],
    ['smoke', 'smoke test'],
    ['shifting', 'shifting traffic'],
    ['promoting', 'promoting'],
    ['undoing', 'rolling back'],
    ['ended', 'ended'],
    ['recovering', 'being recovered'],
    ['needsAttention', 'in need of attention'],
    ['retiring', 'ended, and its former release is being retired'],
    ['unsuccessful', 'ended without success'],
  ])('is told that the rollout is %s: %s', (state, words) => {
    expect(refusal('approve', state)[0]).toBe(`approve is not legal while the rollout is ${words}`);
  });

  it('is told what goes back, or that this is happening already', () => {
    const instead = (state: OrderState) => refusal('abort', state)[1];
    expect(instead('promoting')).toBe('it is being promoted; flotilla rollback goes back');
    expect(instead('undoing')).toBe('it is being rolled back by itself');
    expect(instead('ended')).toBe('flotilla rollback goes back to the release before');
    expect(instead('recovering')).toBe('its execution ended, and recovery puts the fleet back by itself');
    expect(instead('needsAttention')).toBe(
      'what it did could not be undone: cure the reason that flotilla status names, and the sweeper undoes the rest within a minute',
    );
    expect(instead('retiring')).toBe('flotilla deploy --release N launches the former release, vN, anew');
  });

  it('is not told to roll back where the rollout has changed nothing: what serves would leave', () => {
    expect(refusal('abort', 'unsuccessful')).toEqual([
      'abort is not legal while the rollout is ended without success',
      'nothing of it is left to undo; flotilla status shows what is live',
      'no order is legal now',
    ]);
  });

  it('is told the orders that are legal, and nothing else where waiting is all there is to do', () => {
    expect(refusal('approve', 'checking')).toEqual([
      'approve is not legal while the rollout is checking health',
      'legal now: abort, promote, pause, resume',
    ]);
    expect(refusal('approve', 'shifting')).toEqual([
      'approve is not legal while the rollout is shifting traffic',
      'legal now: abort, promote, reject, pause, resume',
    ]);
  });
});
