/** PlanRollout: looks at everything once, and decides; refuses with all reasons, before anything was changed. */
import { openAlarms } from '../src/aws/alarms.ts';
import { openGroups } from '../src/aws/groups.ts';
import { openLoadBalancer } from '../src/aws/load-balancer.ts';
import { openTable } from '../src/aws/table.ts';
import { heldCall } from '../src/contracts/rollout.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { takeHold } from '../src/runtime/rollout/hold.ts';
import { makePlan } from '../src/runtime/rollout/make-plan.ts';

export const handler = lambdaFunction({
  name: 'plan-rollout',
  input: heldCall,
  deps: (config) => ({
    table: openTable(config.table),
    balancer: openLoadBalancer(),
    groups: openGroups(),
    alarms: openAlarms(),
  }),
  run: async (call, deps, invocation) => {
    const hold = await takeHold(deps.table, call.fleet, call.fence, invocation);
    return makePlan(call, hold, deps, invocation.config.stack);
  },
});
