/** PromoteRelease: the candidate becomes live, and the former live release warm. */
import { openAlarms } from '../src/aws/alarms.ts';
import { openGroups } from '../src/aws/groups.ts';
import { openInstances } from '../src/aws/instances.ts';
import { openLoadBalancer } from '../src/aws/load-balancer.ts';
import { openRequestCounts } from '../src/aws/request-counts.ts';
import { openTable } from '../src/aws/table.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { handedFleet, takeHold } from '../src/runtime/rollout/hold.ts';
import { promote, promoteInput } from '../src/runtime/rollout/promote.ts';

export const handler = lambdaFunction({
  name: 'promote-release',
  input: promoteInput.extend({ held: handedFleet }),
  deps: (config) => ({
    table: openTable(config.table),
    balancer: openLoadBalancer(),
    groups: openGroups(),
    instances: openInstances(),
    alarms: openAlarms(),
    counts: openRequestCounts(),
  }),
  run: async ({ held, ...call }, deps, invocation) => {
    const hold = await takeHold(deps.table, call.fleet, call.fence, invocation, held);
    return promote(call, hold, { ...deps, log: invocation.log });
  },
});
