/** The world as the decisions look at it, made for tests. */
import { fleetSpec } from '../../../src/contracts/fleet-spec.ts';
import type { FleetItem, Lease, ReleaseItem } from '../../../src/contracts/items.ts';
import { type HealthQuestion, type HealthVerdict, healthVerdict } from '../../../src/fleet/health.ts';
import type { RolloutWorld } from '../../../src/fleet/plan.ts';
import type { QuotaWorld } from '../../../src/fleet/quotas.ts';
import type { ActivityView, GroupView, TargetView } from '../../../src/fleet/world.ts';

export function group(ids: readonly string[]): GroupView {
  return {
    name: 'flt-web-v2-r2',
    release: 2,
    rollout: 2,
    minimum: ids.length,
    desired: ids.length,
    maximum: 4,
    targetGroupArns: [],
    members: ids.map((id) => ({ id, lifecycleState: 'InService', healthStatus: 'Healthy' })),
    deleting: false,
  };
}

export const target = (id: string, state: string): TargetView => ({ id, state });
export const activity = (description: string, more: Partial<ActivityView> = {}): ActivityView => ({
  id: description,
  status: 'Successful',
  description,
  cause: '',
  message: '',
  startedAt: 0,
  ...more,
});
export const replaced = (id: string) =>
  activity(`Terminating EC2 instance: ${id}`, {
    cause: 'an instance was taken out of service in response to an ELB system health check failure.',
  });

/** The verdict on a candidate of two healthy instances, unless told otherwise. */
export function askHealth(more: Partial<HealthQuestion> = {}): HealthVerdict {
  return healthVerdict({
    wanted: 2,
    group: group(['i-1', 'i-2']),
    targets: [target('i-1', 'healthy'), target('i-2', 'healthy')],
    activities: [],
    waitedSeconds: 10,
    deadlineSeconds: 120,
    ...more,
  });
}

export const digest = 'a'.repeat(64);
export const by = { principal: 'arn:aws:iam::000000000000:user/ada', through: 'api' };
export const live = { release: 1, slot: 'blue' as const, groupName: 'flt-web-v1-r1' };
export const warm = { release: 2, slot: 'green' as const, groupName: 'flt-web-v2-r2', keepUntil: '' };

/** A fleet at rest with its first release live. */
export const fleet: FleetItem = {
  type: 'fleet',
  fleet: 'web',
  spec: fleetSpec.parse({
    rule: { hosts: ['web.example.com'] },
    healthCheck: { path: '/' },
    instances: { minimum: 1, desired: 1, maximum: 4 },
  }),
  specVersion: 1,
  fixed: { listenerArn: 'l', ruleArn: 'r', priority: 1, blueArn: 'b', greenArn: 'g', launchTemplateId: 'lt' },
  live,
  candidate: null,
  warm: null,
  weights: { blue: 100, green: 0 },
  served: true,
  lease: null,
  fence: 1,
  gate: null,
  orders: [],
  pins: [],
  nextRelease: 4,
  nextRollout: 4,
  nextUpload: 1,
  newestUpload: 5,
  queue: [],
  createdAt: '',
  updatedAt: '',
  revision: 1,
};

export function release(number: number, more: Partial<ReleaseItem> = {}): ReleaseItem {
  return {
    type: 'release',
    fleet: 'web',
    number,
    identity: String(number).repeat(64).slice(0, 64),
    imageId: `ami-${number}`,
    artifactSha256: digest,
    image: fleet.spec.image,
    kernel: '',
    upload: 0,
    state: 'new',
    createdAt: '',
    by,
    ...more,
  };
}

/** Of rollout 2, which holds the fleet. */
export const lease = (more: Partial<Lease> = {}): Lease => ({
  holder: 'arn:x',
  purpose: 'rollout',
  rollout: 2,
  release: 2,
  since: '',
  fence: 1,
  state: 'held',
  ...more,
});

/** Nothing runs yet in a family of the standard instances with so many vCPUs. */
export const roomFor = (vcpus: number): QuotaWorld => ({
  running: { known: true, value: [] },
  vcpus: { known: true, value: new Map([['t3.nano', 2]]) },
  quotas: new Map([['L-1216C47A', { known: true, value: vcpus }]]),
  groups: { known: true, value: { used: 1, quota: 500 } },
  templateVersions: undefined,
});

const settings = { exists: true, sticky: false };

/** Rollout 3, of release 3, with nothing in its way; its groups and targets are each test's own. */
export const inNoWay: Omit<RolloutWorld, 'slots' | 'groups'> = {
  fleet,
  release: release(3),
  image: { state: 'available' },
  rollout: 3,
  kind: 'deploy',
  force: false,
  rule: { weights: fleet.weights, foreign: [], sticky: false },
  testRule: null,
  settings: { blue: settings, green: settings },
  alarms: [],
  quotas: roomFor(640),
  hooks: [],
  stack: 'flotilla',
};
