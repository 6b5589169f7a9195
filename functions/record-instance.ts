/** RecordInstance: a group of a fleet launched an instance; lineage leads from it to its release. */
import * as z from 'zod';
import { openTable } from '../src/aws/table.ts';
import { parseGroupName } from '../src/fleet/plan.ts';
import { keys } from '../src/lineage/keys.ts';
import { ref, releaseId } from '../src/lineage/refs.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { fleetEvent } from '../src/runtime/rollout/record.ts';

/** EventBridge's "EC2 Instance Launch Successful". */
const input = z.looseObject({
  detail: z.looseObject({ EC2InstanceId: z.string(), AutoScalingGroupName: z.string() }),
});

export const handler = lambdaFunction({
  name: 'record-instance',
  input,
  deps: (config) => ({ table: openTable(config.table) }),
  run: async ({ detail }, { table }, { clock }) => {
    const { EC2InstanceId: instance, AutoScalingGroupName: groupName } = detail;
    const group = parseGroupName(groupName);
    if (group === undefined) return { recorded: false };
    const at = clock.now().toISOString();
    const { fleet, release, rollout } = group;
    const found = ref(instance, 'release', releaseId(fleet, release), at);
    await table.commit({
      writes: [{ kind: 'put', key: keys.ref(found.id, found.toType, found.to), item: found }],
      events: [
        fleetEvent({
          fleet,
          key: `release-${release}/instance-${instance}`,
          kind: 'instance-launched',
          at,
          data: { instance, release, rollout, groupName },
        }),
      ],
    });
    return { recorded: true };
  },
});
