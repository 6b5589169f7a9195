/** RecordFailure: says why, to lineage, to the API, and to whoever reads the execution. */
import { openTable } from '../src/aws/table.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { failureInput, recordFailure } from '../src/runtime/rollout/record-failure.ts';

export const handler = lambdaFunction({
  name: 'record-failure',
  input: failureInput,
  deps: (config) => ({ table: openTable(config.table) }),
  run: (call, { table }, { clock }) => recordFailure(call, table, clock),
});
