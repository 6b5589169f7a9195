import type { LaunchTemplateSpecification } from '@aws-sdk/client-auto-scaling';
import { AwsError } from '../../service.ts';
import type { InstanceRecord } from '../ec2/instance-record.ts';
import type { LaunchSpec } from '../ec2/launch.ts';
import { resolveLaunch } from '../ec2/launch.ts';
import type { AutoScalingState, GroupRecord } from './state.ts';

/**
 * Launches in the zone with the fewest instances of the group, and in the others where that zone has no
 * capacity; of the overrides' types the first that can be had. All launches are On-Demand: the region has no
 * Spot market.
 * @throws AwsError of the first attempt
 */
export function launchInstance(
  state: AutoScalingState,
  group: GroupRecord,
  template: LaunchTemplateSpecification,
): [LaunchSpec, InstanceRecord | undefined] {
  const overrides = group.mixed?.LaunchTemplate?.Overrides ?? [];
  const types = overrides.length === 0 ? [undefined] : overrides.map((override) => override.InstanceType);
  const propagated = [...group.tags].flatMap(([Key, tag]) =>
    tag.propagate ? [{ Key, Value: tag.value }] : [],
  );
  let first: AwsError | undefined;
  for (const SubnetId of subnetsByNeed(group)) {
    for (const InstanceType of types) {
      try {
        const asked = {
          LaunchTemplate: template,
          SubnetId,
          ...(InstanceType === undefined ? {} : { InstanceType }),
        };
        // Type names are checked there; the SDK's union is a list of those that it knows.
        const spec = resolveLaunch(state.ec2.state, asked as Parameters<typeof resolveLaunch>[1]);
        const [instance] = state.ec2.instances.launch(spec, 1, undefined, [
          ...propagated,
          { Key: 'aws:autoscaling:groupName', Value: group.name },
          { Key: 'aws:ec2launchtemplate:id', Value: spec.templateId ?? '' },
          { Key: 'aws:ec2launchtemplate:version', Value: `${spec.templateVersion ?? ''}` },
        ]);
        return [spec, instance];
      } catch (error) {
        if (!(error instanceof AwsError)) throw error;
        first ??= error;
      }
    }
  }
  throw first ?? new AwsError('ValidationError', 'The group has no subnet.');
}

function subnetsByNeed(group: GroupRecord): string[] {
  const membersIn = (subnetId: string): number =>
    [...group.members.values()].filter(
      (member) => member.lifecycle !== 'Terminating' && member.instance.spec.subnet.subnetId === subnetId,
    ).length;
  return group.subnetIds.toSorted((a, b) => membersIn(a) - membersIn(b));
}
