/** Reading the world of one fleet, all at once. */
import { createHash } from 'node:crypto';
import type { Groups } from '../../aws/groups.ts';
import type { LoadBalancer, SlotArns } from '../../aws/load-balancer.ts';
import { together } from '../../aws/together.ts';
import type { SlotColour } from '../../contracts/ids.ts';
import type { FleetItem } from '../../contracts/items.ts';
import { FlotillaError } from '../../errors.ts';
import { describeTestRule, mayShowBefore } from '../../fleet/test-listener.ts';
import { formatWeights, mayAppear, mayBeStale } from '../../fleet/traffic.ts';
import type { UndoWorld } from '../../fleet/undo.ts';
import type { RuleView, SlotSettings, TargetView, TrafficWorld } from '../../fleet/world.ts';

export interface LookDeps {
  readonly balancer: LoadBalancer;
  readonly groups: Groups;
}

export function slotArns(fleet: Pick<FleetItem, 'fixed'>): SlotArns {
  return { blue: fleet.fixed.blueArn, green: fleet.fixed.greenArn };
}

/**
 * The rule, and target health of the slots that are asked for: both, unless told otherwise. Of the other one no target
 * is shown, so that whoever does not ask must not decide on it.
 * @throws FlotillaError `TrafficNotProven` where the rule is gone: nothing can be said of the traffic then.
 */
export async function lookAtTraffic(
  balancer: LoadBalancer,
  fleet: Pick<FleetItem, 'fleet' | 'fixed'>,
  asked: readonly SlotColour[] = ['blue', 'green'],
): Promise<TrafficWorld> {
  const slots = slotArns(fleet);
  const targetsOf = (slot: SlotColour) => (asked.includes(slot) ? balancer.targets(slots[slot]) : []);
  const [rule, blue, green] = await together([
    ruleOf(balancer, fleet.fleet, fleet.fixed.ruleArn, slots),
    targetsOf('blue'),
    targetsOf('green'),
  ]);
  return { rule, slots: { blue: { targets: blue }, green: { targets: green } } };
}

/** @throws FlotillaError `TrafficNotProven` where the rule is gone: nothing can be said of the traffic then. */
export async function ruleOf(
  balancer: LoadBalancer,
  fleet: string,
  ruleArn: string,
  slots: SlotArns,
): Promise<RuleView> {
  const rule = await balancer.rule(ruleArn, slots);
  if (rule !== undefined) return rule;
  throw new FlotillaError(
    'TrafficNotProven',
    `The listener rule of ${fleet} is gone; flotilla fleet apply makes it anew, with the weights that it should have`,
    { fleet, ruleArn },
  );
}

/**
 * To be asked before the rule's weights are held against lineage's.
 * @throws FlotillaError `AwsUnavailable` while the rule may be shown as it was before our own change: look again.
 */
export function refuseIfStale(
  rule: Pick<RuleView, 'weights'>,
  fleet: Pick<FleetItem, 'fleet' | 'weights' | 'weightsSince'>,
  now: Date,
): void {
  if (!mayBeStale(rule.weights, fleet, now)) return;
  throw new FlotillaError(
    'AwsUnavailable',
    `The rule of ${fleet.fleet} is shown with ${formatWeights(rule.weights)}, maybe from before the last change`,
    { fleet: fleet.fleet },
  );
}

/**
 * Whatever of a plan's look may be from before a change of our own.
 * @throws FlotillaError `AwsUnavailable`: look again.
 */
export function refuseIfLate(
  seen: Parameters<typeof refuseIfUnseen>[0] & {
    readonly rule: RuleView | undefined;
    readonly testRule: RuleView | undefined | null;
  },
  fleet: FleetItem,
  now: Date,
): void {
  refuseIfUnseen(seen, fleet, now);
  if (seen.rule !== undefined) refuseIfStale(seen.rule, fleet, now);
  refuseIfTestStale(seen.testRule, fleet, now);
}

/**
 * To be asked before anything is called gone.
 * @throws FlotillaError `AwsUnavailable` while the rule or a target group of a new fleet may not be shown yet: look again.
 */
function refuseIfUnseen(
  seen: { readonly rule: unknown; readonly settings: Readonly<Record<SlotColour, SlotSettings>> },
  fleet: Pick<FleetItem, 'fleet' | 'createdAt'>,
  now: Date,
): void {
  const { blue, green } = seen.settings;
  if ((seen.rule !== undefined && blue.exists && green.exists) || !mayAppear(fleet, now)) return;
  throw new FlotillaError(
    'AwsUnavailable',
    `${fleet.fleet} is new, and the load balancer does not show all of it yet`,
    { fleet: fleet.fleet },
  );
}

/**
 * The same of the test listener's rule.
 * @throws FlotillaError `AwsUnavailable`
 */
function refuseIfTestStale(
  rule: RuleView | undefined | null,
  fleet: Pick<FleetItem, 'fleet' | 'testTraffic'>,
  now: Date,
): void {
  if (!mayShowBefore(rule, fleet.testTraffic, now)) return;
  throw new FlotillaError(
    'AwsUnavailable',
    `For ${fleet.fleet} ${describeTestRule(rule ?? undefined)}, maybe from before the last change`,
    { fleet: fleet.fleet },
  );
}

/** All that undoing and removing look at. `undoing.since` in milliseconds since the epoch. */
export async function lookForUndo(
  deps: LookDeps,
  stack: string,
  fleet: FleetItem,
  now: Date,
  undoing: { readonly since: number; readonly lastCallSeconds: number },
): Promise<UndoWorld> {
  const { test } = fleet.fixed;
  const tested = test !== undefined && (fleet.testTraffic?.slot ?? null) !== null;
  const [traffic, groups, testRule] = await together([
    lookAtTraffic(deps.balancer, fleet),
    deps.groups.ofFleet(stack, fleet.fleet),
    tested ? deps.balancer.rule(test.ruleArn, slotArns(fleet)) : undefined,
  ]);
  const shifted = fleet.weightsSince === undefined ? 0 : Date.parse(fleet.weightsSince);
  return {
    ...traffic,
    fleet,
    instances: fleet.spec.instances,
    testRule,
    groups,
    slotOfArn: { [fleet.fixed.blueArn]: 'blue', [fleet.fixed.greenArn]: 'green' },
    secondsSinceShift: (now.getTime() - shifted) / 1000,
    undoingSeconds: (now.getTime() - undoing.since) / 1000,
    lastCallSeconds: undoing.lastCallSeconds,
  };
}

/** Which targets these are, in a few characters: a large slot has thousands. */
export function digestOf(targets: readonly TargetView[]): string {
  const ids = targets.map(({ id }) => id).sort();
  return createHash('sha256').update(ids.join()).digest('hex').slice(0, 32);
}
