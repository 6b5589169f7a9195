/** ReleaseLease: frees the fleet and lets the next rollout of the queue begin. */
import * as z from 'zod';
import { openExecutions } from '../src/aws/executions.ts';
import { openTable } from '../src/aws/table.ts';
import { heldCall } from '../src/contracts/rollout.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { handedFleet } from '../src/runtime/rollout/hold.ts';
import { releaseLease } from '../src/runtime/rollout/lease.ts';

export const handler = lambdaFunction({
  name: 'release-lease',
  input: heldCall.extend({
    outcome: z.enum(['succeeded', 'failed', 'ended']),
    /** As the promotion left it; it is read where there was none. */
    held: handedFleet.optional(),
  }),
  deps: (config) => ({ table: openTable(config.table), executions: openExecutions() }),
  run: (call, deps, { clock, config }) => releaseLease(call, { ...deps, clock, config }),
});
