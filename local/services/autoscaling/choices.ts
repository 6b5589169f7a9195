/** Which instances go, and how many may be missing or surplus meanwhile. */
import type { GroupRecord, Member } from './state.ts';
import { templateOf } from './state.ts';

/** The unhealthy first: those that are merely old still serve. */
export function rank(member: Member): number {
  return member.health === 'Unhealthy' ? 0 : 1;
}

/** How far a replacement may go above and below the desired capacity. */
export function roomOf(group: GroupRecord): { up: number; down: number } {
  const { desired, maintenance } = group;
  const least = maintenance?.MinHealthyPercentage;
  const most = maintenance?.MaxHealthyPercentage;
  if (least === undefined || most === undefined || least < 0 || most < 0) return { up: 0, down: 1 };
  const down = desired - Math.ceil((desired * least) / 100);
  const up = Math.floor((desired * most) / 100) - desired;
  // Rounding must not leave a small group without any way to replace.
  return down === 0 ? { up: Math.max(1, up), down } : { up, down };
}

/**
 * The default termination policy, as far as it matters here: the fullest zone, then the oldest launch template,
 * then the oldest instance.
 */
export function victims(group: GroupRecord, from: readonly Member[], count: number): Member[] {
  const left = from.filter((member) => !member.protectedFromScaleIn);
  const chosen: Member[] = [];
  const current = templateOf(group);
  while (chosen.length < count && left.length > 0) {
    const perZone = Map.groupBy(left, (member) => member.instance.spec.subnet.zone);
    const score = (member: Member): readonly number[] => [
      -(perZone.get(member.instance.spec.subnet.zone)?.length ?? 0),
      member.template.LaunchTemplateId === current.LaunchTemplateId ? 1 : 0,
      Number(member.template.Version),
      member.launchedAt,
    ];
    left.sort((a, b) => compare(score(a), score(b)));
    const next = left.shift();
    if (next !== undefined) chosen.push(next);
  }
  return chosen;
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
