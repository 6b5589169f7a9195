/** Items that two write at the same moment: neither loses what the other wrote. */
import { expect, test } from 'vitest';
import type { BootInstances } from '../../../src/aws/boot-instances.ts';
import type { Events } from '../../../src/aws/events.ts';
import type { Instances } from '../../../src/aws/instances.ts';
import type { Objects } from '../../../src/aws/objects.ts';
import type { Table } from '../../../src/aws/table.ts';
import {
  type ImageItem,
  imageItem,
  type RolloutItem,
  rolloutItem,
  type SmokeBootItem,
  smokeBootItem,
  type UploadItem,
  uploadItem,
} from '../../../src/contracts/items.ts';
import { type Key, keys } from '../../../src/lineage/keys.ts';
import { uploadId } from '../../../src/lineage/upload.ts';
import { putUpload } from '../../../src/runtime/accept-upload.ts';
import { reportOutcome, reportRollout } from '../../../src/runtime/report-outcome.ts';
import { endBoot } from '../../../src/runtime/smoke-boot/end.ts';
import { putBoot } from '../../../src/runtime/smoke-boot/lease.ts';
import { vetoImage } from '../../../src/runtime/veto.ts';
import { buildingImage } from '../../functions/image-kit.ts';
import { tableInRegion } from '../../support/table-in-region.ts';

const world = tableInRegion();

const at = '2026-11-23T12:00:00.000Z';
const by = { principal: 'AWS:someone', through: 'upload' } as const;
const executionArn = 'arn:aws:states:us-east-1:000000000000:execution:flotilla-build-image:up-1';

/** The table, to one to whom somebody else comes between the first look at `key` and the answer. */
function overtaken(key: Key, other: () => Promise<unknown>): Table {
  let looked = false;
  return {
    ...world.table,
    async get(asked, schema) {
      const found = await world.table.get(asked, schema);
      if (!looked && asked.pk === key.pk && asked.sk === key.sk) {
        looked = true;
        await other();
      }
      return found;
    },
  };
}

const told: string[] = [];
const objects = { put: async () => {}, tag: async () => 'tagged' } as unknown as Objects;
const events: Events = {
  put: async (_source, _type, detail) => void told.push((detail as UploadItem).state),
};

test('an upload whose rollout ends before it is told to have begun stays live, and knows its image', async () => {
  const { table } = world;
  const job = { bucket: 'uploads', key: 'web/hello', versionId: 'v1', sequencer: '01', sizeBytes: 10 };
  const id = uploadId(job);
  const upload: UploadItem = {
    ...job,
    type: 'upload',
    id,
    fleet: 'web',
    state: 'building',
    executionArn,
    receivedAt: at,
    by,
  };
  const rollout: RolloutItem = rolloutItem.parse({
    type: 'rollout',
    fleet: 'web',
    number: 3,
    kind: 'deploy',
    release: 2,
    from: 1,
    executionArn: executionArn.replace('build-image:up-1', 'swap-fleet:web-3'),
    status: 'succeeded',
    phase: 'ended',
    uploadId: id,
    requestedAt: at,
    endedAt: at,
    by,
  });
  await table.commit({
    writes: [putUpload(upload), { kind: 'put', key: keys.rollout('web', 3), item: rollout }],
  });
  const settings = { storeBucket: 'store', now: new Date(at) };
  const outcome = {
    upload: { ...job, uploader: by },
    executionArn,
    image: { identity: buildingImage.identity, imageId: 'ami-1' },
    rollout: { outcome: 'started', rollout: 3, release: 2 },
  };
  const rolledOut = () =>
    reportRollout({ fleet: 'web', rollout: 3, executionArn }, { table, objects, events }, settings);
  const late = { table: overtaken(keys.upload(id), rolledOut), objects, events };
  await expect(reportOutcome(outcome, late, settings)).rejects.toMatchObject({ name: 'AwsUnavailable' });
  await reportOutcome(outcome, late, settings); // as the machine tries again
  expect(await table.get(keys.upload(id), uploadItem)).toMatchObject({
    state: 'live',
    told: 'live',
    imageId: 'ami-1',
  });
  expect(told).not.toContain('deploying');
});

const passes = (instanceId: string) => ({ port: 80, path: `/${instanceId}`, statusCodes: '200', instanceId });

/** A boot that is open, of an image that stands. */
async function opened(image: ImageItem, { instanceId, ...asked }: ReturnType<typeof passes>) {
  const boot: SmokeBootItem = smokeBootItem.parse({
    type: 'smoke-boot',
    id: instanceId.slice(2).padStart(32, '0'),
    identity: image.identity,
    imageId: 'ami-1',
    fleet: 'web',
    owner: executionArn,
    state: 'open',
    question: { ...asked, timeoutSeconds: 2, healthyThreshold: 2 },
    places: [{ market: 'spot', instanceType: 't3.micro', subnetId: 'subnet-1' }],
    securityGroups: [],
    place: 0,
    refusals: [],
    instanceId,
    openedAt: at,
    deadline: at,
  });
  await world.table.commit({ writes: [putBoot(boot, undefined)] });
  return boot;
}

const end = { passed: true, stack: 'flotilla', storeBucket: 'store', now: new Date(at) };
const ending = (table: Table) => ({
  table,
  objects,
  instances: { terminate: async () => 'terminated' } as unknown as BootInstances,
  consoles: { consoleTail: async () => [] } as unknown as Instances,
});
const former = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ ...passes(`i-f${index}`), fleet: 'web', at }));

async function available(image: Partial<ImageItem>): Promise<ImageItem> {
  const item = imageItem.parse({ ...buildingImage, state: 'available', imageId: 'ami-1', ...image });
  await world.table.commit({ writes: [{ kind: 'put', key: keys.image(item.identity), item }] });
  return item;
}

async function bootsOf({ identity }: ImageItem): Promise<string[]> {
  const { boots = [] } = (await world.table.get(keys.image(identity), imageItem)) ?? {};
  return boots.map(({ instanceId }) => instanceId);
}

test.each([
  ['first', '1', 0],
  ['next', '2', 3],
  ['newest of as many as are kept', '3', 20],
])('two fleets whose boots pass at once are both remembered: the %s', async (_which, digit, before) => {
  const boots = former(before);
  const image = await available({ identity: digit.repeat(64), ...(before === 0 ? {} : { boots }) });
  const one = await opened(image, passes(`i-a${digit}`));
  const two = await opened(image, passes(`i-b${digit}`));
  const late = overtaken(keys.image(image.identity), () => endBoot(two, end, ending(world.table)));
  expect(await endBoot(one, end, ending(late))).toBe('ended');
  const newest = (await bootsOf(image)).slice(-2);
  expect(newest).toEqual([`i-b${digit}`, `i-a${digit}`]);
});

test('a veto does not forget a boot that passes meanwhile', async () => {
  const image = await available({ identity: '4'.repeat(64) });
  const boot = await opened(image, passes('i-a4'));
  const { identity } = image;
  const late = overtaken(keys.image(identity), () => endBoot(boot, end, ending(world.table)));
  const veto = { identity, reason: 'slow', by };
  await expect(vetoImage(late, veto, at)).rejects.toMatchObject({ name: 'RequestConflict' });
  await vetoImage(world.table, veto, at);
  expect(await bootsOf(image)).toEqual(['i-a4']);
});
