/** The file of a key tells of its newest upload, whichever of them ends last. */
import { beforeEach, expect, test } from 'vitest';
import type { UploadItem } from '../../../src/contracts/items.ts';
import { keys } from '../../../src/lineage/keys.ts';
import { uploadPlace } from '../../../src/lineage/places.ts';
import { writeResult } from '../../../src/runtime/result-file.ts';
import { tableInRegion } from '../../support/table-in-region.ts';

const world = tableInRegion();
const at = '2026-11-23T12:00:00.000Z';
const bucket = 'flotilla-uploads';

const upload = (id: string, sequencer: string, changes: Partial<UploadItem> = {}): UploadItem => ({
  ...{
    type: 'upload',
    id: `${id}-${run}`,
    bucket,
    key: `web/${run}`,
    versionId: id,
    sequencer,
    sizeBytes: 10,
  },
  ...{ fleet: 'web', state: 'building', executionArn: `arn:${id}`, receivedAt: at },
  by: { principal: 'AWS:someone', through: 'upload' },
  ...changes,
});
/** Each test has a key of its own. */
let run = 0;
let older: UploadItem;
let newer: UploadItem;
let files: [key: string, version: string, state: string][] = [];
/** The store; `meanwhile` happens once, before a file is there. */
const store = (meanwhile?: () => Promise<unknown>) => {
  let due = meanwhile;
  return {
    async put({ key }: { key: string }, body: Uint8Array | string) {
      const now = due;
      due = undefined;
      await now?.();
      const { versionId, state } = JSON.parse(String(body));
      files.push([key, versionId, state]);
    },
  };
};
const stored = (...uploads: UploadItem[]) =>
  world.table.commit({
    writes: uploads.map((item) => ({
      kind: 'put' as const,
      key: keys.upload(item.id),
      item,
      list: uploadPlace(item),
    })),
  });
const isNewest = ({ id, key, sequencer }: UploadItem) =>
  world.table.commit({
    writes: [
      {
        kind: 'put',
        key: keys.uploadKey(bucket, key),
        item: { type: 'upload-key', bucket, key, sequencer, upload: id },
      },
    ],
  });
const tell = (item: UploadItem, meanwhile?: () => Promise<unknown>) =>
  writeResult(item, { table: world.table, objects: store(meanwhile) }, 'flotilla-store');

beforeEach(async () => {
  files = [];
  run += 1;
  older = upload('5', '05', { state: 'superseded', endedAt: at });
  newer = upload('6', '06', { state: 'built', endedAt: at });
  await stored(older, newer);
});

test('tells of the newest upload', async () => {
  await isNewest(newer);
  await tell(newer);
  await tell(older);
  expect(new Set(files.map(([, version]) => version))).toEqual(new Set(['6']));
});

test('says nothing of an older one while the newest is under way', async () => {
  await isNewest(newer);
  await stored(upload('6', '06'));
  await tell(older);
  expect(files).toEqual([]);
});

test('ends as the newest, where that ended while an older one was being told', async () => {
  await isNewest(older);
  await tell(older, async () => {
    await isNewest(newer);
    await tell(newer);
  });
  expect(files.at(-1)).toEqual([`results/web/${run}.json`, '6', 'built']);
});

test('tells of an upload before its key remembers it', async () => {
  await isNewest(older);
  await tell(newer);
  expect(files).toEqual([[`results/web/${run}.json`, '6', 'built']]);
});
