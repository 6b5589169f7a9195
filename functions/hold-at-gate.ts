/** HoldAtGate: keeps the gate's token, so that a person, an alarm or time can open it; then the function is done. */
import { openAlarms } from '../src/aws/alarms.ts';
import { openExecutions } from '../src/aws/executions.ts';
import { openTable } from '../src/aws/table.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { gateInput, holdAtGate } from '../src/runtime/rollout/gate.ts';
import { takeHold } from '../src/runtime/rollout/hold.ts';

export const handler = lambdaFunction({
  name: 'hold-at-gate',
  input: gateInput,
  deps: (config) => ({
    table: openTable(config.table),
    executions: openExecutions(),
    alarms: openAlarms(),
  }),
  run: async (call, deps, invocation) => {
    const hold = await takeHold(deps.table, call.fleet, call.fence, invocation);
    return holdAtGate(call, hold, deps);
  },
});
