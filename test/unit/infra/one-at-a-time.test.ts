import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { oneAtATime } from '../../../infra/one-at-a-time.ts';

let folder: string;
let lockFile: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flotilla-lock-'));
  lockFile = join(folder, 'sub', 'lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('work that one process does at a time', () => {
  it('waits for the one before it, and leaves nothing', async () => {
    let working = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      working += 1;
      most = Math.max(most, working);
      for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
      working -= 1;
    };
    await Promise.all([1, 2, 3].map(() => oneAtATime(lockFile, work)));
    expect(most).toBe(1);
    expect(existsSync(lockFile)).toBe(false);
  });

  it('goes on after a process that died at it', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    await oneAtATime(lockFile, async () => {});
    writeFileSync(lockFile, `${pid}`);
    expect(await oneAtATime(lockFile, async () => 'done')).toBe('done');
  });

  it('goes on after one that came long ago, whose process id is another program by now', async () => {
    await oneAtATime(lockFile, async () => {});
    writeFileSync(lockFile, `${process.ppid}`);
    utimesSync(lockFile, 0, 0);
    expect(await oneAtATime(lockFile, async () => 'done')).toBe('done');
  });

  it('gives way when it failed', async () => {
    await expect(oneAtATime(lockFile, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await oneAtATime(lockFile, async () => 'done')).toBe('done');
  });
});
