/** CloudWatch: metrics and alarms. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Operations.html */
import type {
  DeleteAlarmsInput,
  DescribeAlarmsInput,
  DescribeAlarmsOutput,
  PutMetricAlarmInput,
  SetAlarmStateInput,
} from '@aws-sdk/client-cloudwatch';
import type { Context } from '../../context.ts';
import { arn } from '../../context.ts';
import type { Operation, Service } from '../../service.ts';
import { AwsError } from '../../service.ts';
import type { Persistent } from '../../state/persistent.ts';
import { page } from '../paging.ts';
import { onlySupported } from '../supported.ts';
import { Alarms } from './alarms.ts';
import { badToken, checkPeriod, checkQueries, invalid } from './asked.ts';
import { compileExpression } from './expression.ts';
import { metricOperations } from './metric-operations.ts';
import { Metrics } from './series.ts';

export interface CloudWatch {
  readonly service: Service;
  readonly persistent: Persistent;
  readonly metrics: Metrics;
  readonly alarms: Alarms;
}

export function createCloudWatch(context: Context): CloudWatch {
  const metrics = new Metrics();
  const alarms = new Alarms(context, metrics);
  return {
    service: {
      id: 'monitoring',
      operations: { ...alarmOperations(context, alarms), ...metricOperations(context, metrics) },
    },
    persistent: { name: 'cloudwatch', version: 1, collections: [metrics.collection(), alarms.collection()] },
    metrics,
    alarms,
  };
}

