/** RemoveGroup: empties the retired release's group and deletes it, plainly. */
import * as z from 'zod';
import { openGroups } from '../src/aws/groups.ts';
import { openLoadBalancer } from '../src/aws/load-balancer.ts';
import { openTable } from '../src/aws/table.ts';
import { heldCall } from '../src/contracts/rollout.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { takeHold } from '../src/runtime/rollout/hold.ts';
import { removeRelease } from '../src/runtime/rollout/retire.ts';

export const handler = lambdaFunction({
  name: 'remove-group',
  input: heldCall.extend({ release: z.number().int().min(1) }),
  deps: (config) => ({
    table: openTable(config.table),
    balancer: openLoadBalancer(),
    groups: openGroups(),
  }),
  run: async (call, deps, invocation) => {
    const hold = await takeHold(deps.table, call.fleet, call.fence, invocation);
    return removeRelease(call, hold, deps, invocation.config.stack);
  },
});
