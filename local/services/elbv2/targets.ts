/** The targets of a group: coming, going, and how they are. */
import type {
  DeregisterTargetsInput,
  DescribeTargetHealthInput,
  DescribeTargetHealthOutput,
  RegisterTargetsInput,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Operation } from '../../service.ts';
import { AwsError } from '../../service.ts';
import { onlySupported } from '../supported.ts';
import type { HealthChecks } from './health-checks.ts';
import type { Elbv2State, TargetRecord } from './state.ts';
import { targetKey } from './state.ts';
import { elbDescribe, onElb } from './target-groups.ts';

export function targetOperations(state: Elbv2State, checks: HealthChecks) {
  const RegisterTargets: Operation<RegisterTargetsInput, object> = {
    access: (input) => [onElb(state, 'RegisterTargets', input.TargetGroupArn)],
    run(input) {
      const group = state.group(input.TargetGroupArn);
      const { instances } = state.ec2;
      for (const target of input.Targets ?? []) {
        const id = target.Id ?? '';
        const instance = group.targetType === 'instance' ? instances.all.get(id) : instances.byPrivateIp(id);
        if (group.targetType === 'instance' && instance?.state !== 'running') {
          throw new AwsError(
            'InvalidTarget',
            instance === undefined
              ? `The following targets do not exist: '${id}'`
              : `The following targets are not in a running state and cannot be registered: '${id}'`,
          );
        }
      }
      if (group.targets.size + (input.Targets?.length ?? 0) > state.quotas.targetsPerGroup.value) {
        throw new AwsError('TooManyTargets', 'The maximum number of targets has been reached');
      }
      const balancer = state.loadBalancerOf(group.arn);
      if (balancer !== undefined) {
        let targets = input.Targets?.length ?? 0;
        for (const other of state.targetGroups.values()) {
          if (state.loadBalancerOf(other.arn) === balancer) targets += other.targets.size;
        }
        if (targets > state.quotas.targetsPerBalancer.value) {
          throw new AwsError('TooManyTargets', 'The maximum number of targets has been reached');
        }
      }
      for (const target of input.Targets ?? []) {
        const id = target.Id ?? '';
        const instance = group.targetType === 'instance' ? instances.all.get(id) : instances.byPrivateIp(id);
        checks.register(group, id, target.Port ?? group.port, instance?.spec.subnet.zone);
      }
      return {};
    },
  };

  const DeregisterTargets: Operation<DeregisterTargetsInput, object> = {
    access: (input) => [onElb(state, 'DeregisterTargets', input.TargetGroupArn)],
    run(input) {
      const group = state.group(input.TargetGroupArn);
      for (const { Id = '', Port = group.port } of input.Targets ?? []) {
        // "If you specified a port override when you registered a target, you must specify both the target ID and the
        // port when you deregister it." "If the specified target does not exist, the action returns successfully."
        // https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_DeregisterTargets.html
        const found = group.targets.get(targetKey(Id, Port));
        if (found !== undefined) checks.deregister(group, found);
      }
      return {};
    },
  };

  const DescribeTargetHealth: Operation<DescribeTargetHealthInput, DescribeTargetHealthOutput> = {
    access: elbDescribe('DescribeTargetHealth'),
    run(input) {
      onlySupported('DescribeTargetHealth', input, ['TargetGroupArn', 'Targets']);
      const group = state.group(input.TargetGroupArn);
      const shape = (target: TargetRecord) => ({
        Target: {
          Id: target.id,
          Port: target.port,
          ...(group.targetType === 'ip' && target.zone !== undefined
            ? { AvailabilityZone: target.zone }
            : {}),
        },
        HealthCheckPort: group.check.port === 'traffic-port' ? `${target.port}` : group.check.port,
        TargetHealth: { ...target.health },
      });
      if (!input.Targets?.length) return { TargetHealthDescriptions: [...group.targets.values()].map(shape) };
      return {
        TargetHealthDescriptions: input.Targets.map((asked) => {
          const port = asked.Port ?? group.port;
          const found = group.targets.get(targetKey(asked.Id ?? '', port));
          if (found !== undefined) return shape(found);
          return {
            Target: { Id: asked.Id, Port: port },
            TargetHealth: {
              State: 'unused' as const,
              Reason: 'Target.NotRegistered' as const,
              Description: 'Target is not registered to the target group',
            },
          };
        }),
      };
    },
  };

  return { RegisterTargets, DeregisterTargets, DescribeTargetHealth };
}
