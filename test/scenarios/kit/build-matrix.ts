/**
 * Every fault at every call of a build: the calls are those of a build that nothing happens to; then, for each of
 * them and each fault, a build with that fault is let end, and what must hold of it is looked at.
 */
import { createHash } from 'node:crypto';
import type { FaultInput } from '../../../local/faults/fault.ts';
import { imageItem, type UploadItem } from '../../../src/contracts/items.ts';
import { errorCatalogue } from '../../../src/errors.ts';
import { amiName } from '../../../src/image/identity.ts';
import { recognise } from '../../../src/image/recognise.ts';
import { keys } from '../../../src/lineage/keys.ts';
import { Doors, program } from './doors.ts';

/** What is built: the first image of a fleet, in full, or one over a parent, of which only what differs is put. */
const builds = ['in full', 'over a parent'] as const;
type Build = (typeof builds)[number];

/** The nth time that a function makes a call, in a build that nothing happens to. */
interface CallPoint {
  readonly build: Build;
  /** Short: `write-blocks`. */
  readonly by: string;
  readonly action: string;
  readonly nth: number;
}

export interface MatrixCase extends CallPoint {
  readonly fault: string;
}

type At = (point: Omit<CallPoint, 'build'>) => FaultInput;

/** What is done at each call. A service that fails twenty times outlasts the retries of a client and of a state. */
const faults = {
  'killed before': ({ by, action, nth }) => ({
    kind: 'crash',
    function: `flotilla-${by}`,
    when: 'before',
    action,
    nth,
  }),
  'killed after': ({ by, action, nth }) => ({
    kind: 'crash',
    function: `flotilla-${by}`,
    when: 'after',
    action,
    nth,
  }),
  throttled: (point) => ({ kind: 'throttle', ...point }),
  'throttled for minutes': (point) => ({ kind: 'throttle', ...point, times: 60 }),
  'fails once': (point) => ({ kind: 'fail', ...point, code: 'InternalError', status: 500 }),
  'fails twenty times': (point) => ({
    kind: 'fail',
    ...point,
    code: 'InternalError',
    status: 500,
    times: 20,
  }),
  // As the EBS direct APIs refuse a checksum that is not the block's, and others what they do not understand.
  refused: (point) => ({ kind: 'fail', ...point, code: 'ValidationException', status: 400 }),
  'answer lost': (point) => ({ kind: 'lose-answer', ...point }),
  'late by half a minute': (point) => ({ kind: 'delay', ...point, seconds: 30 }),
} satisfies Record<string, At>;

/** Beside those at every call: what EC2 may say of a snapshot while it does not know it yet. */
const unknownSnapshot: Omit<MatrixCase, 'build'> = {
  by: 'check-snapshot',
  action: 'ec2:DescribeSnapshots',
  nth: 1,
  fault: 'unknown for a minute',
};

/** What EBS may do to a snapshot at any time until it is sealed, and no answer of its own tells. */
const snapshotGone = 'snapshot gone to error';
/** The functions at whose calls a snapshot is there and not sealed yet. */
const whilePending = /^(?:start-snapshot|write-blocks|complete-snapshot|check-snapshot)$/;

export const faultNames: readonly string[] = [...Object.keys(faults), unknownSnapshot.fault, snapshotGone];

export interface CaseResult {
  readonly one: MatrixCase;
  /** How the first build ended: the name of its error, or its state. */
  readonly end: string;
  /** What was not as it must be, in words. */
  readonly wrong: readonly string[];
}

/** @returns takes it back */
function strike(world: Doors['world'], one: MatrixCase): () => void {
  if (one.fault !== snapshotGone) {
    world.region.faults.inject(faultOf(one));
    return () => world.region.faults.clear();
  }
  let left = one.nth;
  return world.region.onChange((call) => {
    if (call === undefined || call.action !== one.action || !call.who.endsWith(`/flotilla-${one.by}`)) return;
    left -= 1;
    if (left !== 0) return;
    for (const snapshot of world.region.parts.ebs.snapshots.all.values())
      if (snapshot.status === 'pending') snapshot.status = 'error';
  });
}

function faultOf({ fault, build: _build, ...point }: MatrixCase): FaultInput {
  if (fault === unknownSnapshot.fault)
    return { kind: 'fail', ...point, code: 'InvalidSnapshot.NotFound', status: 400, times: 12 };
  const made = (faults as Record<string, At>)[fault];
  if (made === undefined) throw new Error(`there is no fault ${fault}`);
  return made(point);
}

export function wordsOf({ build, by, action, nth, fault }: MatrixCase): string {
  return `${build}, ${by}, ${action} ${nth}: ${fault}`;
}

/** A stack whose fleet deploys nothing by itself: here ends the way of an upload with its image. It has built one. */
export async function openDoors(): Promise<Doors> {
  const doors = await Doors.open({ deployOnUpload: false });
  await built(doors, 'web/parent');
  return doors;
}

