/** The hour's look at all live images, where one of them takes too long. */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Table } from '../../../src/aws/table.ts';
import { type BlockFile, type BlockMap, blockMapKey } from '../../../src/contracts/image-blocks.ts';
import { keys } from '../../../src/lineage/keys.ts';
import type { Invocation } from '../../../src/runtime/handler.ts';
import { verifyImages } from '../../../src/runtime/verify-images.ts';

const identities = { large: 'a'.repeat(64), small: 'b'.repeat(64) };
const file = (key: string): BlockFile => ({
  key,
  digest: createHash('sha256').update('not what is there').digest('hex'),
  first: 0,
  count: 1,
  nonZero: 1,
  put: 1,
});
const map: BlockMap = {
  format: 1,
  identity: identities.large,
  attempt: 1,
  snapshotId: 'snap-large',
  volumeSizeGiB: 1024,
  encrypted: false,
  depth: 0,
  nonZero: 2,
  put: 2,
  files: [file('digests/1'), file('digests/2')],
};

/** Two fleets: one is live on an image whose map takes `seconds` to read, the other on one without a map. */
async function look(seconds: number, hour: number) {
  const read: string[] = [];
  const lines: string[] = [];
  let remaining = 60_000;
  const table = {
    listAll: async () =>
      Object.keys(identities).map((fleet) => ({ fleet, live: { release: 1 }, warm: null })),
    get: async (key: { pk: string }) => {
      const [name = '', identity = ''] =
        Object.entries(identities).find(
          ([fleet, one]) => key.pk === keys.release(fleet, 1).pk || key.pk === keys.image(one).pk,
        ) ?? [];
      return { state: 'available', number: 1, identity, imageId: `ami-${name}`, snapshotId: `snap-${name}` };
    },
  } as unknown as Table;
  const deps = {
    table,
    objects: {
      bytes: async ({ key }: { key: string }) => {
        read.push(key);
        if (key === blockMapKey(identities.small)) return undefined;
        if (key !== blockMapKey(identities.large)) return Buffer.from('what is there');
        remaining -= seconds * 1000;
        return Buffer.from(JSON.stringify(map));
      },
    },
    reader: { pages: () => expect.unreachable(), read: () => expect.unreachable() },
    events: { put: async () => {} },
  };
  const result = await verifyImages(
    deps as never,
    {
      clock: { now: () => new Date(hour * 3_600_000) },
      config: { storeBucket: 'store' },
      remainingMilliseconds: () => remaining,
      log: { warn: (line: string) => lines.push(line), info: () => {} },
    } as unknown as Invocation,
  );
  return { ...result, read, lines };
}

it('leaves an image that takes more than its share, so that those after it have their turn', async () => {
  const { images, left, read, lines } = await look(31, 0);
  expect(images.map(({ imageId, outcome }) => [imageId, outcome])).toEqual([['ami-small', 'unverifiable']]);
  expect(left).toBe(1);
  expect(read).toEqual([blockMapKey(identities.large), blockMapKey(identities.small)]);
  expect(lines).toContain('the image is left, as the others wait');
});

it('gives the last one all the time that is left', async () => {
  const { images, left, read } = await look(31, 1);
  expect(images.map(({ imageId }) => imageId)).toEqual(['ami-small', 'ami-large']);
  expect(left).toBe(0);
  expect(read).toContain('digests/1');
});

it('does not take what it had no time to read for digests that vouch for nothing', async () => {
  const { images, left } = await look(41, 1);
  expect(images.map(({ imageId }) => imageId)).toEqual(['ami-small']);
  expect(left).toBe(1);
});
