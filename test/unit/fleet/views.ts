/** The world as the decisions look at it, made for tests. */
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
