import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventWords } from '../../../cli/event-words.ts';

/** Kinds that follow an upload or a rollout, as the control plane writes them. */
function kindsWritten(): string[] {
  const folder = new URL('../../../src/runtime/rollout/', import.meta.url).pathname;
  const texts = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8'));
  const found = texts.flatMap((text) =>
    [...text.matchAll(/fleetEvent\(\{.*?kind: '([a-z-]+)'/gs)].map(([, kind]) => kind ?? ''),
  );
  return [...new Set(found)];
}

describe('the words for events', () => {
  it('say what a developer wants to know of a step', () => {
    expect(eventWords({ kind: 'candidate-healthy', data: { healthy: 1, wanted: 2, seconds: 10 } })).toBe(
      'healthy: 1 of 2 instances, after 10 s',
    );
    expect(eventWords({ kind: 'traffic-shifted', data: { share: 50, weights: { blue: 50 } } })).toBe(
      '50 % of the traffic goes to it',
    );
    const provenBefore = { step: 1, proof: 'arrival', requests: { candidate: 31, live: 270 } };
    expect(eventWords({ kind: 'traffic-shifted', data: { share: 50, provenBefore } })).toBe(
      '50 % of the traffic goes to it, now that 31 of 301 requests came to it',
    );
    expect(eventWords({ kind: 'release-promoted', data: { release: 2, provenBefore: 'none' } })).toBe(
      'v2 is promoted',
    );
    expect(eventWords({ kind: 'order-given', data: { verb: 'abort', reason: 'errors\nin the log' } })).toBe(
      'order to abort: errors in the log',
    );
  });

  it('plan aloud what each step waits for', () => {
    const steps = [
      { weight: 10, bakeSeconds: 60, approval: false },
      { weight: 100, bakeSeconds: 0, approval: true },
    ];
    expect(eventWords({ kind: 'rollout-planned', data: { slot: 'green', steps } })).toBe(
      'planned for slot green: 10 % for 60 s, then 100 % until approved',
    );
  });

  it('pass over book-keeping, and name what they do not know', () => {
    expect(eventWords({ kind: 'unpinned', data: {} })).toBeUndefined();
    expect(eventWords({ kind: 'comet-seen', data: { tail: 3 } })).toBe('comet seen');
    expect(eventWords({ kind: 'constructor', data: {} })).toBe('constructor');
  });

  it('never print a missing value as such', () => {
    for (const kind of kindsWritten()) {
      expect(eventWords({ kind, data: {} }) ?? '').not.toMatch(/undefined|NaN|\[object/);
    }
  });

  it('are there for the events of a rollout that the control plane writes', () => {
    const kinds = kindsWritten();
    expect(kinds.length).toBeGreaterThan(8);
    const unknown = kinds.filter((kind) => eventWords({ kind, data: {} }) === kind.replaceAll('-', ' '));
    // Of retirements, which nobody follows.
    expect(unknown.filter((kind) => !kind.startsWith('retirement-'))).toEqual([]);
  });
});
