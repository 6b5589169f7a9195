/** A region that keeps its state is the same one after its end, also where it was killed in the middle of calls. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type RegionNote, regionNote } from '../../cli/local-region.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
let temporary: string;
const started: ChildProcess[] = [];

beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'region-restart-'));
});

afterEach(async () => {
  for (const one of started.splice(0)) one.kill('SIGKILL');
  await pause(200); // the janitor removes what the region had
  await rm(temporary, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
});

interface Up {
  readonly note: RegionNote;
  readonly said: string;
  readonly parent: ChildProcess;
}

async function up(): Promise<Up> {
  const parent = spawn(
    process.execPath,
    [join(root, 'bin', 'with-node.mjs'), 'tour/main.ts', '--no-tour', '--data', join(temporary, 'data')],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: temporary, XDG_RUNTIME_DIR: temporary },
    },
  );
  started.push(parent);
  let said = '';
  for (const stream of [parent.stdout, parent.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
  while (!said.includes('Ctrl-C ends the region')) {
    if (parent.exitCode !== null) throw new Error(said);
    await pause(50);
  }
  const folder = join(temporary, `flotilla-${process.getuid?.()}`);
  const [name = ''] = await readdir(folder);
  return { note: regionNote.parse(JSON.parse(await readFile(join(folder, name), 'utf8'))), said, parent };
}

function clients({ endpoint, region, accessKeyId, secretAccessKey }: RegionNote) {
  const settings = { endpoint, region, credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1 };
  return { s3: new S3Client({ ...settings, forcePathStyle: true }), table: new DynamoDBClient(settings) };
}

async function ended(parent: ChildProcess): Promise<void> {
  while (parent.exitCode === null && parent.signalCode === null) await pause(20);
}

test('no write that was answered is lost, whenever the region is killed, and it is the same region then', async () => {
  const first = await up();
  const { s3, table } = clients(first.note);
  const Bucket = first.note.storeBucket;
  const kept: string[] = [];
  const writing = (async () => {
    for (let number = 0; ; number += 1) {
      const id = `item-${number}`;
      // The larger ones lie in files.
      const Body = Buffer.alloc(number % 3 === 0 ? 200_000 : 100, id);
      await s3.send(new PutObjectCommand({ Bucket, Key: id, Body }));
      kept.push(`object ${id}`);
      const Item = { pk: { S: id }, sk: { S: 'x' } };
      await table.send(new PutItemCommand({ TableName: 'flotilla', Item }));
      kept.push(`row ${id}`);
    }
  })().catch(() => 'the region is gone');
  while (kept.length < 60) await pause(10);
  process.kill(first.note.pid, 'SIGKILL');
  expect(await writing).toBe('the region is gone');
  await ended(first.parent);

  const second = await up();
  expect(second.said).toContain('as it was left');
  expect({ ...second.note, pid: 0 }).toEqual({ ...first.note, pid: 0 });
  const again = clients(second.note);
  for (const one of kept) {
    const [kind, id = ''] = one.split(' ');
    if (kind === 'object') {
      const { Body } = await again.s3.send(new GetObjectCommand({ Bucket, Key: id }));
      expect((await Body?.transformToString())?.slice(0, id.length)).toBe(id);
    } else {
      const Key = { pk: { S: id }, sk: { S: 'x' } };
      expect((await again.table.send(new GetItemCommand({ TableName: 'flotilla', Key }))).Item).toBeDefined();
    }
  }

  // A second region on the same folder is told who has it.
  await expect(up()).rejects.toThrow(`belongs to a region that runs as process ${second.note.pid}`);
  second.parent.kill('SIGTERM');
  await ended(second.parent);
});
