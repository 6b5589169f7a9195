/** RollBack: live back to full size and weight, proven; only then does the candidate leave. Asked again until done. */
import { openGroups } from '../src/aws/groups.ts';
import { openLaunchTemplates } from '../src/aws/launch-template.ts';
import { openLoadBalancer } from '../src/aws/load-balancer.ts';
import { openTable } from '../src/aws/table.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { takeHold } from '../src/runtime/rollout/hold.ts';
import { rollBack, rollBackInput } from '../src/runtime/rollout/roll-back.ts';

export const handler = lambdaFunction({
  name: 'roll-back',
  input: rollBackInput,
  deps: (config) => ({
    table: openTable(config.table),
    balancer: openLoadBalancer(),
    groups: openGroups(),
    templates: openLaunchTemplates(),
  }),
  run: async (call, deps, invocation) => {
    const hold = await takeHold(deps.table, call.fleet, call.fence, invocation);
    return rollBack(call, hold, deps, invocation.config);
  },
});
