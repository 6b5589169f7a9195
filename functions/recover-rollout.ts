/**
 * RecoverRollout: an execution was stopped, timed out or failed; it is fenced off at once. The sweeper puts back the
 * fleet that it held, once its last call must have landed.
 */
import * as z from 'zod';
import { openExecutions } from '../src/aws/executions.ts';
import { openTable } from '../src/aws/table.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { readFleet } from '../src/runtime/rollout/hold.ts';
import { fenceEnded } from '../src/runtime/rollout/recover.ts';

/** EventBridge's "Step Functions Execution Status Change"; the input is the execution's own, as text. */
const input = z.looseObject({
  detail: z.looseObject({
    executionArn: z.string(),
    input: z
      .string()
      .transform((text): unknown => JSON.parse(text))
      .pipe(z.looseObject({ fleet: z.string() })),
  }),
});

export const handler = lambdaFunction({
  name: 'recover-rollout',
  input,
  deps: (config) => ({
    table: openTable(config.table),
    executions: openExecutions(),
  }),
  run: async ({ detail }, deps, invocation) => {
    const fleet = await readFleet(deps.table, detail.input.fleet);
    if (fleet.lease?.holder !== detail.executionArn) return { outcome: 'not-held' as const };
    const { outcome } = await fenceEnded(fleet, deps, invocation);
    return { outcome };
  },
});
