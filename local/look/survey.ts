/**
 * What exists and what runs, asked through the services' own operations: the page can show nothing that a client
 * could not see, and no secret among it.
 */
import type { AutoScalingGroup } from '@aws-sdk/client-auto-scaling';
import type { MetricAlarm } from '@aws-sdk/client-cloudwatch';
import type { Image, Instance, LaunchTemplate, Snapshot } from '@aws-sdk/client-ec2';
import type { Rule as ListenerRule, TargetGroup } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { Rule as EventRule } from '@aws-sdk/client-eventbridge';
import type { FunctionConfiguration } from '@aws-sdk/client-lambda';
import type { ExecutionListItem, HistoryEvent, StateMachineListItem } from '@aws-sdk/client-sfn';
import type { Principal, Service } from '../service.ts';

/** A thing as the page shows it: names of columns to plain values. */
export type Row = Readonly<Record<string, string | number>>;
/** Rows by what they are: `instances`, `executions`, … */
export type Survey = Readonly<Record<string, readonly Row[]>>;

// biome-ignore lint/suspicious/noExplicitAny: outputs of many operations; each list says what it takes out of them
export type Ask = (service: string, operation: string, input?: object) => Promise<any>;

/** Asks past rights, log and faults: looking is no call. */
export function asker(services: ReadonlyMap<string, Service>, root: Principal): Ask {
  return async (service, operation, input = {}) => {
    const found = services.get(service)?.operations[operation];
    if (found === undefined) return {};
    return await found.run(input as never, {
      principal: root,
      requestId: 'look',
      sourceIp: '127.0.0.1',
      userAgent: 'region',
      authorize: () => undefined,
    });
  };
}

/** How many executions of each machine the page shows, newest first. */
const shownExecutions = 50;

export async function survey(ask: Ask): Promise<Survey> {
  const [executions, instances, groups, rules] = await Promise.all([
    executionRows(ask),
    instanceRows(ask),
    groupRows(ask),
    ruleRows(ask),
  ]);
  return { executions, instances, groups, rules, ...(await plainLists(ask)) };
}

async function executionRows(ask: Ask): Promise<Row[]> {
  const { stateMachines = [] } = await ask('states', 'ListStateMachines');
  const lists = await Promise.all(
    (stateMachines as StateMachineListItem[]).map(async ({ stateMachineArn, name }) => {
      const { executions = [] } = await ask('states', 'ListExecutions', {
        stateMachineArn,
        maxResults: shownExecutions,
      });
      return (executions as ExecutionListItem[]).map((one) => ({
        machine: name ?? '',
        name: one.name ?? '',
        status: one.status ?? '',
        started: time(one.startDate),
        stopped: time(one.stopDate),
        arn: one.executionArn ?? '',
      }));
    }),
  );
  return lists.flat().sort((a, b) => b.started.localeCompare(a.started));
}

