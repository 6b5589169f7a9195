/**
 * Scaling activities in AWS's words, and the events that go with their ends.
 * https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-verify-scaling-activity.html
 */
import { arn } from '../../context.ts';
import type { AutoScalingState, GroupRecord, MutableActivity } from './state.ts';

/** More than six weeks of any sane group. */
const keptActivities = 500;

export function begin(
  state: AutoScalingState,
  group: GroupRecord,
  description: string,
  cause: string,
  place: { zone: string; subnetId: string } | undefined,
): MutableActivity {
  const activity: MutableActivity = {
    ActivityId: state.context.random.uuid(),
    AutoScalingGroupName: group.name,
    AutoScalingGroupARN: group.arn,
    Description: description,
    Cause: cause,
    StartTime: new Date(state.context.clock.now()),
    StatusCode: 'InProgress',
    Progress: 0,
    Details:
      place === undefined
        ? '{}'
        : JSON.stringify({ 'Subnet ID': place.subnetId, 'Availability Zone': place.zone }),
  };
  group.activities.unshift(activity);
  if (group.activities.length > keptActivities) group.activities.pop();
  return activity;
}

/** Ends an activity and publishes its event. @param failure the reason, where it failed. */
export function end(
  state: AutoScalingState,
  group: GroupRecord,
  activity: MutableActivity,
  kind: 'Launch' | 'Terminate',
  instanceId: string | undefined,
  failure?: string,
): void {
  activity.EndTime = new Date(state.context.clock.now());
  activity.Progress = 100;
  activity.StatusCode = failure === undefined ? 'Successful' : 'Failed';
  if (failure !== undefined) activity.StatusMessage = failure;
  // https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-event-reference.html
  state.context.hooks.publish({
    source: 'aws.autoscaling',
    detailType: `EC2 Instance ${kind} ${failure === undefined ? 'Successful' : 'Unsuccessful'}`,
    resources: [
      group.arn,
      ...(instanceId === undefined ? [] : [arn(state.context, 'ec2', `instance/${instanceId}`)]),
    ],
    detail: {
      StatusCode: failure === undefined ? 'InProgress' : 'Failed',
      StatusMessage: failure ?? '',
      Description: activity.Description,
      AutoScalingGroupName: group.name,
      ActivityId: activity.ActivityId,
      RequestId: activity.ActivityId,
      Details: JSON.parse(activity.Details ?? '{}'),
      StartTime: activity.StartTime?.toISOString(),
      EndTime: activity.EndTime.toISOString(),
      EC2InstanceId: instanceId ?? '',
      Cause: activity.Cause,
    },
  });
}

/** `At 2026-01-01T00:00:00Z …` as causes begin. */
export function at(state: AutoScalingState, what: string): string {
  return `At ${new Date(state.context.clock.now()).toISOString().slice(0, 19)}Z ${what}`;
}
