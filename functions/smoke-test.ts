/** SmokeTest: asks each instance of the candidate itself, before any traffic goes there. */
import { openGroups } from '../src/aws/groups.ts';
import { openInstances } from '../src/aws/instances.ts';
import { openTable } from '../src/aws/table.ts';
import { heldCall, rolloutPlan } from '../src/contracts/rollout.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { takeHold } from '../src/runtime/rollout/hold.ts';
import { smokeTest } from '../src/runtime/rollout/smoke-test.ts';

export const handler = lambdaFunction({
  name: 'smoke-test',
  input: heldCall.extend({ plan: rolloutPlan }),
  deps: (config) => ({
    table: openTable(config.table),
    groups: openGroups(),
    instances: openInstances(),
  }),
  run: async (call, deps, invocation) => {
    const hold = await takeHold(deps.table, call.fleet, call.fence, invocation);
    return smokeTest(call, hold, deps);
  },
});
