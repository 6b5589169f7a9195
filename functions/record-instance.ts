/** RecordInstance: a group of a fleet launched an instance; lineage leads from it to its release. */
import * as z from 'zod';
import { type Groups, openGroups } from '../src/aws/groups.ts';
import { openTable, type Table } from '../src/aws/table.ts';
import { FlotillaError } from '../src/errors.ts';
import { parseGroupName } from '../src/fleet/plan.ts';
import { keys } from '../src/lineage/keys.ts';
import { ref, releaseId } from '../src/lineage/refs.ts';
import { lambdaFunction } from '../src/runtime/handler.ts';
import { fleetEvent } from '../src/runtime/rollout/record.ts';

/** EventBridge's "EC2 Instance Launch Successful". */
const input = z.looseObject({
  detail: z.looseObject({ EC2InstanceId: z.string(), AutoScalingGroupName: z.string() }),
});

interface Deps {
  readonly table: Table;
  readonly groups: Pick<Groups, 'describe'>;
}

export const handler = lambdaFunction({
  name: 'record-instance',
  input,
  deps: (config): Deps => ({ table: openTable(config.table), groups: openGroups() }),
  run: async ({ detail }, { table, groups }, { clock, config }) => {
    const { EC2InstanceId: instance, AutoScalingGroupName: groupName } = detail;
    const group = parseGroupName(groupName);
    if (group === undefined) return { recorded: false };
    // The name tells no stack: its tag does.
    const standing = await groups.describe(groupName);
    if (standing === undefined) {
      // Descriptions lag behind; Lambda calls again a minute later, and once more.
      throw new FlotillaError(
        'AwsUnavailable',
        `The group ${groupName} is not described (yet, or any more)`,
        {
          instance,
        },
      );
    }
    if (standing.stack !== config.stack) return { recorded: false };
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
