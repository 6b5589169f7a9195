/**
 * Weights that somebody changed by hand, set back to what the fleet's item says when its spec is applied. Rollouts
 * do not do that: what a person did on purpose is undone at a person's word only.
 */
import type { LoadBalancer } from '../aws/load-balancer.ts';
import type { Table } from '../aws/table.ts';
import { together } from '../aws/together.ts';
import type { Actor, FleetItem } from '../contracts/items.ts';
import { FlotillaError } from '../errors.ts';
import { guardWeights } from '../fleet/guard.ts';
import { leadsTo, mayShowBefore, testWeights } from '../fleet/test-listener.ts';
import { formatWeights, sameWeights } from '../fleet/traffic.ts';
import type { Clock } from './clock.ts';
import { changeFleet } from './rollout/hold.ts';
import { slotArns } from './rollout/look.ts';
import { fleetEvent } from './rollout/record.ts';

export interface RestoreDeps {
  readonly table: Table;
  readonly balancer: LoadBalancer;
}

/**
 * Sets the rule back where nothing holds the fleet. Safe to repeat.
 *
 * The event is written first, on condition that nobody holds the fleet: a rollout that begins afterwards reads the
 * rule after this call's answer, or finds other weights than it expects and stops.
 *
 * @returns the fleet, and whether the rule was set.
 * @throws FlotillaError GuardRefused where a slot without healthy targets would get traffic
 */
export async function restoreTraffic(
  item: FleetItem,
  by: Actor,
  { table, balancer }: RestoreDeps,
  clock: Pick<Clock, 'now'>,
): Promise<{ readonly restored: boolean; readonly item: FleetItem }> {
  if (item.lease !== null) return { restored: false, item };
  const arns = slotArns(item);
  const rule = await balancer.rule(item.fixed.ruleArn, arns);
  // Whoever calls has just made it or found it listed: what does not show it is a copy from before that.
  if (rule === undefined) return { restored: false, item };
  const found = [formatWeights(rule.weights), ...rule.foreign.map((arn) => `a share for ${arn}`)].join(', ');
  if (sameWeights(rule.weights, item.weights) && rule.foreign.length === 0 && !rule.sticky) {
    return { restored: false, item };
  }
  const [blue, green] = await together([balancer.targets(arns.blue), balancer.targets(arns.green)]);
  const slots = { blue: { targets: blue }, green: { targets: green } };
  const reasons = guardWeights(slots, item.weights, item.served);
  if (reasons.length > 0) {
    throw new FlotillaError(
      'GuardRefused',
      `The rule of ${item.fleet} has ${found}; lineage expects ${formatWeights(item.weights)}, which was not set: ${reasons.join('; ')}.`,
      { fleet: item.fleet, ruleArn: item.fixed.ruleArn, reasons },
    );
  }
  let free = false;
  const written = await changeFleet(
    table,
    item.fleet,
    clock,
    (present, now) => {
      free = present.lease === null && sameWeights(present.weights, item.weights);
      if (!free) return undefined;
      return {
        fleet: present,
        events: [
          fleetEvent({
            fleet: item.fleet,
            key: `weights-restored-at-${present.revision}`,
            kind: 'weights-restored',
            at: now,
            by,
            data: { from: rule.weights, foreign: rule.foreign, weights: item.weights },
          }),
        ],
      };
    },
    item,
  );
  if (free) await balancer.setWeights(item.fixed.ruleArn, arns, item.weights);
  return { restored: free, item: written };
}

/**
 * Leads the test rule to nobody again, where nothing holds the fleet. Safe to repeat; the event goes first, as above.
 * @returns the fleet, and whether the rule was set.
 */
export async function restoreTestTraffic(
  item: FleetItem,
  by: Actor,
  { table, balancer }: RestoreDeps,
  clock: Pick<Clock, 'now'>,
): Promise<{ readonly restored: boolean; readonly item: FleetItem }> {
  const { test } = item.fixed;
  if (item.lease !== null || test === undefined) return { restored: false, item };
  const rule = await balancer.rule(test.ruleArn, slotArns(item));
  if (rule === undefined || leadsTo(rule, null) || mayShowBefore(rule, item.testTraffic, clock.now())) {
    return { restored: false, item };
  }
  let free = false;
  const written = await changeFleet(
    table,
    item.fleet,
    clock,
    (present, now) => {
      free = present.lease === null;
      if (!free) return undefined;
      return {
        fleet: { ...present, testTraffic: { slot: null, since: now } },
        events: [
          fleetEvent({
            fleet: item.fleet,
            key: `test-traffic-restored-at-${present.revision}`,
            kind: 'test-traffic-closed',
            at: now,
            by,
            data: { from: rule.weights, foreign: rule.foreign },
          }),
        ],
      };
    },
    item,
  );
  if (free) await balancer.setWeights(test.ruleArn, slotArns(item), testWeights(null));
  return { restored: free, item: written };
}
