/** CloudWatch alarms, read when a gate is entered and left: their events are edges, and may have been missed. */
import {
  type CloudWatchClient,
  type CompositeAlarm,
  DescribeAlarmsCommand,
  type MetricAlarm,
} from '@aws-sdk/client-cloudwatch';
import type { AlarmView } from '../fleet/world.ts';
import { cloudWatchClient } from './clients/cloudwatch.ts';

export interface Alarms {
  /** The alarms of these names; one that does not exist is absent. No names: no call. */
  describe(names: readonly string[]): Promise<AlarmView[]>;
}

function stateOf(alarm: MetricAlarm | CompositeAlarm): AlarmView {
  return {
    name: alarm.AlarmName ?? '',
    state: alarm.StateValue ?? 'INSUFFICIENT_DATA',
    reason: alarm.StateReason ?? '',
    ...(alarm.StateReasonData === undefined ? {} : { reasonData: alarm.StateReasonData }),
  };
}

export function openAlarms(client: CloudWatchClient = cloudWatchClient()): Alarms {
  return {
    async describe(names) {
      if (names.length === 0) return [];
      // At most 20 alarms a fleet (the spec's limit), and AWS answers 100 a page.
      const answer = await client.send(
        new DescribeAlarmsCommand({ AlarmNames: [...names], AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] }),
      );
      return [
        ...(answer.MetricAlarms ?? []).map((alarm) => ({
          ...stateOf(alarm),
          ...(alarm.MetricName === undefined ? {} : { metric: `${alarm.Namespace} ${alarm.MetricName}` }),
          ...(alarm.ComparisonOperator === undefined ? {} : { comparison: alarm.ComparisonOperator }),
        })),
        ...(answer.CompositeAlarms ?? []).map(stateOf),
      ];
    },
  };
}
