/** ProveTraffic: reads back that the rule has the weights and that whoever is weighted is healthy. */
import { openLoadBalancer } from '../src/aws/load-balancer.ts';
import { openTable } from '../src/aws/table.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { takeHold } from '../src/runtime/rollout/hold.ts';
import { prove, proveInput } from '../src/runtime/rollout/shift.ts';

export const handler = lambdaFunction({
  name: 'prove-traffic',
  input: proveInput,
  deps: (config) => ({ table: openTable(config.table), balancer: openLoadBalancer() }),
  run: async (call, deps, invocation) => {
    const hold = await takeHold(deps.table, call.fleet, call.fence, invocation);
    return prove(call, hold, deps.balancer);
  },
});
