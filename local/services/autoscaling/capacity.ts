/** Operations that change how many instances a group has, down to none. */
import type {
  ActivityType,
  DeleteAutoScalingGroupType,
  SetDesiredCapacityType,
  TerminateInstanceInAutoScalingGroupType,
} from '@aws-sdk/client-auto-scaling';
import type { Operation } from '../../service.ts';
import { AwsError } from '../../service.ts';
import { at, shrinking, told } from './causes.ts';
import { known, onMember } from './members.ts';
import type { Reconciler } from './reconciler.ts';
import type { AutoScalingState, GroupRecord } from './state.ts';
import { validation } from './state.ts';

/** Deleting takes a moment, in which the name is still taken. */
const deleteMs = 2_000;

export function capacityOperations(state: AutoScalingState, reconciler: Reconciler) {
  const { clock } = state.context;

  const SetDesiredCapacity: Operation<SetDesiredCapacityType, object> = {
    access: (input) => [state.access('SetDesiredCapacity', input.AutoScalingGroupName)],
    run(input) {
      const group = state.changeable(input.AutoScalingGroupName);
      const wanted = input.DesiredCapacity;
      if (wanted === undefined) throw validation('DesiredCapacity is required');
      if (wanted < group.min)
        throw validation(
          `New SetDesiredCapacity value ${wanted} is below min value ${group.min} for the AutoScalingGroup.`,
        );
      if (wanted > group.max)
        throw validation(
          `New SetDesiredCapacity value ${wanted} is above max value ${group.max} for the AutoScalingGroup.`,
        );
      if (input.HonorCooldown === true && isCooling(group)) {
        const [last] = group.activities;
        throw new AwsError(
          'ScalingActivityInProgress',
          `Scaling activity ${last?.ActivityId ?? ''} is in progress and blocks this action`,
        );
      }
      if (wanted !== group.desired) {
        group.reason = at(
          state,
          `a user request explicitly set group desired capacity changing the desired capacity from ${group.desired} to ${wanted}.`,
        );
      }
      group.desired = wanted;
      reconciler.retryNow(group);
      return {};
    },
  };

  /**
   * A change of the capacity is under way, or ended less than the default cooldown ago.
   * https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-scaling-cooldowns.html
   */
  const isCooling = (group: GroupRecord): boolean =>
    clock.now() < group.cooldownUntil ||
    group.members.size !== group.desired ||
    [...group.members.values()].some((member) => member.lifecycle !== 'InService');

  const TerminateInstanceInAutoScalingGroup: Operation<
    TerminateInstanceInAutoScalingGroupType,
    ActivityType
  > = {
    access: (input) => [onMember(state, 'TerminateInstanceInAutoScalingGroup', input.InstanceId)],
    run(input) {
      const { group, member } = known(state, input.InstanceId);
      if (input.ShouldDecrementDesiredCapacity === undefined) {
        throw validation('ShouldDecrementDesiredCapacity is required');
      }
      const before = group.desired;
      if (input.ShouldDecrementDesiredCapacity) {
        if (before - 1 < group.min) {
          throw validation(
            `Currently, desiredSize equals minSize (${group.min}). Terminating instance without replacement will violate group's min size constraint. Either set shouldDecrementDesiredCapacity flag to false or lower group's min size.`,
          );
        }
        group.desired -= 1;
      }
      const after = input.ShouldDecrementDesiredCapacity
        ? `, shrinking the capacity from ${before} to ${group.desired}`
        : '';
      const id = member.instance.instanceId;
      const cause = at(
        state,
        `instance ${id} was taken out of service in response to a user request${after}.`,
      );
      reconciler.departures.start(group, member, { cause, purpose: 'request' });
      reconciler.retryNow(group);
      return { Activity: member.leave === undefined ? undefined : { ...member.leave } };
    },
  };

  const DeleteAutoScalingGroup: Operation<DeleteAutoScalingGroupType, object> = {
    access: (input) => [state.access('DeleteAutoScalingGroup', input.AutoScalingGroupName)],
    run(input) {
      const group = state.group(input.AutoScalingGroupName);
      if (group.deleting) {
        throw new AwsError('ScalingActivityInProgress', `AutoScalingGroup ${group.name} is pending delete`);
      }
      const force = input.ForceDelete === true;
      checkProtection(group, force);
      if (!force) {
        const busy = [...group.members.values()].some((member) => member.lifecycle !== 'InService');
        if (busy) {
          throw new AwsError(
            'ScalingActivityInProgress',
            'You cannot delete an AutoScalingGroup while there are scaling activities in progress for that group.',
          );
        }
        if (group.members.size > 0) {
          throw new AwsError(
            'ResourceInUse',
            'You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still in the group.',
          );
        }
      }
      const before = group.desired;
      group.deleting = true;
      group.min = 0;
      group.desired = 0;
      const reason = at(
        state,
        `a user request force-deleted AutoScalingGroup changing the desired capacity from ${before} to 0.`,
      );
      // "forcibly terminated without executing termination lifecycle hooks"
      for (const member of [...group.members.values()]) {
        const cause = told(
          reason,
          at(state, shrinking(before, 0, true)),
          at(state, `instance ${member.instance.instanceId} was selected for termination.`),
        );
        reconciler.departures.start(group, member, { cause, purpose: 'request', forced: true });
      }
      if (group.members.size === 0) clock.after(deleteMs, () => reconciler.remove(group));
      return {};
    },
  };

  return { SetDesiredCapacity, TerminateInstanceInAutoScalingGroup, DeleteAutoScalingGroup };
}

/** https://docs.aws.amazon.com/autoscaling/ec2/userguide/resource-deletion-protection.html @throws ValidationError */
function checkProtection(group: GroupRecord, force: boolean): void {
  const { deletionProtection: level } = group;
  if (level === 'none' || (level === 'prevent-force-deletion' && !force)) return;
  throw validation(`The group ${group.name} cannot be deleted: its deletion protection is ${level}`);
}
