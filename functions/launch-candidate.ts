/** LaunchCandidate: a launch template version, and a group in the idle slot; or the warm group, brought to size. */
import { openGroups } from '../src/aws/groups.ts';
import { openLaunchTemplates } from '../src/aws/launch-template.ts';
import { openTable } from '../src/aws/table.ts';
import { heldCall, rolloutPlan } from '../src/contracts/rollout.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { handedFleet, takeHold } from '../src/runtime/rollout/hold.ts';
import { launchCandidate } from '../src/runtime/rollout/launch.ts';

export const handler = lambdaFunction({
  name: 'launch-candidate',
  input: heldCall.extend({ plan: rolloutPlan, held: handedFleet }),
  deps: (config) => ({
    table: openTable(config.table),
    groups: openGroups(),
    templates: openLaunchTemplates(),
  }),
  run: async ({ held, ...call }, deps, invocation) => {
    const hold = await takeHold(deps.table, call.fleet, call.fence, invocation, held);
    return launchCandidate(call, hold, deps, invocation.config);
  },
});
