import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { errorCatalogue } from '../../src/errors.ts';
import { longestCallSeconds } from '../../src/image/claim.ts';
import { mostWriters } from '../../src/image/segments.ts';

const root = new URL('../../', import.meta.url);
const text = (path: string) => readFileSync(new URL(path, root), 'utf8');

interface Rule {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds?: number;
  readonly BackoffRate?: number;
  readonly MaxAttempts?: number;
  readonly MaxDelaySeconds?: number;
  readonly JitterStrategy?: string;
}
interface State {
  readonly Type: string;
  readonly Comment?: string;
  readonly MaxConcurrency?: number;
  readonly Retry?: readonly Rule[];
  readonly Catch?: readonly Rule[];
  readonly ItemProcessor?: { readonly States: Readonly<Record<string, State>> };
}

function statesOf(states: Readonly<Record<string, State>>): [string, State][] {
  return Object.entries(states).flatMap(([name, state]) => [
    [name, state] as [string, State],
    ...statesOf(state.ItemProcessor?.States ?? {}),
  ]);
}

const machine = parse(text('statemachines/build-image.asl.yml')) as { States: Record<string, State> };
const states = statesOf(machine.States);

describe('build-image and its functions', () => {
  it('name the same errors', () => {
    const names = states.flatMap(([, { Retry = [], Catch = [] }]) =>
      [...Retry, ...Catch].flatMap((rule) => rule.ErrorEquals),
    );
    const ours = names.filter((name) => !/^(States|Lambda|Runtime|Sandbox)\./.test(name));
    expect(ours.length).toBeGreaterThan(0);
    for (const name of ours) expect(Object.keys(errorCatalogue)).toContain(name);
  });

  it('agree on the functions', () => {
    const called = [...text('statemachines/build-image.asl.yml').matchAll(/\$\{(\w+)Arn\}/g)].map(
      ([, name]) => (name ?? '').replace(/(?!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase(),
    );
    const files = readdirSync(new URL('functions', root));
    const declared = Object.keys(parse(text('infra/functions/build.yml')) as object);
    const granted = Object.keys(parse(text('infra/roles/build.yml')) as object);
    for (const name of new Set(called)) {
      expect(files).toContain(`${name}.ts`);
      expect(declared).toContain(name);
      expect(granted).toContain(name);
    }
  });

  it('agree on how many writers share the quota of puts', () => {
    expect(machine.States.WriteSegments?.MaxConcurrency).toBe(mostWriters);
  });

  it('try to seal a snapshot again for longer than sealing takes', () => {
    const rule = machine.States.CompleteSnapshot?.Retry?.find(({ ErrorEquals }) =>
      ErrorEquals.includes('AwsUnavailable'),
    );
    const { IntervalSeconds: first = 1, BackoffRate: rate = 2, MaxDelaySeconds: most = 0 } = rule ?? {};
    let seconds = 0;
    for (let n = 0; n < (rule?.MaxAttempts ?? 0); n += 1) seconds += Math.min(most, first * rate ** n);
    expect(seconds).toBeGreaterThan(600);
    // With full jitter all of it could be nothing.
    expect(rule?.JitterStrategy).toBeUndefined();
  });

  it('tell an operator what happens in each state', () => {
    for (const [name, state] of states) expect(state.Comment ?? '', name).not.toBe('');
  });

  it('catch what fails in each task that something follows', () => {
    const uncaught = states.filter(([, { Type, Catch }]) => Type === 'Task' && Catch === undefined);
    // What a segment throws is caught by its Map.
    expect(uncaught.map(([name]) => name).sort()).toEqual(['VerifySnapshot', 'WriteBlocks']);
  });

  it('let no function outlast the time after which a dead builder is replaced', () => {
    const limits = parse(text('infra/functions/build.yml')) as Record<string, { timeoutSeconds: number }>;
    // They change nothing but their own snapshot, or nothing at all.
    const exempt = new Set(['inspect-artifact', 'write-blocks', 'verify-snapshot']);
    for (const [name, { timeoutSeconds }] of Object.entries(limits)) {
      if (!exempt.has(name)) expect(timeoutSeconds, name).toBeLessThanOrEqual(longestCallSeconds);
    }
  });
});
