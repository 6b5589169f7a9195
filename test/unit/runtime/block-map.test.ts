import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type BlockMap, blockMapKey } from '../../../src/contracts/image-blocks.ts';
import { findBlockMap, readDigests } from '../../../src/runtime/block-map.ts';

const identity = 'a'.repeat(64);
const files = [
  { first: 0, count: 4, text: '{"nonZero":[[0,"a"],[3,"b"]],"put":[0,3]}' },
  { first: 9, count: 2, text: '{"nonZero":[[9,"c"],[10,"d"]],"put":[]}' },
].map(({ text, ...file }, number) => ({
  text,
  file: {
    ...file,
    nonZero: 2,
    put: 0,
    key: `digests/${number}`,
    digest: createHash('sha256').update(text).digest('hex'),
  },
}));
const map: BlockMap = {
  format: 1,
  identity,
  attempt: 1,
  snapshotId: 'snap-1',
  volumeSizeGiB: 1,
  encrypted: false,
  depth: 0,
  nonZero: 4,
  put: 2,
  files: files.map(({ file }) => file),
};

function storeOf(entries: Record<string, string>) {
  const read: string[] = [];
  return {
    read,
    bytes: async ({ key }: { readonly key: string }) => {
      read.push(key);
      return entries[key] === undefined ? undefined : Buffer.from(entries[key]);
    },
  };
}
const whole = Object.fromEntries(files.map(({ text, file }) => [file.key, text]));

describe('the map of an image’s blocks', () => {
  it('is found beside the image, and missing for one of before maps were kept', async () => {
    const store = storeOf({ [blockMapKey(identity)]: JSON.stringify(map) });
    expect(await findBlockMap(store, 'store', identity)).toEqual(map);
    expect(await findBlockMap(storeOf({}), 'store', identity)).toBeUndefined();
  });

  it('gives the digests of a run out of the files that it touches', async () => {
    const store = storeOf(whole);
    expect(await readDigests(store, 'store', map, { first: 3, end: 9 })).toEqual(new Map([[3, 'b']]));
    expect(store.read).toEqual(['digests/0']);
    expect([...(await readDigests(store, 'store', map)).keys()]).toEqual([0, 3, 9, 10]);
  });

  it('refuses a file that is not the one that was written', async () => {
    const changed = storeOf({ ...whole, 'digests/1': '{"nonZero":[],"put":[]}' });
    await expect(readDigests(changed, 'store', map)).rejects.toMatchObject({ name: 'ImageBuildFailed' });
    await expect(readDigests(storeOf({}), 'store', map)).rejects.toMatchObject({ name: 'ImageBuildFailed' });
  });
});
