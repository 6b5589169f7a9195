/** SmokeTest: judges what the candidate's instances answered, before any traffic goes there. */
import { openTable } from '../src/aws/table.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { takeHold } from '../src/runtime/rollout/hold.ts';
import { smokeCall, smokeTest } from '../src/runtime/rollout/smoke-test.ts';

export const handler = lambdaFunction({
  name: 'smoke-test',
  input: smokeCall,
  deps: (config) => ({ table: openTable(config.table) }),
  run: async (call, { table }, invocation) => {
    const hold = await takeHold(table, call.fleet, call.fence, invocation);
    return smokeTest(call, hold);
  },
});
