import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connect } from '../../../cli/connection.ts';
import { noteFolder, runningRegions } from '../../../cli/local-region.ts';

const uid = process.getuid?.() ?? 0;
let base: string;
let folder: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'flotilla-notes-'));
  folder = noteFolder({ XDG_RUNTIME_DIR: base }, uid);
  mkdirSync(folder);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function leave(port: number, change: object = {}, ageSeconds = 0): void {
  const path = join(folder, `region-${port}.json`);
  const note = {
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    apiUrl: `http://127.0.0.1:${port}/_api/x`,
    uploadBucket: 'uploads',
    storeBucket: 'store',
    accessKeyId: 'AKIA',
    secretAccessKey: 'secret',
    pid: process.pid,
    ...change,
  };
  writeFileSync(path, JSON.stringify(note));
  const at = Date.now() / 1000 - ageSeconds;
  utimesSync(path, at, at);
}

describe('the notes of running regions', () => {
  it('are found newest first', () => {
    leave(4001, {}, 60);
    leave(4002);
    expect(runningRegions(folder, uid).map((note) => note.endpoint)).toEqual([
      'http://127.0.0.1:4002',
      'http://127.0.0.1:4001',
    ]);
  });

  it('are passed over when their process is gone, or they are no note', () => {
    leave(4001, { pid: 2 ** 22 + 1 });
    writeFileSync(join(folder, 'region-4002.json'), '{"endpoint":');
    writeFileSync(join(folder, 'other.json'), '{}');
    expect(runningRegions(folder, uid)).toEqual([]);
  });

  it('are none where there is no folder', () => {
    expect(runningRegions(join(base, 'nowhere'), uid)).toEqual([]);
  });

  it('lead the command: the newest by itself, another by --endpoint', async () => {
    leave(4001, {}, 60);
    leave(4002);
    const around = { env: { XDG_RUNTIME_DIR: base }, uid };
    expect((await connect(undefined, around)).endpoint).toBe('http://127.0.0.1:4002');
    expect((await connect('http://127.0.0.1:4001/', around)).apiUrl).toBe('http://127.0.0.1:4001/_api/x');
  });

  it('that are missing, with no API named, end the command as unreachable', async () => {
    await expect(connect(undefined, { env: { XDG_RUNTIME_DIR: base }, uid })).rejects.toMatchObject({
      exitCode: 4,
    });
  });
});
