/** Words that the audit's scenarios share: what they wait for, and what somebody else does to the stack meanwhile. */
import type { Executions } from '../../../src/aws/executions.ts';
import { fleetItem } from '../../../src/contracts/items.ts';
import type { Verb } from '../../../src/fleet/orders.ts';
import { templateVersionsGiven } from '../../../src/fleet/quotas.ts';
import { keys } from '../../../src/lineage/keys.ts';
import { fleetPlace } from '../../../src/lineage/places.ts';
import { giveOrder } from '../../../src/runtime/give-order.ts';
import { Doors, person } from '../kit/doors.ts';
import type { Auditor } from './auditor.ts';

export interface Scenario {
  readonly name: string;
  run(doors: Doors, auditor: Auditor): Promise<void>;
}

/** Doors whose fleet does everything that a fleet can be told to. */
export function openDoors(): Promise<Doors> {
  return Doors.open(everything);
}

export const everything = {
  scaling: { cpuPercent: 50, requestsPerTarget: 100 },
  instances: { profile: 'program', minimum: 1, desired: 2, maximum: 3 },
  rollout: {
    steps: [{ weight: 50, bakeSeconds: 60 }, { weight: 100 }],
    alarms: [{ name: 'errors', missingData: 'quiet' as const }],
    keepWarmSeconds: 600,
    drainSeconds: 0,
  },
};

export const alarm = (doors: Doors, StateValue: 'OK' | 'ALARM') =>
  doors.world.call('monitoring', 'SetAlarmState', {
    AlarmName: 'errors',
    StateValue,
    StateReason: 'the audit says so',
  });

/** Uploads, and waits for the end of the image's way. */
export const sent = async (doors: Doors, key: string, bytes: Uint8Array) =>
  doors.uploadEnded(key, await doors.upload(key, bytes));

export const ended = async (
  doors: Doors,
  { fleet, rollout }: { fleet?: string | undefined; rollout?: number | undefined },
) => doors.rolloutEnded(`${fleet}-${rollout}`);

export const free = (doors: Doors, fleet = 'web') =>
  doors.until(async () => ((await doors.fleet(fleet)).lease === null ? true : undefined));

/** Stops what runs of a machine, as a person in the console might. */
export async function stopAll({ world }: Doors, machine: string): Promise<void> {
  const { executions } = await world.call('states', 'ListExecutions', {
    stateMachineArn: `arn:aws:states:us-east-1:000000000000:stateMachine:flotilla-${machine}`,
    statusFilter: 'RUNNING',
  });
  for (const { executionArn } of executions)
    await world.call('states', 'StopExecution', { executionArn, cause: 'the audit says so' });
}

export async function removeVersion(doors: Doors, Key: string, VersionId: string): Promise<void> {
  await doors.world.call('s3', 'DeleteObject', { Bucket: doors.uploadBucket, Key, VersionId });
}

/** Removes what lies under a prefix of the store. */
export async function empty({ world, storeBucket: Bucket }: Doors, Prefix: string): Promise<void> {
  const { Contents = [] } = await world.call('s3', 'ListObjectsV2', { Bucket, Prefix });
  for (const { Key } of Contents) await world.call('s3', 'DeleteObject', { Bucket, Key });
}

/** Has a fleet look back on so many rollouts that its launch template may be full. */
export async function manyRollouts(doors: Doors, name: string): Promise<void> {
  const item = await doors.table.get(keys.fleet(name), fleetItem);
  if (item === undefined) throw new Error(`no fleet ${name}`);
  await doors.table.commit({
    writes: [
      {
        kind: 'put',
        key: keys.fleet(name),
        item: { ...item, nextRollout: templateVersionsGiven },
        list: fleetPlace(name),
      },
    ],
  });
}

/** Removes the snapshots that are being written. */
export async function removeSnapshots({ world }: Doors): Promise<void> {
  const { Snapshots = [] } = await world.call('ec2', 'DescribeSnapshots', { OwnerIds: ['self'] });
  for (const { SnapshotId, State } of Snapshots)
    if (State === 'pending') await world.call('ec2', 'DeleteSnapshot', { SnapshotId });
}

/** Gives an order while a function stands, on whose time the clock does not run. */
export async function orderInside({ world }: Doors, id: string, verb: string): Promise<void> {
  const path = `/rollouts/${id}/${verb}`;
  const outcome = await world.region.parts.lambda.invoke('flotilla-api-rollouts', {
    version: '2.0',
    rawPath: path,
    queryStringParameters: {},
    headers: { 'content-type': 'application/json' },
    requestContext: {
      http: { method: 'POST', path, sourceIp: '127.0.0.1' },
      authorizer: { iam: { userArn: person } },
      stage: '$default',
      requestId: 'request',
    },
    body: '{}',
    isBase64Encoded: false,
  });
  if (outcome.failed) throw new Error(outcome.payload);
}

/** Gives an order whose giver dies before the gate is told. */
export async function orderUntold({ table, world }: Doors, rollout: number, verb: Verb): Promise<void> {
  const lost = async () => 'stale' as const;
  const executions = { succeed: lost, fail: lost } as unknown as Executions; // an order calls nothing else
  const by = { principal: person, through: 'api' };
  const clock = { now: () => new Date(world.clock.now()) };
  await giveOrder({ fleet: 'web', rollout, verb, by }, { table, executions, clock });
}

/** Lets the stack's schedules rest, or go on. */
export async function sweeping(doors: Doors, operation: 'DisableRule' | 'EnableRule'): Promise<void> {
  const { Rules } = await doors.world.call('events', 'ListRules', {});
  for (const { Name, ScheduleExpression } of Rules)
    if (ScheduleExpression !== undefined) await doors.world.call('events', operation, { Name });
}
