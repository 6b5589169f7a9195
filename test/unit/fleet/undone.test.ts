/** What is told of the undoing, from the events that a rollout left. */
import { describe, expect, it } from 'vitest';
import { undoneWords } from '../../../src/fleet/undone.ts';

const event = (kind: string, data: Record<string, unknown> = {}) => ({ kind, data, at: '' });
const planned = event('rollout-planned', { groupName: 'flt-web-v2-r2' });

describe('what was undone', () => {
  it('is the weights of a first release, which nobody served before', () => {
    expect(
      undoneWords([planned, event('traffic-shifted'), event('weights-restored')], null, undefined),
    ).toEqual(['the rule gives no slot any weight again, as before']);
  });
  it('is no traffic where none had gone, and says nothing of traffic that has not come back', () => {
    expect(undoneWords([planned], 1, undefined)).toEqual(['no traffic had gone to the candidate']);
    expect(undoneWords([planned, event('traffic-shifted')], 1, undefined)).toEqual([]);
    // A late event of the shift is no reason to keep the restoring to oneself.
    expect(undoneWords([planned, event('weights-restored')], 1, undefined)).toEqual([
      'all of the traffic went back to v1',
    ]);
  });
  it('is the group that was planned last, by its name where that is known', () => {
    const ended = event('rollback-ended');
    const again = event('rollout-planned', { groupName: 'flt-web-v2-r3' });
    expect(undoneWords([planned, again, ended], 1, undefined)).toContain(
      'the group flt-web-v2-r3 was emptied and deleted',
    );
    expect(undoneWords([event('rollout-planned', { groupName: 7 }), ended], 1, undefined)).toEqual([
      'no traffic had gone to the candidate',
    ]);
  });
  it('is no group that goes where it was warm before and is again', () => {
    const kept = event('release-kept-warm');
    const words = ['no traffic had gone to the candidate', 'the group flt-web-v2-r2 is kept warm again'];
    expect(undoneWords([planned, kept], 1, undefined)).toEqual(words);
    expect(undoneWords([planned, kept, event('rollback-ended')], 1, undefined)).toEqual(words);
    expect(undoneWords([event('rollout-planned'), kept], 1, undefined)).toEqual(words.slice(0, 1));
  });
  it('begins with the group of live, where that had to be made anew', () => {
    const events = [
      planned,
      event('live-made-anew', { groupName: 'flt-web-v1-r1' }),
      event('weights-restored'),
    ];
    expect(undoneWords(events, 1, undefined)).toEqual([
      'the group of live, flt-web-v1-r1, which was gone, was made anew',
      'all of the traffic went back to v1',
    ]);
  });
  it('is each minimum that was given back, where its group is known', () => {
    const events = [
      planned,
      event('unpinned', { groupName: 'a', minimum: 1 }),
      event('unpinned', { minimum: 2 }),
      event('unpinned', { groupName: 'b', minimum: 3 }),
    ];
    expect(undoneWords(events, 1, undefined)).toEqual([
      'no traffic had gone to the candidate',
      'a has its minimum of 1 back',
      'b has its minimum of 3 back',
    ]);
  });
});
