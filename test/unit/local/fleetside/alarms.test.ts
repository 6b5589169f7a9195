import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RegionEvent } from '../../../../local/context.ts';
import { FleetRegion } from './fleet-region.ts';

let fleet: FleetRegion;
let events: RegionEvent[];

beforeEach(async () => {
  fleet = await FleetRegion.create();
  events = [];
  const { hooks } = fleet.region.context;
  Object.assign(hooks, { publish: (event: RegionEvent) => events.push(event) });
});

afterEach(async () => {
  await fleet.region.close();
});

const metric = { Namespace: 'Shop', MetricName: 'Errors' };

async function alarm(TreatMissingData: string): Promise<void> {
  await fleet.call('monitoring', 'PutMetricAlarm', {
    AlarmName: 'errors',
    ...metric,
    Statistic: 'Sum',
    Period: 60,
    EvaluationPeriods: 2,
    Threshold: 5,
    ComparisonOperator: 'GreaterThanThreshold',
    TreatMissingData,
  });
}

async function put(Value: number): Promise<void> {
  const MetricData = [{ MetricName: 'Errors', Value }];
  await fleet.call('monitoring', 'PutMetricData', { Namespace: 'Shop', MetricData });
}

async function state(): Promise<string> {
  const found = await fleet.call('monitoring', 'DescribeAlarms', { AlarmNames: ['errors'] });
  return found.MetricAlarms[0].StateValue;
}

describe('an alarm', () => {
  it('rings after enough breaching periods, says so, and calms down', async () => {
    await alarm('notBreaching');
    await fleet.seconds(70);
    expect(await state()).toBe('OK');
    await put(9);
    await fleet.seconds(60);
    expect(await state()).toBe('OK');
    await put(9);
    await fleet.seconds(60);
    expect(await state()).toBe('ALARM');
    await fleet.seconds(180);
    expect(await state()).toBe('OK');
    const changes = events.filter((event) => event.detailType === 'CloudWatch Alarm State Change');
    expect(changes.map((event) => event.detail)).toMatchObject([
      { alarmName: 'errors', state: { value: 'OK' }, previousState: { value: 'INSUFFICIENT_DATA' } },
      { state: { value: 'ALARM' }, previousState: { value: 'OK' } },
      { state: { value: 'OK' }, previousState: { value: 'ALARM' } },
    ]);
  });

  it('has insufficient data where nothing is measured', async () => {
    await alarm('missing');
    await put(1);
    await fleet.seconds(130);
    expect(await state()).toBe('OK');
    await fleet.seconds(600);
    expect(await state()).toBe('INSUFFICIENT_DATA');
  });

  it('keeps its state where missing data is ignored', async () => {
    await alarm('ignore');
    await put(9);
    await fleet.seconds(60);
    await put(9);
    await fleet.seconds(600);
    expect(await state()).toBe('ALARM');
  });

  it('is set by hand until data says otherwise', async () => {
    await alarm('ignore');
    await fleet.call('monitoring', 'SetAlarmState', {
      AlarmName: 'errors',
      StateValue: 'ALARM',
      StateReason: 'drill',
    });
    await fleet.seconds(300);
    expect(await state()).toBe('ALARM');
    expect(await fleet.refusal('monitoring', 'DeleteAlarms', { AlarmNames: ['none'] })).toBe(
      'ResourceNotFound',
    );
  });

  it('follows a rate of two metrics', async () => {
    const stat = (Id: string, MetricName: string) => ({
      Id,
      ReturnData: false,
      MetricStat: { Metric: { Namespace: 'Shop', MetricName }, Period: 60, Stat: 'Sum' },
    });
    await fleet.call('monitoring', 'PutMetricAlarm', {
      AlarmName: 'errors',
      EvaluationPeriods: 1,
      Threshold: 10,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching',
      Metrics: [
        stat('e', 'Errors'),
        stat('r', 'Requests'),
        { Id: 'rate', Expression: '100 * FILL(e, 0) / r' },
      ],
    });
    const MetricData = [{ MetricName: 'Requests', Value: 50 }];
    await fleet.call('monitoring', 'PutMetricData', { Namespace: 'Shop', MetricData });
    await put(4);
    await fleet.seconds(65);
    expect(await state()).toBe('OK');
    await fleet.call('monitoring', 'PutMetricData', { Namespace: 'Shop', MetricData });
    await put(6);
    await fleet.seconds(60);
    expect(await state()).toBe('ALARM');
  });
});