async function built(doors: Doors, key: string): Promise<UploadItem> {
  const upload = await doors.uploadEnded(key, await doors.upload(key, program(key)));
  if (upload.state !== 'built') throw new Error(`the build without a fault: ${JSON.stringify(upload)}`);
  return upload;
}

/** Where an upload is built so: over the parent that `web` has, or as the first of a fleet of its own. */
async function fleetFor(doors: Doors, build: Build, name: string): Promise<string> {
  if (build === 'over a parent') return 'web';
  await doors.apply({ deployOnUpload: false }, name);
  return name;
}

/** Every case that there is, in the order of the calls. */
export async function allCases(): Promise<MatrixCase[]> {
  const doors = await openDoors();
  try {
    const cases: MatrixCase[] = [];
    for (const build of builds) {
      const points = await pointsOf(doors, build);
      cases.push(...points.flatMap((point) => faultsAt(point).map((fault) => ({ ...point, fault }))), {
        ...unknownSnapshot,
        build,
      });
    }
    return cases;
  } finally {
    await doors.close();
  }
}

function faultsAt({ by }: CallPoint): string[] {
  return [...Object.keys(faults), ...(whilePending.test(by) ? [snapshotGone] : [])];
}

/** The calls of a build that nothing happens to. */
async function pointsOf(doors: Doors, build: Build): Promise<CallPoint[]> {
  const { log } = doors.world.region;
  const fleet = await fleetFor(doors, build, 'clean');
  const before = log.total;
  const { identity } = await built(doors, `${fleet}/clean-${builds.indexOf(build)}`);
  const image = await doors.table.get(keys.image(identity ?? ''), imageItem);
  if ((image?.parent !== undefined) !== (build === 'over a parent'))
    throw new Error(`a build ${build} has the parent ${image?.parent?.identity}`);
  const counts = new Map<string, number>();
  const points: CallPoint[] = [];
  for (const { who, action } of log.list().slice(before - log.total)) {
    const by = /flotilla-([a-z-]+)$/.exec(who)?.[1];
    if (by === undefined || by.startsWith('sweep') || by.startsWith('api-') || action.startsWith('logs:'))
      continue;
    const nth = (counts.get(`${by} ${action}`) ?? 0) + 1;
    counts.set(`${by} ${action}`, nth);
    points.push({ build, by, action, nth });
  }
  return points;
}

/** Sweepers have removed by then what nobody owns. */
const sweptSeconds = 3600;

/** Builds with the fault, then once more without. */
export async function tryCase(doors: Doors, one: MatrixCase): Promise<CaseResult> {
  const { world } = doors;
  const name = `m${createHash('sha256').update(wordsOf(one)).digest('hex').slice(0, 12)}`;
  const key = `${await fleetFor(doors, one.build, name)}/${name}`;
  const wrong: string[] = [];
  const takeBack = strike(world, one);
  const versionId = await doors.upload(key, program(name));
  const upload = await ended(doors, key, versionId);
  takeBack();
  await world.seconds(60);
  if (upload === undefined) {
    if (one.by !== 'receive-upload') wrong.push('the upload never ended');
  } else {
    wrong.push(...(await untruths(doors, upload, !keepsSilent(one))));
  }
  // Only where something lies about is there anything to wait for.
  if ((await leaks(doors)).length > 0) await world.seconds(sweptSeconds);
  wrong.push(...(await leaks(doors)));
  const again = await ended(doors, key, await doors.upload(key, program(name)));
  if (again?.state !== 'built')
    wrong.push(`the same bytes again: ${JSON.stringify(again?.error ?? again?.state)}`);
  else
    wrong.push(...(await untruths(doors, again, true)), ...(await wrongBlocks(doors, again, program(name))));
  wrong.push(...(await leaks(doors)));
  return { one, end: upload?.error?.name ?? upload?.state ?? 'not received', wrong };
}

async function ended(doors: Doors, key: string, versionId: string): Promise<UploadItem | undefined> {
  for (let passed = 0; passed < 4 * 3600; passed += passed < 120 ? 10 : 120) {
    await doors.world.seconds(passed < 120 ? 10 : 120);
    const item = (await doors.uploads()).find((one) => one.key === key && one.versionId === versionId);
    if (item?.endedAt !== undefined) return item;
    if (item === undefined && passed > 1800) return undefined;
  }
  return undefined;
}

/**
 * Where the last step is refused for good, nobody can be told: the item is right, and the execution fails, so that
 * somebody looks.
 */
function keepsSilent({ by, fault }: MatrixCase): boolean {
  return (
    by === 'report-outcome' && ['refused', 'fails twenty times', 'throttled for minutes'].includes(fault)
  );
}

/**
 * What the item, the execution, the object's tags and the AMI say must be one and the same.
 * @param isTold whether execution and tags could be told
 */
