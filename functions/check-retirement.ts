/** CheckRetirement: may this release go, must it wait, or is it left alone? Changes nothing. */
import * as z from 'zod';
import { openLoadBalancer } from '../src/aws/load-balancer.ts';
import { openTable } from '../src/aws/table.ts';
import { fleetItem } from '../src/contracts/items.ts';
import { rolloutCall } from '../src/contracts/rollout.ts';
import { keys } from '../src/lineage/keys.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { checkRetirement } from '../src/runtime/rollout/retire.ts';

export const handler = lambdaFunction({
  name: 'check-retirement',
  input: rolloutCall.extend({ release: z.number().int().min(1) }),
  deps: (config) => ({ table: openTable(config.table), balancer: openLoadBalancer() }),
  run: async (call, { table, balancer }, { clock }) =>
    checkRetirement(await table.get(keys.fleet(call.fleet), fleetItem), call.release, balancer, clock.now()),
});