/** All events of an execution, oldest first, without the data that passed through it. */
export async function historyOf(ask: Ask, executionArn: string): Promise<HistoryEvent[]> {
  const found: HistoryEvent[] = [];
  let nextToken: string | undefined;
  do {
    const page = await ask('states', 'GetExecutionHistory', {
      executionArn,
      includeExecutionData: false,
      maxResults: 1000,
      ...(nextToken === undefined ? {} : { nextToken }),
    });
    found.push(...(page.events as HistoryEvent[]));
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return found;
}

async function instanceRows(ask: Ask): Promise<Row[]> {
  const { Reservations = [] } = await ask('ec2', 'DescribeInstances');
  return (Reservations as { Instances?: Instance[] }[])
    .flatMap((reservation) => reservation.Instances ?? [])
    .map((one) => ({
      instance: one.InstanceId ?? '',
      state: one.State?.Name ?? '',
      image: one.ImageId ?? '',
      type: one.InstanceType ?? '',
      zone: one.Placement?.AvailabilityZone ?? '',
      group: one.Tags?.find(({ Key }) => Key === 'aws:autoscaling:groupName')?.Value ?? '',
      launched: time(one.LaunchTime),
      reason: one.StateReason?.Message ?? '',
    }));
}

async function groupRows(ask: Ask): Promise<Row[]> {
  const { AutoScalingGroups = [] } = await ask('autoscaling', 'DescribeAutoScalingGroups');
  return (AutoScalingGroups as AutoScalingGroup[]).map((one) => ({
    group: one.AutoScalingGroupName ?? '',
    sizes: `${one.MinSize} ≤ ${one.DesiredCapacity} ≤ ${one.MaxSize}`,
    'in service': (one.Instances ?? []).filter(({ LifecycleState }) => LifecycleState === 'InService').length,
    'launch template': `${one.LaunchTemplate?.LaunchTemplateName ?? ''} ${one.LaunchTemplate?.Version ?? ''}`,
    suspended: (one.SuspendedProcesses ?? []).map(({ ProcessName }) => ProcessName).join(', '),
  }));
}

async function ruleRows(ask: Ask): Promise<Row[]> {
  const { LoadBalancers = [] } = await ask('elasticloadbalancing', 'DescribeLoadBalancers');
  const rows: Row[] = [];
  for (const { LoadBalancerArn } of LoadBalancers as { LoadBalancerArn?: string }[]) {
    const { Listeners = [] } = await ask('elasticloadbalancing', 'DescribeListeners', { LoadBalancerArn });
    for (const { ListenerArn } of Listeners as { ListenerArn?: string }[]) {
      const { Rules = [] } = await ask('elasticloadbalancing', 'DescribeRules', { ListenerArn });
      for (const rule of Rules as ListenerRule[]) {
        const conditions = (rule.Conditions ?? []).map(
          (one) =>
            `${one.Field} ${(one.Values ?? one.PathPatternConfig?.Values ?? one.HostHeaderConfig?.Values ?? []).join(' ')}`,
        );
        const weights = (rule.Actions ?? []).flatMap((action) =>
          (action.ForwardConfig?.TargetGroups ?? []).map(
            (one) => `${(one.TargetGroupArn ?? '').split('/')[1]}: ${one.Weight}`,
          ),
        );
        rows.push({
          priority: rule.Priority ?? '',
          conditions: conditions.join('; '),
          to: weights.join(', ') || (rule.Actions?.[0]?.Type ?? ''),
        });
      }
    }
  }
  return rows;
}

async function plainLists(ask: Ask): Promise<Survey> {
  const [groups, images, snapshots, templates, functions, rules, alarms] = await Promise.all([
    targetRows(ask),
    ask('ec2', 'DescribeImages', { Owners: ['self'] }),
    ask('ec2', 'DescribeSnapshots', { OwnerIds: ['self'] }),
    ask('ec2', 'DescribeLaunchTemplates'),
    ask('lambda', 'ListFunctions'),
    ask('events', 'ListRules'),
    ask('monitoring', 'DescribeAlarms'),
  ]);
  return {
    'target groups': groups,
    images: ((images.Images ?? []) as Image[]).map((one) => ({
      image: one.ImageId ?? '',
      name: one.Name ?? '',
      state: one.State ?? '',
      made: one.CreationDate ?? '',
    })),
    snapshots: ((snapshots.Snapshots ?? []) as Snapshot[]).map((one) => ({
      snapshot: one.SnapshotId ?? '',
      state: one.State ?? '',
      GiB: one.VolumeSize ?? 0,
      started: time(one.StartTime),
    })),
    'launch templates': ((templates.LaunchTemplates ?? []) as LaunchTemplate[]).map((one) => ({
      template: one.LaunchTemplateName ?? '',
      id: one.LaunchTemplateId ?? '',
      'newest version': one.LatestVersionNumber ?? 0,
    })),
    functions: ((functions.Functions ?? []) as FunctionConfiguration[]).map((one) => ({
      function: one.FunctionName ?? '',
      'memory MB': one.MemorySize ?? 0,
      'time s': one.Timeout ?? 0,
      'code bytes': one.CodeSize ?? 0,
    })),
    'event rules': ((rules.Rules ?? []) as EventRule[]).map((one) => ({
      rule: one.Name ?? '',
      state: one.State ?? '',
      when: one.ScheduleExpression ?? one.EventPattern ?? '',
    })),
    alarms: ((alarms.MetricAlarms ?? []) as MetricAlarm[]).map((one) => ({
      alarm: one.AlarmName ?? '',
      state: one.StateValue ?? '',
      why: one.StateReason ?? '',
    })),
  };
}

async function targetRows(ask: Ask): Promise<Row[]> {
  const { TargetGroups = [] } = await ask('elasticloadbalancing', 'DescribeTargetGroups');
  return await Promise.all(
    (TargetGroups as TargetGroup[]).map(async ({ TargetGroupArn, TargetGroupName }) => {
      const { TargetHealthDescriptions = [] } = await ask('elasticloadbalancing', 'DescribeTargetHealth', {
        TargetGroupArn,
      });
      const targets = (
        TargetHealthDescriptions as {
          Target?: { Id?: string };
          TargetHealth?: { State?: string; Reason?: string };
        }[]
      ).map(({ Target, TargetHealth }) =>
        [Target?.Id, TargetHealth?.State, TargetHealth?.Reason]
          .filter((word) => word !== undefined)
          .join(' '),
      );
      return { group: TargetGroupName ?? '', targets: targets.join(', ') };
    }),
  );
}

/** `2026-11-26 13:20:24`, UTC. */
function time(date: Date | undefined): string {
  return date === undefined ? '' : date.toISOString().slice(0, 19).replace('T', ' ');
}
