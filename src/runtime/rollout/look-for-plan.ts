/** Reading the world for src/fleet/plan.ts, all at once. Nothing here changes anything. */
import type { Alarms } from '../../aws/alarms.ts';
import type { Groups } from '../../aws/groups.ts';
import type { Hooks } from '../../aws/hooks.ts';
import type { LoadBalancer } from '../../aws/load-balancer.ts';
import type { Quotas } from '../../aws/quotas.ts';
import { together } from '../../aws/together.ts';
import type { FleetItem } from '../../contracts/items.ts';
import type { RolloutWorld } from '../../fleet/plan.ts';
import { slotArns } from './look.ts';
import { lookAtHooks } from './look-at-hooks.ts';
import { lookAtQuotas } from './look-at-quotas.ts';

export interface LookForPlanDeps {
  readonly balancer: LoadBalancer;
  readonly groups: Groups;
  readonly alarms: Alarms;
  readonly quotas: Quotas;
  readonly hooks: Hooks;
}

/** What AWS tells: everything that a plan looks at but the table's items. `quotasOf` may remember some of it. */
export async function lookForPlan(
  fleet: FleetItem,
  deps: LookForPlanDeps,
  stack: string,
  quotasOf: Quotas = deps.quotas,
): Promise<
  Pick<
    RolloutWorld,
    'rule' | 'testRule' | 'settings' | 'slots' | 'groups' | 'alarms' | 'quotas' | 'hooks' | 'stack'
  >
> {
  const { balancer } = deps;
  const slots = slotArns(fleet);
  const { test } = fleet.fixed;
  const [rule, testRule, settings, blue, green, groups, alarms, quotas, hooks] = await together([
    balancer.rule(fleet.fixed.ruleArn, slots),
    test === undefined ? null : balancer.rule(test.ruleArn, slots),
    balancer.settings(slots),
    balancer.targets(slots.blue),
    balancer.targets(slots.green),
    deps.groups.ofFleet(stack, fleet.fleet),
    deps.alarms.describe(fleet.spec.rollout.alarms.map(({ name }) => name)),
    lookAtQuotas(fleet, quotasOf),
    lookAtHooks(fleet.spec.rollout, deps.hooks),
  ]);
  return {
    rule,
    testRule,
    settings,
    slots: { blue: { targets: blue }, green: { targets: green } },
    groups,
    alarms,
    quotas,
    hooks,
    stack,
  };
}
