/** The scaling policies of a live group, with the resource label of the slot that it serves in. */
import type { Groups, ScalingTarget } from '../../aws/groups.ts';
import type { LoadBalancer } from '../../aws/load-balancer.ts';
import type { FleetItem, Occupant } from '../../contracts/items.ts';
import { FlotillaError } from '../../errors.ts';
import type { Hold } from './hold.ts';
import { slotArns } from './look.ts';

export interface ScalingDeps {
  readonly balancer: Pick<LoadBalancer, 'resourceLabel'>;
  readonly groups: Pick<Groups, 'putScaling'>;
}

/**
 * Puts the policies of the fleet's spec on a group. Safe to repeat.
 * @returns the metrics that it scales by.
 * @throws FlotillaError `TrafficNotProven`
 */
export async function scaleGroup(
  { groupName, slot }: Pick<Occupant, 'groupName' | 'slot'>,
  hold: Hold,
  { balancer, groups }: ScalingDeps,
): Promise<readonly ScalingTarget['metric'][]> {
  const targets = await scalingTargets(hold.fleet, slotArns(hold.fleet)[slot], balancer);
  for (const target of targets) {
    await hold.before();
    await groups.putScaling(groupName, target);
  }
  return targets.map(({ metric }) => metric);
}

async function scalingTargets(
  fleet: FleetItem,
  slotArn: string,
  balancer: ScalingDeps['balancer'],
): Promise<ScalingTarget[]> {
  const { scaling } = fleet.spec;
  const targets: ScalingTarget[] = [];
  if (scaling?.cpuPercent !== undefined) targets.push({ metric: 'cpu', value: scaling.cpuPercent });
  if (scaling?.requestsPerTarget !== undefined) {
    const resourceLabel = await balancer.resourceLabel(slotArn);
    if (resourceLabel === undefined) {
      throw new FlotillaError('TrafficNotProven', `No load balancer uses ${slotArn}`, { fleet: fleet.fleet });
    }
    targets.push({ metric: 'requests', value: scaling.requestsPerTarget, resourceLabel });
  }
  return targets;
}
