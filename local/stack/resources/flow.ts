/** State machines, rules and alarms. */
import type { Making, Properties, ResourceType } from '../resource.ts';
import { TemplateError } from '../template.ts';

/**
 * The definition with its placeholders filled in; one without a substitution stays, and the service refuses it.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-stepfunctions-statemachine.html
 */
export function substituteDefinition(
  definition: unknown,
  substitutions: Readonly<Record<string, unknown>>,
): string {
  return JSON.stringify(definition).replaceAll(/\$\{(\w+)\}/g, (placeholder, name: string) => {
    const value = substitutions[name];
    return value === undefined ? placeholder : JSON.stringify(String(value)).slice(1, -1);
  });
}

export const stateMachine: ResourceType = {
  properties: [
    'StateMachineName',
    'StateMachineType',
    'RoleArn',
    'Definition',
    'DefinitionString',
    'DefinitionSubstitutions',
    'LoggingConfiguration',
    'TracingConfiguration',
  ],
  async make(properties, making) {
    const name = properties.optionalText('StateMachineName') ?? making.uniqueName(80);
    const made = (await making.call('states', 'CreateStateMachine', {
      name,
      type: properties.optionalText('StateMachineType') ?? 'STANDARD',
      ...machineInput(properties),
    })) as { stateMachineArn: string };
    return { ref: made.stateMachineArn, attributes: { Arn: made.stateMachineArn, Name: name } };
  },
  async update(properties, making, { ref: stateMachineArn }) {
    await making.call('states', 'UpdateStateMachine', { stateMachineArn, ...machineInput(properties) });
  },
  async remove(making, { ref: stateMachineArn }) {
    await making.call('states', 'DeleteStateMachine', { stateMachineArn });
  },
};

function machineInput(properties: Properties): object {
  const definition = properties.has('Definition')
    ? properties.object('Definition')
    : (JSON.parse(properties.text('DefinitionString')) as unknown);
  const { Enabled: tracing = false } = properties.any('TracingConfiguration') ?? {};
  const logging = properties.any('LoggingConfiguration');
  return {
    roleArn: properties.text('RoleArn'),
    definition: substituteDefinition(definition, properties.any('DefinitionSubstitutions') ?? {}),
    tracingConfiguration: { enabled: tracing },
    ...(logging === undefined
      ? {}
      : {
          loggingConfiguration: {
            level: logging.Level,
            includeExecutionData: logging.IncludeExecutionData,
            destinations: (logging.Destinations ?? []).map(
              (one: { CloudWatchLogsLogGroup: { LogGroupArn: string } }) => ({
                cloudWatchLogsLogGroup: { logGroupArn: one.CloudWatchLogsLogGroup.LogGroupArn },
              }),
            ),
          },
        }),
  };
}

export const rule: ResourceType = {
  properties: ['Name', 'Description', 'EventPattern', 'ScheduleExpression', 'State', 'Targets'],
  async make(properties, making) {
    const Name = properties.optionalText('Name') ?? making.uniqueName(64);
    return { ref: Name, attributes: { Arn: await putRule(Name, properties, making) } };
  },
  async update(properties, making, { ref }) {
    await putRule(ref, properties, making);
  },
  async remove(making, { ref: Rule }) {
    const { Targets } = (await making.call('events', 'ListTargetsByRule', { Rule })) as {
      Targets: { Id: string }[];
    };
    await making.call('events', 'RemoveTargets', { Rule, Ids: Targets.map(({ Id }) => Id) });
    await making.call('events', 'DeleteRule', { Name: Rule });
  },
};

/** @returns the rule's ARN */
async function putRule(Name: string, properties: Properties, making: Making): Promise<string> {
  const made = (await making.call('events', 'PutRule', {
    Name,
    ...properties.picked('Description', 'ScheduleExpression', 'State'),
    ...(properties.has('EventPattern')
      ? { EventPattern: JSON.stringify(properties.object('EventPattern')) }
      : {}),
  })) as { RuleArn: string };
  const answer = (await making.call('events', 'PutTargets', {
    Rule: Name,
    Targets: properties.objects('Targets'),
  })) as { FailedEntryCount?: number; FailedEntries?: unknown };
  if ((answer.FailedEntryCount ?? 0) > 0)
    throw new TemplateError(`${making.logicalId}: ${JSON.stringify(answer.FailedEntries)}`);
  return made.RuleArn;
}

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudwatch-alarm.html */
export const alarm: ResourceType = {
  properties: [
    'AlarmName',
    'AlarmDescription',
    'ActionsEnabled',
    'Namespace',
    'MetricName',
    'Dimensions',
    'Statistic',
    'ExtendedStatistic',
    'Period',
    'EvaluationPeriods',
    'DatapointsToAlarm',
    'Threshold',
    'ComparisonOperator',
    'TreatMissingData',
  ],
  async make(properties, making) {
    const AlarmName = properties.optionalText('AlarmName') ?? making.uniqueName(255);
    await making.call('monitoring', 'PutMetricAlarm', { ...properties.all, AlarmName });
    const { regionName, accountId } = making.region.context;
    return {
      ref: AlarmName,
      attributes: { Arn: `arn:aws:cloudwatch:${regionName}:${accountId}:alarm:${AlarmName}` },
    };
  },
  async update(properties, making, { ref: AlarmName }) {
    await making.call('monitoring', 'PutMetricAlarm', { ...properties.all, AlarmName });
  },
  async remove(making, { ref }) {
    await making.call('monitoring', 'DeleteAlarms', { AlarmNames: [ref] });
  },
};
