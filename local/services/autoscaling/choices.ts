/**
 * Which instances go when a group shrinks.
 * https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-termination-policies.html
 */
import { surplusMarket, typesFor } from './allocation.ts';
import type { GroupRecord, Member, TerminationPolicy } from './state.ts';
import { templateOf, zoneOf } from './state.ts';

/**
 * The members to terminate so that `from` becomes `count` fewer: of the market that there is too much of, in zones
 * that the group has left, then in the fullest zone, by the termination policies. The protected stay.
 */
export function victims(
  group: GroupRecord,
  from: readonly Member[],
  count: number,
  zones: ReadonlySet<string>,
): Member[] {
  const left = [...from];
  const chosen: Member[] = [];
  while (chosen.length < count) {
    const free = left.filter((member) => !member.protectedFromScaleIn);
    const market = surplusMarket(group, left, left.length - 1);
    const ofMarket = free.filter((member) => market === undefined || member.instance.spec.market === market);
    const candidates = fullest(ofMarket.length === 0 ? free : ofMarket, zones);
    const next = candidates.toSorted((a, b) => compare(score(group, a), score(group, b)))[0];
    if (next === undefined) return chosen;
    left.splice(left.indexOf(next), 1);
    chosen.push(next);
  }
  return chosen;
}

/** Those in zones that the group no longer uses; else those in the zones with the most. */
function fullest(members: readonly Member[], zones: ReadonlySet<string>): readonly Member[] {
  const foreign = members.filter((member) => !zones.has(zoneOf(member)));
  if (foreign.length > 0) return foreign;
  const perZone = Map.groupBy(members, zoneOf);
  const most = Math.max(0, ...[...perZone.values()].map((some) => some.length));
  return members.filter((member) => perZone.get(zoneOf(member))?.length === most);
}

function score(group: GroupRecord, member: Member): number[] {
  return [
    ...group.terminationPolicies.flatMap((policy) => scoreBy(policy, group, member)),
    member.launchedAt,
  ];
}

/** The smaller, the sooner it goes. */
function scoreBy(policy: TerminationPolicy, group: GroupRecord, member: Member): number[] {
  switch (policy) {
    case 'NewestInstance':
      return [-member.launchedAt];
    case 'OldestInstance':
    // Billing is by the second: nothing is "closest to the next billing hour".
    case 'ClosestToNextInstanceHour':
      return [member.launchedAt];
    case 'OldestLaunchTemplate':
      return byTemplate(group, member);
    case 'AllocationStrategy':
      return [byStrategy(group, member)];
    case 'OldestLaunchConfiguration':
      return [];
    case 'Default':
      return [byStrategy(group, member), ...byTemplate(group, member)];
  }
}

/** "Instances that use the noncurrent launch template first", then the oldest versions of the current one. */
function byTemplate(group: GroupRecord, { template }: Member): number[] {
  const current = template.LaunchTemplateId === templateOf(group).LaunchTemplateId;
  return [current ? 1 : 0, Number(template.Version)];
}

/** Types of lower priority go first. */
function byStrategy(group: GroupRecord, { instance }: Member): number {
  if (group.mixed === undefined) return 0;
  const place = typesFor(group.mixed, instance.spec.market).indexOf(instance.spec.type.name);
  return place < 0 ? Number.NEGATIVE_INFINITY : -place;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0);
    if (difference !== 0 && !Number.isNaN(difference)) return difference;
  }
  return 0;
}
