/** PlanRollout: looks at everything once, and decides; refuses with all reasons, before anything was changed. */
import { openAlarms } from '../src/aws/alarms.ts';
import { openGroups } from '../src/aws/groups.ts';
import { openHooks } from '../src/aws/hooks.ts';
import { openLoadBalancer } from '../src/aws/load-balancer.ts';
import { openQuotas } from '../src/aws/quotas.ts';
import { openTable } from '../src/aws/table.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { makePlan, planInput } from '../src/runtime/rollout/make-plan.ts';

export const handler = lambdaFunction({
  name: 'plan-rollout',
  input: planInput,
  deps: (config) => ({
    table: openTable(config.table),
    balancer: openLoadBalancer(),
    groups: openGroups(),
    alarms: openAlarms(),
    quotas: openQuotas(),
    hooks: openHooks(),
  }),
  run: (call, deps, invocation) => makePlan(call, deps, invocation, invocation.config.stack),
});
