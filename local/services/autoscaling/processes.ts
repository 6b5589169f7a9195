/**
 * Processes that can be suspended, and the metrics of groups.
 * https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html
 */
import type {
  DisableMetricsCollectionQuery,
  EnableMetricsCollectionQuery,
  ProcessesType,
  ScalingProcessQuery,
} from '@aws-sdk/client-auto-scaling';
import type { Operation } from '../../service.ts';
import type { Reconciler } from './reconciler.ts';
import type { AutoScalingState } from './state.ts';
import { describeAccess, validation } from './state.ts';

const processes = [
  'Launch',
  'Terminate',
  'AddToLoadBalancer',
  'AlarmNotification',
  'AZRebalance',
  'HealthCheck',
  'InstanceRefresh',
  'ReplaceUnhealthy',
  'ScheduledActions',
];

export function processOperations(state: AutoScalingState, reconciler: Reconciler) {
  const named = (input: ScalingProcessQuery): readonly string[] => {
    for (const name of input.ScalingProcesses ?? []) {
      if (!processes.includes(name)) throw validation(`${name} is not a valid scaling process`);
    }
    return input.ScalingProcesses?.length ? input.ScalingProcesses : processes;
  };

  const SuspendProcesses: Operation<ScalingProcessQuery, object> = {
    access: (input) => [state.access('SuspendProcesses', input.AutoScalingGroupName)],
    run(input) {
      const group = state.changeable(
        input.AutoScalingGroupName,
        'Processes may not be suspended while the AutoScaling group is pending delete',
      );
      const words = `User suspended at ${new Date(state.context.clock.now()).toISOString().slice(0, 19)}Z`;
      for (const name of named(input)) if (!group.suspended.has(name)) group.suspended.set(name, words);
      return {};
    },
  };

  const ResumeProcesses: Operation<ScalingProcessQuery, object> = {
    access: (input) => [state.access('ResumeProcesses', input.AutoScalingGroupName)],
    run(input) {
      const group = state.changeable(input.AutoScalingGroupName);
      for (const name of named(input)) group.suspended.delete(name);
      reconciler.rearm(group);
      // Instances that came meanwhile are not added to their target groups now; AWS leaves that to the caller.
      reconciler.retryNow(group);
      return {};
    },
  };

  const EnableMetricsCollection: Operation<EnableMetricsCollectionQuery, object> = {
    access: (input) => [state.access('EnableMetricsCollection', input.AutoScalingGroupName)],
    run(input) {
      const group = state.changeable(input.AutoScalingGroupName);
      if (input.Granularity !== '1Minute') throw validation('Granularity must be 1Minute');
      const all = [
        'GroupMinSize',
        'GroupMaxSize',
        'GroupDesiredCapacity',
        'GroupInServiceInstances',
        'GroupTotalInstances',
      ];
      for (const metric of input.Metrics?.length ? input.Metrics : all) group.metrics.add(metric);
      return {};
    },
  };

  const DisableMetricsCollection: Operation<DisableMetricsCollectionQuery, object> = {
    access: (input) => [state.access('DisableMetricsCollection', input.AutoScalingGroupName)],
    run(input) {
      const group = state.changeable(input.AutoScalingGroupName);
      for (const metric of input.Metrics?.length ? input.Metrics : [...group.metrics])
        group.metrics.delete(metric);
      return {};
    },
  };

  const DescribeScalingProcessTypes: Operation<object, ProcessesType> = {
    access: describeAccess('DescribeScalingProcessTypes'),
    run: () => ({ Processes: processes.map((ProcessName) => ({ ProcessName })) }),
  };

  return {
    SuspendProcesses,
    ResumeProcesses,
    DescribeScalingProcessTypes,
    EnableMetricsCollection,
    DisableMetricsCollection,
  };
}
