/** HoldAtGate: keeps the gate's token, so that a person, an alarm or time can open it; then the function is done. */
import { openAlarms } from '../src/aws/alarms.ts';
import { openExecutions } from '../src/aws/executions.ts';
import { openTable } from '../src/aws/table.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { gateInput, holdAtGate } from '../src/runtime/rollout/gate.ts';
import { handedFleet, holdOn } from '../src/runtime/rollout/hold.ts';

export const handler = lambdaFunction({
  name: 'hold-at-gate',
  input: gateInput.extend({ held: handedFleet }),
  deps: (config) => ({
    table: openTable(config.table),
    executions: openExecutions(),
    alarms: openAlarms(),
  }),
  // The first that it does is to change the item: whether what was handed over is still so, the table says.
  run: ({ held, ...call }, deps, invocation) =>
    holdAtGate(call, holdOn(held, deps.table, call.fence, invocation, 0), deps),
});
