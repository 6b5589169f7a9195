/**
 * How instances are replaced: how many may go now, and how many must be launched first.
 * https://docs.aws.amazon.com/autoscaling/ec2/userguide/instance-maintenance-policy-overview-and-considerations.html
 */
import type { GroupRecord, Member } from './state.ts';

/** "Several instances might be replaced at once, by up to 10 percent of the current capacity". */
const shareWithoutPolicy = 0.1;

export interface ReplacementPlan {
  readonly terminate: readonly Member[];
  /** How many to launch now, so that others can go when these are ready. */
  readonly launch: number;
}

export interface ReplacementView {
  readonly leaving: readonly Member[];
  readonly staying: readonly Member[];
  /** Of the staying: in service, healthy, warmed up. */
  readonly ready: readonly Member[];
  /** False while launches are suspended. */
  readonly mayLaunch: boolean;
}

/**
 * The default is to terminate and launch at once where health failed, a tenth at a time where the lifetime is over,
 * and to launch first where a Spot Instance is likely to go. A maintenance policy is the same for all: the healthy
 * never fall below its lower bound, nor do all rise above its upper one.
 */
export function planReplacement(group: GroupRecord, view: ReplacementView): ReplacementPlan {
  const { desired } = group;
  const { leaving, staying, ready, mayLaunch } = view;
  if (leaving.length === 0) return { terminate: [], launch: 0 };
  const bounds = boundsOf(group, leaving);
  const terminate: Member[] = [];
  // Old ones are taken for healthy while they serve, and go one by one as far as the lower bound lets them.
  let serving = ready.length + leaving.filter((member) => serves(member)).length;
  let all = staying.length + leaving.length;
  for (const member of leaving.toSorted((a, b) => rank(a) - rank(b))) {
    const covered = ready.length + leaving.length - terminate.length > desired;
    const goes = serves(member)
      ? serving - 1 >= bounds.least
      : // What does not serve is no loss; but where the bound is the whole, its replacement comes first.
        bounds.least < desired || covered || !mayLaunch;
    if (!goes) continue;
    terminate.push(member);
    all -= 1;
    if (serves(member)) serving -= 1;
  }
  const wanted = Math.max(0, desired - staying.length);
  return { terminate, launch: mayLaunch ? Math.max(0, Math.min(wanted, bounds.most - all)) : 0 };
}

/** The fewest that serve, and the most that there are, while instances are replaced. */
function boundsOf(group: GroupRecord, leaving: readonly Member[]): { least: number; most: number } {
  const { desired, maintenance } = group;
  if (maintenance !== undefined) {
    const least = Math.ceil((desired * (maintenance.MinHealthyPercentage ?? 100)) / 100);
    const most = Math.floor((desired * (maintenance.MaxHealthyPercentage ?? 100)) / 100);
    // Rounding must not leave a small group without any way to replace.
    return { least, most: least >= desired ? Math.max(desired + 1, most) : most };
  }
  const some = Math.max(1, Math.floor(desired * shareWithoutPolicy));
  // Those that are merely old, or at risk, wait until health is restored.
  if (leaving.some((member) => member.replace?.kind === 'health'))
    return { least: desired - 1, most: desired };
  return leaving.some((member) => member.replace?.kind === 'spot')
    ? { least: desired, most: desired + some }
    : { least: desired - some, most: desired };
}

function serves(member: Member): boolean {
  return member.health === 'Healthy' && member.lifecycle === 'InService';
}

/** The unhealthy first: those that are merely old still serve. */
function rank(member: Member): number {
  return member.health === 'Unhealthy' ? 0 : 1;
}
