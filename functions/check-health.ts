/** CheckHealth: is the candidate healthy, may it become so, or never? */
import * as z from 'zod';
import { openGroups } from '../src/aws/groups.ts';
import { openInstances } from '../src/aws/instances.ts';
import { openLoadBalancer } from '../src/aws/load-balancer.ts';
import { openTable } from '../src/aws/table.ts';
import { heldCall, rolloutPlan } from '../src/contracts/rollout.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { checkHealth } from '../src/runtime/rollout/check-health.ts';
import { takeHold } from '../src/runtime/rollout/hold.ts';

export const handler = lambdaFunction({
  name: 'check-health',
  input: heldCall.extend({ plan: rolloutPlan, launchedAt: z.iso.datetime(), looks: z.number().int().min(0) }),
  deps: (config) => ({
    table: openTable(config.table),
    balancer: openLoadBalancer(),
    groups: openGroups(),
    instances: openInstances(),
  }),
  run: async (call, deps, invocation) => {
    const hold = await takeHold(deps.table, call.fleet, call.fence, invocation);
    return checkHealth(call, hold, deps);
  },
});
