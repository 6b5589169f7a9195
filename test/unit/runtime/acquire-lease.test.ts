/** What happens to a rollout between the look at it and the write that gives it the fleet. */
import { describe, expect, test } from 'vitest';
import type { Executions } from '../../../src/aws/executions.ts';
import type { Table } from '../../../src/aws/table.ts';
import { fleetItem, type RolloutItem, rolloutItem } from '../../../src/contracts/items.ts';
import { phases } from '../../../src/fleet/phases.ts';
import { keys } from '../../../src/lineage/keys.ts';
import { giveOrder } from '../../../src/runtime/give-order.ts';
import { acquireLease, type LeaseCall } from '../../../src/runtime/rollout/lease.ts';
import { updateRollout } from '../../../src/runtime/rollout/record.ts';
import { tableInRegion } from '../../support/table-in-region.ts';
import { by, fleet } from '../fleet/views.ts';

const world = tableInRegion();

const at = '2026-11-23T12:00:00.000Z';
const clock = { now: () => new Date(at) };
const execution = 'arn:aws:states:us-east-1:000000000000:execution:flotilla-swap-fleet:web-5';
const none = {} as Executions;

/** A fleet with rollouts that wait for their turn. */
async function waiting(name: string, queue: readonly number[]): Promise<LeaseCall> {
  const rollout = (number: number): RolloutItem => ({
    ...{ type: 'rollout', fleet: name, number, kind: 'deploy', release: number, from: 1 },
    ...{ executionArn: execution, status: 'requested', phase: phases.acquiring, requestedAt: at, by },
  });
  await world.table.commit({
    writes: [
      {
        kind: 'put',
        key: keys.fleet(name),
        item: { ...fleet, fleet: name, queue, createdAt: at, updatedAt: at },
      },
      ...queue.map((one) => ({ kind: 'put' as const, key: keys.rollout(name, one), item: rollout(one) })),
    ],
  });
  return { fleet: name, rollout: 5, execution, purpose: 'rollout', startedAt: at };
}

/** The table, to one to whom somebody else comes right after its first look. */
function overtaken(other: () => Promise<unknown>): Table {
  let looked = false;
  return {
    ...world.table,
    async getTogether(...asked: Parameters<Table['getTogether']>) {
      const found = await world.table.getTogether(...asked);
      if (!looked) {
        looked = true;
        await other();
      }
      return found;
    },
  } as Table;
}

const leaseOf = async (name: string) => (await world.table.get(keys.fleet(name), fleetItem))?.lease;
const rolloutOf = (name: string) => world.table.get(keys.rollout(name, 5), rolloutItem);

describe('a rollout that asks for its fleet', () => {
  test('gets it when it is the first that waits', async () => {
    const call = await waiting('first', [5, 6]);
    expect(await acquireLease(call, world.table, clock)).toMatchObject({ fence: 2, release: 5 });
    expect(await leaseOf('first')).toMatchObject({ holder: execution, rollout: 5 });
    expect(await rolloutOf('first')).toMatchObject({ status: 'running', phase: 'planning' });
    // Asked again, by a call whose answer was lost.
    expect(await acquireLease(call, world.table, clock)).toMatchObject({ fence: 2 });
  });

  test('waits while another came first', async () => {
    const call = await waiting('second', [4, 5]);
    await expect(acquireLease(call, world.table, clock)).rejects.toMatchObject({
      name: 'LeaseHeld',
      message: 'second is held by rollout 4, which came first',
    });
  });

  test.each([
    ['only', [5]],
    ['not-alone', [5, 6]],
  ])('never runs after an abort took it out of the queue (%s)', async (name, queue) => {
    const call = await waiting(name, queue);
    const table = overtaken(async () => {
      const order = { fleet: name, rollout: 5, verb: 'abort', by } as const;
      const answer = await giveOrder(order, { table: world.table, executions: none, clock });
      expect(answer.message).toBe(`${name}-5 was taken out of the queue.`);
    });
    await expect(acquireLease(call, table, clock)).rejects.toMatchObject({ name: 'LeaseLost' });
    expect(await leaseOf(name)).toBeNull();
    expect(await rolloutOf(name)).toMatchObject({ status: 'aborted', phase: 'ended' });
  });

  test('never runs once its item says that it has ended', async () => {
    const call = await waiting('ended', [5]);
    const ended = { status: 'aborted', phase: 'ended' } as const;
    const table = overtaken(() => world.table.commit({ writes: [updateRollout('ended', 5, ended)] }));
    await expect(acquireLease(call, table, clock)).rejects.toMatchObject({ name: 'AwsUnavailable' });
    expect(await leaseOf('ended')).toBeNull();
    await expect(acquireLease(call, world.table, clock)).rejects.toMatchObject({ name: 'LeaseLost' });
    expect(await rolloutOf('ended')).toMatchObject(ended);
  });
});

test('a retirement waits for the rollouts in the queue', async () => {
  const call = { ...(await waiting('retiring', [5])), purpose: 'retirement', release: 2 } as const;
  await expect(acquireLease(call, world.table, clock)).rejects.toMatchObject({ name: 'LeaseHeld' });
  const idle = { ...(await waiting('idle', [])), purpose: 'retirement', release: 2 } as const;
  expect(await acquireLease(idle, world.table, clock)).toMatchObject({ release: 2 });
});
