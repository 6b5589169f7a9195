/** `npm run bench -- --quick --json`, as a person runs it: every row is there, and nothing is left behind. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Measurements } from '../../bench/report.ts';
import { declaredFunctions } from '../../infra/template/declared.ts';

const root = join(import.meta.dirname, '..', '..');

describe('the bench', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'flotilla-test-bench-'));
  let code: number | null;
  let told: string;
  let lines: string[];
  let measured: Measurements;

  beforeAll(async () => {
    // A TMPDIR of its own, so that what is left behind can be seen.
    const child = spawn('node', ['bin/with-node.mjs', 'bench/main.ts', '--quick', '--json'], {
      cwd: root,
      env: { ...process.env, TMPDIR: scratch, XDG_RUNTIME_DIR: scratch },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    code = await new Promise((resolve) => child.on('close', resolve));
    told = Buffer.concat(err).toString();
    lines = Buffer.concat(out).toString().trimEnd().split('\n');
    expect(lines.at(-1), told).toMatch(/^\{/);
    measured = JSON.parse(lines.at(-1) ?? '') as Measurements;
    // Two minutes and a half beside the other tests; what else a machine has to do is not to fail it.
  }, 600_000);

  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  it('ends with 0, and leaves no file', () => {
    expect(code, told).toBe(0);
    // The folder in which regions leave their notes may stay, empty.
    const left = readdirSync(scratch, { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => !entry.isDirectory())).toEqual([]);
    expect(readdirSync(scratch).filter((name) => /^flotilla-(region|bench)-/.test(name))).toEqual([]);
  });

  it('has a row for every function, with its sizes and its cold start beside the empty one', () => {
    const names = declaredFunctions().map(({ name }) => name);
    expect(measured.bundles.map(({ name }) => name).sort()).toEqual(names.sort());
    expect(measured.coldStarts.emptyMilliseconds).toBeGreaterThan(0);
    for (const { name, zipBytes, codeBytes } of measured.bundles) {
      expect(zipBytes).toBeGreaterThan(0);
      expect(codeBytes).toBeGreaterThan(zipBytes / 3);
      const start = measured.coldStarts.functions.find((one) => one.name === name);
      expect(start?.ratio, name).toBeGreaterThan(0);
      expect(lines.some((line) => line.startsWith(`  ${name} `))).toBe(true);
    }
  });

  it('tells how soon a region is up, empty and with the stack, and what it takes when idle', () => {
    const { starts, idle } = measured.region;
    expect(starts.map(({ what }) => what)).toEqual([
      'an empty region',
      'the stack, on a new folder',
      'the stack, on its own folder',
    ]);
    for (const { what, seconds, cpuSeconds, megabytes } of starts) {
      expect(seconds, what).toBeGreaterThan(0);
      expect(cpuSeconds, what).toBeGreaterThan(0);
      expect(megabytes, what).toBeGreaterThan(20);
      expect(lines.some((line) => line.startsWith(`  ${what} `))).toBe(true);
    }
    expect(idle.cpuShare).toBeLessThan(1);
    expect(idle.megabytes).toBeLessThan(400);
  });

  it('counts what two deploys cost, polls apart', () => {
    expect(measured.executions.map(({ machine }) => machine)).toEqual([
      'flotilla-build-image',
      'flotilla-swap-fleet',
      'flotilla-build-image',
      'flotilla-swap-fleet',
    ]);
    for (const { transitions, invocations, calls, healthPolls, byAction } of measured.executions) {
      expect(transitions).toBeGreaterThan(invocations);
      expect(invocations).toBeGreaterThan(5);
      const all = Object.values(byAction).reduce((sum, count) => sum + count, 0);
      expect(calls + (healthPolls?.calls ?? 0)).toBe(all);
    }
    const [, first, , second] = measured.executions;
    expect(first?.healthPolls).toMatchObject({ intervalSeconds: 5 });
    // Three steps of traffic instead of one.
    expect(second?.transitions).toBeGreaterThan(first?.transitions ?? Number.POSITIVE_INFINITY);
  });

  it('counts what rollouts cost in virtual time, by themselves and at once', () => {
    const { fourSteps, firstTraffic, atOnce } = measured.rollouts;
    expect(fourSteps.map(({ what }) => what)).toEqual(['bakes of 60 s', 'bakes of 7200 s']);
    // What a late copy makes come twice is not the same in both.
    for (const { calls } of fourSteps) {
      expect(calls).toBeGreaterThan(50);
      expect(calls).toBeLessThanOrEqual(60);
    }
    // Six calls a minute for one fleet, whatever it does.
    for (const { watches, seconds } of fourSteps)
      expect(watches.calls).toBeLessThanOrEqual((seconds / 60 + 1) * 7);
    expect(fourSteps[1]?.watches.calls).toBeGreaterThan(2_000);
    expect(firstTraffic.seconds).toBeGreaterThan(5);
    expect(atOnce).toMatchObject({ rollouts: 10, share: 0.1, succeeded: 10, failed: [] });
    expect(lines).toContain('10 rollouts at once');
  });

  it('compares the writing of an image with SHA-256 alone', () => {
    expect(measured.imageWriting.bytes).toBeGreaterThan(100_000_000);
    // Two clocks on a busy machine can say anything of each other.
    expect(measured.imageWriting.ratio).toBeGreaterThan(0);
  });

  it('counts the blocks of a difference: one for the environment, else what is new and the logs', () => {
    const { cases } = measured.deltas;
    expect(cases.map(({ what, put, limit }) => [what, put, limit])).toEqual([
      ['environment', 1, 1],
      ['program', 40, 40],
      ['kernel', 7, 7],
    ]);
  });

  it('compares uploading with the ideal schedule, and one writer with its memory', () => {
    const { whole, small, large } = measured.uploading;
    expect(whole.blocks).toBe(2_048);
    // No faster than the quota allows, the allowance of the first moment apart.
    expect(whole.seconds).toBeGreaterThan(0.9 * whole.idealSeconds);
    expect(whole.ratio).toBeCloseTo(whole.idealSeconds / whole.seconds, 5);
    expect(small.blocks).toBe(39);
    expect(small.seconds).toBeLessThan(whole.seconds);
    expect(large.blocks).toBe(8_192);
    expect(large.peakMegabytes).toBeLessThan(512);
    expect(lines).toContain('Uploading into a snapshot');
  });
});
