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

/** How an activity did not succeed: what it says, and whether it failed or was cancelled. */
export interface Failure {
  readonly status: 'Failed' | 'Cancelled';
  readonly reason: string;
}

/** Ends an activity and publishes its event. Ending it again does nothing. */
export function end(
  state: AutoScalingState,
  group: GroupRecord,
  activity: MutableActivity,
  kind: 'Launch' | 'Terminate',
  instanceId: string | undefined,
  failure?: Failure,
): void {
  if (activity.EndTime !== undefined) return;
  activity.EndTime = new Date(state.context.clock.now());
  activity.Progress = 100;
  activity.StatusCode = failure?.status ?? 'Successful';
  activity.Description = (activity.Description ?? '').replace(drainingWords, '');
  if (failure !== undefined) {
    activity.StatusMessage = failure.reason;
    activity.Description += `.  Status Reason: ${failure.reason}`;
  }
  // https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-event-reference.html
  state.context.hooks.publish({
    source: 'aws.autoscaling',
    detailType: `EC2 Instance ${kind} ${failure === undefined ? 'Successful' : 'Unsuccessful'}`,
    resources: [
      group.arn,
      ...(instanceId === undefined ? [] : [arn(state.context, 'ec2', `instance/${instanceId}`)]),
    ],
    detail: {
      // The successful ones say InProgress, in AWS's own examples too.
      StatusCode: failure === undefined ? 'InProgress' : 'Failed',
      StatusMessage: failure?.reason ?? '',
      Description: activity.Description,
      AutoScalingGroupName: group.name,
      ActivityId: activity.ActivityId,
      RequestId: activity.ActivityId,
      Details: JSON.parse(activity.Details ?? '{}'),
      StartTime: activity.StartTime?.toISOString(),
      EndTime: activity.EndTime.toISOString(),
      EC2InstanceId: instanceId ?? '',
      Cause: activity.Cause,
      Origin: kind === 'Launch' ? 'EC2' : 'AutoScalingGroup',
      Destination: kind === 'Launch' ? 'AutoScalingGroup' : 'EC2',
    },
  });
}

const drainingWords = ' - Waiting For ELB Connection Draining.';

/** The activity waits for connections to end. */
export function draining(activity: MutableActivity): void {
  activity.StatusCode = 'WaitingForELBConnectionDraining';
  activity.Progress = 50;
  activity.Description += drainingWords;
}
