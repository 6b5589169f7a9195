/**
 * What a mixed instances policy makes of a capacity: how many of it On-Demand, and which types, in which order.
 * https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-mixed-instances-groups.html
 * https://docs.aws.amazon.com/autoscaling/ec2/userguide/allocation-strategies.html
 */
import type { InstancesDistribution, MixedInstancesPolicy } from '@aws-sdk/client-auto-scaling';
import { instanceTypeFacts } from '../ec2/instance-types.ts';
import type { GroupRecord, Member } from './state.ts';

export type Market = 'on-demand' | 'spot';

/** How many of `capacity` instances are On-Demand: the base first, then a share, rounded up. */
export function onDemandOf(capacity: number, distribution: InstancesDistribution | undefined): number {
  const base = Math.min(capacity, distribution?.OnDemandBaseCapacity ?? 0);
  const percent = distribution?.OnDemandPercentageAboveBaseCapacity ?? 100;
  return base + Math.ceil(((capacity - base) * percent) / 100);
}

/** Of which market the next instance is; undefined where the launch template decides. */
export function nextMarket(group: GroupRecord, present: readonly Member[]): Market | undefined {
  if (group.mixed === undefined) return undefined;
  const wanted = onDemandOf(Math.max(group.desired, present.length + 1), group.mixed.InstancesDistribution);
  return countOf(present, 'on-demand') < wanted ? 'on-demand' : 'spot';
}

/** "First identifies which of the two types (Spot or On-Demand) should be terminated"; undefined: either. */
export function surplusMarket(
  group: GroupRecord,
  present: readonly Member[],
  capacity: number,
): Market | undefined {
  if (group.mixed === undefined) return undefined;
  const wanted = onDemandOf(capacity, group.mixed.InstancesDistribution);
  if (countOf(present, 'on-demand') > wanted) return 'on-demand';
  return countOf(present, 'spot') > capacity - wanted ? 'spot' : undefined;
}

function countOf(members: readonly Member[], market: Market): number {
  return members.filter((member) => member.instance.spec.market === market).length;
}

/**
 * The types to try in a zone, in order; `[undefined]` leaves it to the launch template. There are no prices here, so
 * that the smallest type counts as the cheapest, and every pool has the same capacity, so that the strategies by
 * capacity follow the order of the overrides.
 */
export function typesFor(mixed: MixedInstancesPolicy | undefined, market: Market): (string | undefined)[] {
  const types = (mixed?.LaunchTemplate?.Overrides ?? []).map((override) => override.InstanceType);
  if (types.length === 0) return [undefined];
  const strategy =
    market === 'on-demand'
      ? (mixed?.InstancesDistribution?.OnDemandAllocationStrategy ?? 'prioritized')
      : (mixed?.InstancesDistribution?.SpotAllocationStrategy ?? 'lowest-price');
  if (strategy !== 'lowest-price' && strategy !== 'price-capacity-optimized') return types;
  return types.toSorted((a, b) => size(a) - size(b));
}

function size(type: string | undefined): number {
  const facts = instanceTypeFacts(type);
  return facts === undefined ? Number.POSITIVE_INFINITY : facts.vcpus * 1_000_000 + facts.memoryMiB;
}
