/** The world as the decisions look at it, made for tests. */
import { fleetSpec } from '../../../src/contracts/fleet-spec.ts';
import type { FleetItem, ReleaseItem } from '../../../src/contracts/items.ts';
import { type HealthQuestion, type HealthVerdict, healthVerdict } from '../../../src/fleet/health.ts';
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
