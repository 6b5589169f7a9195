/** EmptySlot: the warm release leaves its slot before its time, so that the candidate can have it. */
import { openGroups } from '../src/aws/groups.ts';
import { openLoadBalancer } from '../src/aws/load-balancer.ts';
import { openTable } from '../src/aws/table.ts';
import { heldCall, rolloutPlan } from '../src/contracts/rollout.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { emptySlot } from '../src/runtime/rollout/empty-slot.ts';
import { takeHold } from '../src/runtime/rollout/hold.ts';

export const handler = lambdaFunction({
  name: 'empty-slot',
  input: heldCall.extend({ plan: rolloutPlan }),
  deps: (config) => ({
    table: openTable(config.table),
    balancer: openLoadBalancer(),
    groups: openGroups(),
  }),
  run: async (call, deps, invocation) => {
    const hold = await takeHold(deps.table, call.fleet, call.fence, invocation);
    return emptySlot(call, hold, deps, invocation.config.stack);
  },
});
