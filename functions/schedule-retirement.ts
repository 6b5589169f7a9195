/** ScheduleRetirement: starts the machine that waits until the former release's time is over. */
import { openExecutions } from '../src/aws/executions.ts';
import { openTable } from '../src/aws/table.ts';
import { heldCall } from '../src/contracts/rollout.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { handedFleet, takeHold } from '../src/runtime/rollout/hold.ts';
import { scheduleRetirement } from '../src/runtime/rollout/retire.ts';

export const handler = lambdaFunction({
  name: 'schedule-retirement',
  input: heldCall.extend({ held: handedFleet }),
  deps: (config) => ({ table: openTable(config.table), executions: openExecutions() }),
  run: async ({ held, ...call }, deps, invocation) => {
    const hold = await takeHold(deps.table, call.fleet, call.fence, invocation, held);
    return scheduleRetirement(call, hold, deps.executions, invocation.config);
  },
});