async function untruths(doors: Doors, upload: UploadItem, isTold: boolean): Promise<string[]> {
  const { world } = doors;
  const wrong: string[] = [];
  const error = upload.error?.name;
  if (
    upload.state === 'built'
      ? isTold && error !== undefined
      : error === undefined || !(error in errorCatalogue || ofAws.has(error))
  )
    wrong.push(`it ended ${upload.state} with ${error}`);
  const execution = await world
    .call('states', 'DescribeExecution', { executionArn: upload.executionArn })
    .catch((thrown: Error) => ({ status: thrown.name, error: undefined }));
  const expected = upload.state === 'built' ? 'SUCCEEDED' : 'FAILED';
  // An upload whose execution could not be started ends with what kept it from starting.
  const neverStarted = execution.status === 'ExecutionDoesNotExist' && upload.state !== 'built';
  if (isTold && !neverStarted && (execution.status !== expected || execution.error !== error))
    wrong.push(
      `${upload.state} with ${error}, and the execution ${execution.status} with ${execution.error}`,
    );
  const { TagSet } = await world.call('s3', 'GetObjectTagging', {
    Bucket: doors.uploadBucket,
    Key: upload.key,
    VersionId: upload.versionId,
  });
  const tags = new Map(TagSet.map(({ Key, Value }: { Key: string; Value: string }) => [Key, Value]));
  if (isTold && tags.get('flotilla:outcome') !== upload.state)
    wrong.push(`the tag says ${tags.get('flotilla:outcome')}, the item ${upload.state}`);
  if (upload.identity !== undefined) {
    const { Images } = await world.call('ec2', 'DescribeImages', {
      Owners: ['self'],
      Filters: [{ Name: 'name', Values: [amiName(upload.identity)] }],
    });
    const ids = Images.map(({ ImageId }: { ImageId: string }) => ImageId).join();
    if (upload.state === 'built' && ids !== upload.imageId)
      wrong.push(`the AMIs are ${ids || 'none'}, the item says ${upload.imageId}`);
    const image = await doors.table.get(keys.image(upload.identity), imageItem);
    if (upload.state === 'built' && (image?.state !== 'available' || image.imageId !== upload.imageId))
      wrong.push(`the image is ${image?.state} as ${image?.imageId}`);
  }
  return wrong;
}

/** What AWS refused in words of its own is told in these. */
const ofAws = new Set(['ValidationException', 'InvalidSnapshot.NotFound']);

/** Every AMI and snapshot of the account belongs to an image that is written down as available. */
async function leaks(doors: Doors): Promise<string[]> {
  const { Images } = await doors.world.call('ec2', 'DescribeImages', { Owners: ['self'] });
  const { Snapshots } = await doors.world.call('ec2', 'DescribeSnapshots', { OwnerIds: ['self'] });
  const wrong: string[] = [];
  const known = new Set<string>();
  for (const { Name, ImageId } of Images) {
    const image = await doors.table.get(keys.image(Name.replace('flotilla/', '')), imageItem);
    if (image?.state !== 'available' || image.imageId !== ImageId)
      wrong.push(`${ImageId} is nobody's: ${Name} is ${image?.state}`);
    if (image?.snapshotId !== undefined) known.add(image.snapshotId);
  }
  for (const { SnapshotId, State } of Snapshots)
    if (!known.has(SnapshotId)) wrong.push(`${SnapshotId} is nobody's, and ${State}`);
  return wrong;
}

/** What the AMI boots from is the program that was uploaded, whole. */
async function wrongBlocks(doors: Doors, upload: UploadItem, bytes: Uint8Array): Promise<string[]> {
  const { world } = doors;
  const image = await doors.table.get(keys.image(upload.identity ?? ''), imageItem);
  const SnapshotId = image?.snapshotId ?? '';
  const disk = Buffer.alloc(64 * 2 ** 20);
  const { Blocks } = await world.call('ebs', 'ListSnapshotBlocks', { SnapshotId });
  for (const { BlockIndex, BlockToken } of Blocks) {
    const { BlockData } = await world.call('ebs', 'GetSnapshotBlock', { SnapshotId, BlockIndex, BlockToken });
    const pieces: Buffer[] = [];
    for await (const piece of BlockData) pieces.push(Buffer.from(piece));
    disk.set(Buffer.concat(pieces), BlockIndex * 524_288);
  }
  // The volume is larger than what is on it: only its partition's length says so.
  const sizeBytes = 2 ** 30;
  const source = {
    sizeBytes,
    read: async (offset: number, length: number) => {
      const size = Math.min(length, sizeBytes - offset);
      return offset + size <= disk.length ? disk.subarray(offset, offset + size) : new Uint8Array(size);
    },
  };
  const found = await recognise(source).catch((error: Error) => error.message);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return typeof found !== 'string' && found.kind === 'nanos-disk' && found.programSha256 === sha256
    ? []
    : [`${SnapshotId} holds something else: ${JSON.stringify(found)}`];
}
