/** Operations on lifecycle hooks. https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks.html */
import type {
  CompleteLifecycleActionType,
  DeleteLifecycleHookType,
  DescribeLifecycleHooksAnswer,
  DescribeLifecycleHooksType,
  DescribeLifecycleHookTypesAnswer,
  LifecycleHook,
  PutLifecycleHookType,
  RecordLifecycleActionHeartbeatType,
} from '@aws-sdk/client-auto-scaling';
import type { Operation } from '../../service.ts';
import { AwsError } from '../../service.ts';
import { onlySupported } from '../supported.ts';
import type { LifecycleWaits } from './lifecycle-waits.ts';
import type { AutoScalingState, GroupRecord, HookRecord } from './state.ts';
import { describeAccess, validation } from './state.ts';

const hooksLimit = 50;
const transitions = ['autoscaling:EC2_INSTANCE_LAUNCHING', 'autoscaling:EC2_INSTANCE_TERMINATING'] as const;
/** "The default is 3600 seconds"; "from 30 to 7200 seconds". */
const heartbeat = { usual: 3_600, least: 30, most: 7_200 };

type HookAsked = Omit<PutLifecycleHookType, 'AutoScalingGroupName'>;

/** Adds or changes a hook; what a change leaves out stays as it is. @throws ValidationError, LimitExceeded */
export function putHook(group: GroupRecord, asked: HookAsked): void {
  const name = asked.LifecycleHookName ?? '';
  if (!/^[A-Za-z0-9\-_/]{1,255}$/.test(name))
    throw validation(
      'LifecycleHookName must have 1 to 255 letters, digits, hyphens, slashes and underscores',
    );
  const former = group.hooks.get(name);
  const transition = transitions.find((one) => one === (asked.LifecycleTransition ?? former?.transition));
  if (transition === undefined)
    throw validation(`LifecycleTransition must be one of ${transitions.join(', ')}`);
  const seconds = asked.HeartbeatTimeout ?? former?.heartbeatSeconds ?? heartbeat.usual;
  if (seconds < heartbeat.least || seconds > heartbeat.most)
    throw validation(`HeartbeatTimeout must be between ${heartbeat.least} and ${heartbeat.most} seconds`);
  const result = resultOf(asked.DefaultResult ?? former?.defaultResult ?? 'ABANDON', 'DefaultResult');
  if (former === undefined && group.hooks.size >= hooksLimit)
    throw new AwsError('LimitExceeded', `A group has at most ${hooksLimit} lifecycle hooks`);
  group.hooks.set(name, {
    name,
    transition,
    heartbeatSeconds: seconds,
    defaultResult: result,
    metadata: asked.NotificationMetadata ?? former?.metadata,
  });
}

function resultOf(said: string | undefined, parameter: string): HookRecord['defaultResult'] {
  if (said === 'CONTINUE' || said === 'ABANDON') return said;
  throw validation(`${parameter} must be CONTINUE or ABANDON`);
}

export function hookOperations(state: AutoScalingState, waits: LifecycleWaits) {
  const PutLifecycleHook: Operation<PutLifecycleHookType, object> = {
    access: (input) => [state.access('PutLifecycleHook', input.AutoScalingGroupName)],
    run(input) {
      const { AutoScalingGroupName, ...asked } = input;
      onlySupported(
        'PutLifecycleHook',
        asked,
        [
          'LifecycleHookName',
          'LifecycleTransition',
          'HeartbeatTimeout',
          'DefaultResult',
          'NotificationMetadata',
        ],
        'ValidationError',
      );
      putHook(state.changeable(AutoScalingGroupName), asked);
      return {};
    },
  };

  const DescribeLifecycleHooks: Operation<DescribeLifecycleHooksType, DescribeLifecycleHooksAnswer> = {
    access: describeAccess('DescribeLifecycleHooks'),
    run(input) {
      const group = state.group(input.AutoScalingGroupName);
      const names = input.LifecycleHookNames;
      const found = [...group.hooks.values()].filter((hook) => !names?.length || names.includes(hook.name));
      return { LifecycleHooks: found.map((hook) => describeHook(group, hook)) };
    },
  };

  const DescribeLifecycleHookTypes: Operation<object, DescribeLifecycleHookTypesAnswer> = {
    access: describeAccess('DescribeLifecycleHookTypes'),
    run: () => ({ LifecycleHookTypes: [...transitions] }),
  };

  const DeleteLifecycleHook: Operation<DeleteLifecycleHookType, object> = {
    access: (input) => [state.access('DeleteLifecycleHook', input.AutoScalingGroupName)],
    run(input) {
      const group = state.changeable(input.AutoScalingGroupName);
      const name = input.LifecycleHookName ?? '';
      if (!group.hooks.has(name)) throw validation(`No Lifecycle Hook found with name ${name}`);
      // "If there are any outstanding lifecycle actions, they are completed first (ABANDON for launching
      // instances, CONTINUE for terminating instances)."
      for (const member of [...group.members.values()]) {
        const wait = member.waits.find((one) => one.hookName === name);
        if (wait === undefined) continue;
        waits.complete(group, member, wait, member.lifecycle === 'Pending:Wait' ? 'ABANDON' : 'CONTINUE');
      }
      group.hooks.delete(name);
      return {};
    },
  };

  const CompleteLifecycleAction: Operation<CompleteLifecycleActionType, object> = {
    access: (input) => [state.access('CompleteLifecycleAction', input.AutoScalingGroupName)],
    run(input) {
      const group = state.group(input.AutoScalingGroupName);
      const result = resultOf(input.LifecycleActionResult, 'LifecycleActionResult');
      const { member, wait } = waits.find(group, input.LifecycleHookName ?? '', soughtBy(input));
      waits.complete(group, member, wait, result);
      return {};
    },
  };

  const RecordLifecycleActionHeartbeat: Operation<RecordLifecycleActionHeartbeatType, object> = {
    access: (input) => [state.access('RecordLifecycleActionHeartbeat', input.AutoScalingGroupName)],
    run(input) {
      const group = state.group(input.AutoScalingGroupName);
      const { member, wait } = waits.find(group, input.LifecycleHookName ?? '', soughtBy(input));
      waits.heartbeat(group, member, wait);
      return {};
    },
  };

  return {
    PutLifecycleHook,
    DescribeLifecycleHooks,
    DescribeLifecycleHookTypes,
    DeleteLifecycleHook,
    CompleteLifecycleAction,
    RecordLifecycleActionHeartbeat,
  };
}

function soughtBy(input: RecordLifecycleActionHeartbeatType): { token?: string; instanceId?: string } {
  if (input.LifecycleActionToken !== undefined) return { token: input.LifecycleActionToken };
  if (input.InstanceId !== undefined) return { instanceId: input.InstanceId };
  throw validation('Either LifecycleActionToken or InstanceId is required');
}

function describeHook(group: GroupRecord, hook: HookRecord): LifecycleHook {
  return {
    LifecycleHookName: hook.name,
    AutoScalingGroupName: group.name,
    LifecycleTransition: hook.transition,
    NotificationMetadata: hook.metadata,
    HeartbeatTimeout: hook.heartbeatSeconds,
    GlobalTimeout: Math.min(48 * 3_600, 100 * hook.heartbeatSeconds),
    DefaultResult: hook.defaultResult,
  };
}
