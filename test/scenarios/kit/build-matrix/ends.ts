/** What must hold of a build that has ended, however it ended. */
import { createHash } from 'node:crypto';
import { imageItem, type UploadItem } from '../../../../src/contracts/items.ts';
import { errorCatalogue } from '../../../../src/errors.ts';
import { amiName } from '../../../../src/image/identity.ts';
import { recognise } from '../../../../src/image/recognise.ts';
import { keys } from '../../../../src/lineage/keys.ts';
import type { Doors } from '../doors.ts';
import type { Order } from './builds.ts';

/**
 * What the item, the API, the execution, the object's tags and the AMI say must be one and the same.
 * @param isTold whether execution and tags could be told
 */
export async function untruths(doors: Doors, upload: UploadItem, isTold: boolean): Promise<string[]> {
  const { world } = doors;
  const wrong: string[] = [];
  const error = upload.error?.name;
  if (
    upload.state === 'built'
      ? isTold && error !== undefined
      : error === undefined || !(error in errorCatalogue)
  )
    wrong.push(`it ended ${upload.state} with ${error}`);
  const { body } = await doors.api(`GET /uploads/${upload.id}`);
  if (body.state !== upload.state || body.error?.name !== error || body.imageId !== upload.imageId)
    wrong.push(`the API says ${body.state} as ${body.imageId} with ${body.error?.name}`);
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
      Filters: [{ Name: 'name', Values: [amiName('flotilla', upload.identity)] }],
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

/** Every AMI and snapshot of the account belongs to an image that is written down as available. */
export async function leaks(doors: Doors): Promise<string[]> {
  const { Images } = await doors.world.call('ec2', 'DescribeImages', { Owners: ['self'] });
  const { Snapshots } = await doors.world.call('ec2', 'DescribeSnapshots', { OwnerIds: ['self'] });
  const wrong: string[] = [];
  const known = new Set<string>();
  for (const { Name, ImageId } of Images) {
    const image = await doors.table.get(keys.image(Name.split('/').at(-1)), imageItem);
    if (image?.state !== 'available' || image.imageId !== ImageId)
      wrong.push(`${ImageId} is nobody's: ${Name} is ${image?.state}`);
    if (image?.snapshotId !== undefined) known.add(image.snapshotId);
  }
  for (const { SnapshotId, State } of Snapshots)
    if (!known.has(SnapshotId)) wrong.push(`${SnapshotId} is nobody's, and ${State}`);
  return wrong;
}

/** What the AMI boots from is the program that was asked for, whole, with its environment. */
export async function wrongBlocks(
  doors: Doors,
  upload: UploadItem,
  wanted: Pick<Order, 'program' | 'environment'>,
): Promise<string[]> {
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
  if (typeof found === 'string' || found.kind !== 'nanos-disk') return [`${SnapshotId} is no disk: ${found}`];
  const sha256 = createHash('sha256').update(wanted.program).digest('hex');
  const wrong =
    found.programSha256 === sha256 ? [] : [`${SnapshotId} holds another program, ${found.program}`];
  for (const [name, value] of Object.entries(wanted.environment))
    if (found.environment[name] !== value)
      wrong.push(`${SnapshotId} says ${name}=${found.environment[name]}, not ${value}`);
  return wrong;
}
