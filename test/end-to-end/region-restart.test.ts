/** A region that keeps its state is the same one after its end, also where it was killed in the middle of calls. */
import { setTimeout as pause } from 'node:timers/promises';
import { DynamoDBClient, GetItemCommand, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { RegionNote } from '../../cli/local-region.ts';
import { KeptRegion } from './kept-region.ts';

let region: KeptRegion;

beforeEach(async () => {
  region = await KeptRegion.create();
});

afterEach(() => region.close());

function clients({ endpoint, region, accessKeyId, secretAccessKey }: RegionNote) {
  const settings = { endpoint, region, credentials: { accessKeyId, secretAccessKey }, maxAttempts: 1 };
  return { s3: new S3Client({ ...settings, forcePathStyle: true }), table: new DynamoDBClient(settings) };
}

test('no write that was answered is lost, whenever the region is killed, and it is the same region then', async () => {
  const first = await region.up();
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
  await region.end(first, 'SIGKILL');
  expect(await writing).toBe('the region is gone');

  const second = await region.up();
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
  await expect(region.up()).rejects.toThrow(`belongs to a region that runs as process ${second.note.pid}`);
  await region.end(second, 'SIGTERM');
});