function alarmOperations(context: Context, alarms: Alarms) {
  const alarmArn = (name: string): string => arn(context, 'cloudwatch', `alarm:${name}`);

  const PutMetricAlarm: Operation<PutMetricAlarmInput, object> = {
    access: (input) => [
      { action: 'cloudwatch:PutMetricAlarm', resources: [alarmArn(input.AlarmName ?? '*')] },
    ],
    run(input) {
      onlySupported('PutMetricAlarm', input, [
        'AlarmName',
        'AlarmDescription',
        'ActionsEnabled',
        'OKActions',
        'AlarmActions',
        'InsufficientDataActions',
        'MetricName',
        'Namespace',
        'Statistic',
        'ExtendedStatistic',
        'Dimensions',
        'Period',
        'EvaluationPeriods',
        'DatapointsToAlarm',
        'Threshold',
        'ComparisonOperator',
        'TreatMissingData',
        'Metrics',
        'Tags',
      ]);
      const { AlarmName, EvaluationPeriods: periods, Threshold, ComparisonOperator: operator } = input;
      if (AlarmName === undefined || AlarmName === '') throw invalid('AlarmName is required');
      if (periods === undefined || periods < 1) throw invalid('EvaluationPeriods must be at least 1');
      if (Threshold === undefined) throw invalid('Threshold is required');
      const operators = [
        'GreaterThanThreshold',
        'GreaterThanOrEqualToThreshold',
        'LessThanThreshold',
        'LessThanOrEqualToThreshold',
      ];
      if (operator === undefined || !operators.includes(operator)) {
        throw invalid(`The local region does not know the ComparisonOperator ${operator}`);
      }
      const treatments = ['missing', 'ignore', 'breaching', 'notBreaching'];
      if (input.TreatMissingData !== undefined && !treatments.includes(input.TreatMissingData)) {
        throw invalid(`TreatMissingData must be one of ${treatments.join(', ')}`);
      }
      if ((input.DatapointsToAlarm ?? periods) > periods) {
        throw invalid('DatapointsToAlarm must not exceed EvaluationPeriods');
      }
      if ((input.MetricName === undefined) === !input.Metrics?.length) {
        throw invalid('Exactly one of MetricName and Metrics must be given');
      }
      if (input.MetricName !== undefined) {
        checkPeriod(input.Period);
        if ((input.Statistic === undefined) === (input.ExtendedStatistic === undefined)) {
          throw invalid('Exactly one of Statistic and ExtendedStatistic must be given');
        }
      }
      checkQueries('PutMetricAlarm', input.Metrics);
      for (const query of input.Metrics ?? []) {
        if (query.Expression === undefined) continue;
        try {
          compileExpression(query.Expression);
        } catch (error) {
          throw invalid(error instanceof Error ? error.message : String(error));
        }
      }
      const { Tags: _tags, ...definition } = input;
      alarms.put({
        ActionsEnabled: true,
        ...definition,
        AlarmName,
        AlarmArn: alarmArn(AlarmName),
        AlarmConfigurationUpdatedTimestamp: new Date(context.clock.now()),
      });
      return {};
    },
  };

  const DescribeAlarms: Operation<DescribeAlarmsInput, DescribeAlarmsOutput> = {
    access: (input) => [
      {
        action: 'cloudwatch:DescribeAlarms',
        resources: input.AlarmNames?.length ? input.AlarmNames.map(alarmArn) : [alarmArn('*')],
      },
    ],
    run(input) {
      onlySupported('DescribeAlarms', input, [
        'AlarmNamePrefix',
        'AlarmNames',
        'AlarmTypes',
        'MaxRecords',
        'NextToken',
        'StateValue',
      ]);
      // There are no composite alarms here.
      if (input.AlarmTypes?.length && !input.AlarmTypes.includes('MetricAlarm')) return { MetricAlarms: [] };
      const found = alarms
        .all()
        .filter(
          (alarm) =>
            (!input.AlarmNames?.length || input.AlarmNames.includes(alarm.AlarmName)) &&
            (input.AlarmNamePrefix === undefined || alarm.AlarmName.startsWith(input.AlarmNamePrefix)) &&
            (input.StateValue === undefined || alarm.StateValue === input.StateValue),
        )
        .sort((a, b) => (a.AlarmName < b.AlarmName ? -1 : 1));
      const shown = page(
        found,
        (alarm) => alarm.AlarmName,
        input.MaxRecords ?? 50,
        input.NextToken,
        badToken,
      );
      return { MetricAlarms: [...shown.items], CompositeAlarms: [], NextToken: shown.nextToken };
    },
  };

  const DeleteAlarms: Operation<DeleteAlarmsInput, object> = {
    access: (input) => [
      { action: 'cloudwatch:DeleteAlarms', resources: (input.AlarmNames ?? []).map(alarmArn) },
    ],
    run(input) {
      for (const name of input.AlarmNames ?? []) if (alarms.get(name) === undefined) throw unknownAlarm(name);
      for (const name of input.AlarmNames ?? []) alarms.delete(name);
      return {};
    },
  };

  const SetAlarmState: Operation<SetAlarmStateInput, object> = {
    access: (input) => [
      { action: 'cloudwatch:SetAlarmState', resources: [alarmArn(input.AlarmName ?? '*')] },
    ],
    run(input) {
      const { AlarmName = '', StateValue, StateReason, StateReasonData } = input;
      if (StateValue !== 'OK' && StateValue !== 'ALARM' && StateValue !== 'INSUFFICIENT_DATA') {
        throw invalid('StateValue must be OK, ALARM or INSUFFICIENT_DATA');
      }
      if (StateReason === undefined) throw invalid('StateReason is required');
      if (alarms.get(AlarmName) === undefined) throw unknownAlarm(AlarmName);
      if (StateReasonData !== undefined && !isJson(StateReasonData)) {
        throw new AwsError('InvalidFormat', 'StateReasonData was not syntactically valid JSON.');
      }
      alarms.setState(AlarmName, StateValue, StateReason, StateReasonData);
      return {};
    },
  };
  return { PutMetricAlarm, DescribeAlarms, DeleteAlarms, SetAlarmState };
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_SetAlarmState.html */
function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function unknownAlarm(name: string): AwsError {
  return new AwsError('ResourceNotFound', `Unknown alarm ${name}`, 404);
}
