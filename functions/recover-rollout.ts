/**
 * RecoverRollout: an execution was stopped, timed out or failed; it is fenced off at once. The sweeper puts back the
 * fleet that it held, once its last call must have landed.
 */
import * as z from 'zod';
import { openExecutions } from '../src/aws/executions.ts';
import { openTable } from '../src/aws/table.ts';
import { fleetItem } from '../src/contracts/items.ts';
import { keys } from '../src/lineage/keys.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
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
    // Gone where somebody removed it since: events come late.
    const fleet = await deps.table.get(keys.fleet(detail.input.fleet), fleetItem);
    if (fleet?.lease?.holder !== detail.executionArn) return { outcome: 'not-held' as const };
    const { outcome } = await fenceEnded(fleet, deps, invocation);
    return { outcome };
  },
});
