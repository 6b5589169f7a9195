/** ProveTraffic: reads back that the rule has the weights and that whoever is weighted is healthy. */
import { openLoadBalancer } from '../src/aws/load-balancer.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { prove, proveInput } from '../src/runtime/rollout/shift.ts';

export const handler = lambdaFunction({
  name: 'prove-traffic',
  input: proveInput,
  deps: () => ({ balancer: openLoadBalancer() }),
  run: (call, { balancer }, { clock }) => prove(call, balancer, clock.now()),
});
