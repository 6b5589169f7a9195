/** AllowTestTraffic: the test listener's rule leads to the candidate, and to nobody else. */
import { openEntrances } from '../src/aws/entrances.ts';
import { openLoadBalancer } from '../src/aws/load-balancer.ts';
import { openTable } from '../src/aws/table.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { takeHold } from '../src/runtime/rollout/hold.ts';
import { allowTestTraffic, testTrafficCall } from '../src/runtime/rollout/test-traffic.ts';

export const handler = lambdaFunction({
  name: 'allow-test-traffic',
  input: testTrafficCall,
  deps: (config) => ({
    table: openTable(config.table),
    balancer: openLoadBalancer(),
    entrances: openEntrances(),
  }),
  run: async (call, deps, invocation) => {
    const hold = await takeHold(deps.table, call.fleet, call.fence, invocation);
    return allowTestTraffic(call, hold, deps);
  },
});
