/** Lists of blocks, page by page, and the tokens that they give out. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AwsError } from '../../../../local/service.ts';
import { FleetRegion } from '../fleetside/fleet-region.ts';

const hour = 3_600;
const week = 7 * 24 * hour;

let fleet: FleetRegion;

beforeEach(async () => {
  fleet = await FleetRegion.create();
});

afterEach(() => fleet.region.close());

/** A snapshot of the blocks 0 to 150. */
async function snapshot(): Promise<string> {
  const id = await fleet.snapshot();
  fill(id);
  return id;
}

/** As if the blocks 1 to 150 were written too, all like block 0. */
function fill(id: string): void {
  const record = fleet.region.parts.ebs.snapshots.all.get(id);
  const digest = [...(record?.inherited.values() ?? []), ...(record?.written.values() ?? [])][0] ?? '';
  for (let index = 1; index <= 150; index += 1) record?.written.set(index, digest);
}

async function child(ParentSnapshotId: string): Promise<string> {
  const { SnapshotId } = await fleet.call('ebs', 'StartSnapshot', { VolumeSize: 1, ParentSnapshotId });
  await fleet.call('ebs', 'CompleteSnapshot', { SnapshotId, ChangedBlocksCount: 0 });
  await fleet.seconds(5);
  return SnapshotId;
}

const list = (SnapshotId: string, more: object = {}) =>
  fleet.call('ebs', 'ListSnapshotBlocks', { SnapshotId, MaxResults: 100, ...more });
const refusal = (operation: string, input: object) =>
  fleet.call('ebs', operation, { MaxResults: 100, ...input }).then(
    () => 'no error',
    (error: AwsError) => error.fields.Reason,
  );
const indexes = (blocks: readonly { BlockIndex: number }[]) => blocks.map((one) => one.BlockIndex);

describe('a page token', () => {
  it('goes on where the page before ended, whatever index the list began at', async () => {
    const id = await snapshot();
    const first = await list(id, { StartingBlockIndex: 20 });
    expect(indexes(first.Blocks)).toMatchObject({ 0: 20, 99: 119, length: 100 });
    const second = await list(id, { StartingBlockIndex: 20, NextToken: first.NextToken });
    expect(indexes(second.Blocks)).toMatchObject({ 0: 120, 30: 150, length: 31 });
    expect(second.NextToken).toBeUndefined();
  });

  it('goes on in the differences of two snapshots', async () => {
    const FirstSnapshotId = await fleet.snapshot();
    const SecondSnapshotId = await child(FirstSnapshotId);
    fill(SecondSnapshotId);
    const asked = { FirstSnapshotId, SecondSnapshotId, MaxResults: 100 };
    const first = await fleet.call('ebs', 'ListChangedBlocks', { ...asked, StartingBlockIndex: 2 });
    const rest = { ...asked, StartingBlockIndex: 2, NextToken: first.NextToken };
    const second = await fleet.call('ebs', 'ListChangedBlocks', rest);
    expect(indexes([...first.ChangedBlocks, ...second.ChangedBlocks])).toMatchObject({
      0: 2,
      148: 150,
      length: 149,
    });
  });

  it('is of one list, and no other', async () => {
    const one = await snapshot();
    const other = await child(one);
    const { NextToken } = await list(one);
    expect(await refusal('ListSnapshotBlocks', { SnapshotId: other, NextToken })).toBe('INVALID_PAGE_TOKEN');
    const both = { FirstSnapshotId: one, SecondSnapshotId: other, NextToken };
    expect(await refusal('ListChangedBlocks', both)).toBe('INVALID_PAGE_TOKEN');
    expect(await refusal('ListSnapshotBlocks', { SnapshotId: one, NextToken })).toBe('no error');
  });

  it('is good for an hour', async () => {
    const id = await snapshot();
    const { NextToken } = await list(id);
    await fleet.seconds(hour - 1);
    expect(await refusal('ListSnapshotBlocks', { SnapshotId: id, NextToken })).toBe('no error');
    await fleet.seconds(1);
    expect(await refusal('ListSnapshotBlocks', { SnapshotId: id, NextToken })).toBe('INVALID_PAGE_TOKEN');
  });
});

it('a block token is good until the time that came with it', async () => {
  const SnapshotId = await fleet.snapshot();
  const { Blocks, ExpiryTime } = await list(SnapshotId);
  expect(ExpiryTime).toEqual(new Date(fleet.clock.now() + week * 1_000));
  await fleet.seconds(week - 1);
  const asked = { SnapshotId, ...Blocks[0] };
  expect(await refusal('GetSnapshotBlock', asked)).toBe('no error');
  await fleet.seconds(1);
  expect(await refusal('GetSnapshotBlock', asked)).toBe('INVALID_BLOCK_TOKEN');
  const again = await list(SnapshotId);
  expect(await refusal('GetSnapshotBlock', { SnapshotId, ...again.Blocks[0] })).toBe('no error');
});

describe('a comparison', () => {
  it('is of snapshots of one lineage, also where what they have in common is gone', async () => {
    const root = await fleet.snapshot();
    const [one, other] = [await child(root), await child(root)];
    await fleet.call('ec2', 'DeleteSnapshot', { SnapshotId: root });
    const asked = { FirstSnapshotId: one, SecondSnapshotId: other };
    expect(await refusal('ListChangedBlocks', asked)).toBe('no error');
    const stranger = { ...asked, FirstSnapshotId: await fleet.snapshot() };
    expect(await refusal('ListChangedBlocks', stranger)).toBe('UNRELATED_SNAPSHOTS');
  });

  it('is of two snapshots', async () => {
    const asked = { SecondSnapshotId: await fleet.snapshot() };
    expect(await refusal('ListChangedBlocks', asked)).toBe('INVALID_PARAMETER_VALUE');
  });
});

it('fifty lists a second are answered, and as many comparisons', async () => {
  const id = await fleet.snapshot();
  const both = { FirstSnapshotId: id, SecondSnapshotId: await child(id) };
  const asked: readonly [string, object][] = [
    ['ListSnapshotBlocks', { SnapshotId: id }],
    ['ListChangedBlocks', both],
  ];
  for (const [operation, input] of asked) {
    for (let count = 0; count < 50; count += 1) await fleet.call('ebs', operation, input);
    expect(await refusal(operation, input)).toBe('ACCOUNT_THROTTLED');
  }
  await fleet.seconds(1);
  for (const [operation, input] of asked) expect(await refusal(operation, input)).toBe('no error');
});
