import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import { beforeEach, expect, it } from 'vitest';
import { openRequestCounts } from '../../../src/aws/request-counts.ts';
import { mockClient } from '../../support/mock-client.ts';

const cloudwatch = mockClient(CloudWatchClient);
beforeEach(() => {
  cloudwatch.reset();
});

const elb = 'arn:aws:elasticloadbalancing:us-east-1:000000000000';
const ruleArn = `${elb}:listener-rule/app/front/50dc6c495c0c9188/f2f7dc8efc522ab2/9683b2d02a6cabee`;
const slots = {
  blue: `${elb}:targetgroup/flt-web-blue/73e2d6bc24d8a067`,
  green: `${elb}:targetgroup/flt-web-green/943f017f100becff`,
};
const minutes = {
  countedFrom: Date.parse('2026-01-01T10:01:00Z'),
  from: Date.parse('2026-01-01T10:02:00Z'),
  to: Date.parse('2026-01-01T10:03:00Z'),
};
const ask = () => openRequestCounts(new CloudWatchClient({})).of(ruleArn, slots, minutes);

it('asks for the counts of both target groups behind the load balancer of the rule', async () => {
  cloudwatch.on(GetMetricDataCommand).resolves({
    MetricDataResults: [
      {
        Id: 'green',
        StatusCode: 'Complete',
        Values: [3, 4],
        Timestamps: [new Date(minutes.from), new Date(minutes.countedFrom)],
      },
      { Id: 'blue', StatusCode: 'Complete', Values: [] },
    ],
  });
  expect(await ask()).toEqual({
    blue: [],
    green: [
      { at: minutes.from, requests: 3 },
      { at: minutes.countedFrom, requests: 4 },
    ],
  });
  const [call] = cloudwatch.commandCalls(GetMetricDataCommand);
  const { MetricDataQueries: queries = [], ...more } = call?.args[0].input ?? {};
  expect(more).toEqual({ StartTime: new Date(minutes.countedFrom), EndTime: new Date(minutes.to) });
  expect(queries.map(({ Id, MetricStat }) => [Id, MetricStat?.Metric?.Dimensions])).toEqual([
    [
      'blue',
      [
        { Name: 'TargetGroup', Value: 'targetgroup/flt-web-blue/73e2d6bc24d8a067' },
        { Name: 'LoadBalancer', Value: 'app/front/50dc6c495c0c9188' },
      ],
    ],
    [
      'green',
      [
        { Name: 'TargetGroup', Value: 'targetgroup/flt-web-green/943f017f100becff' },
        { Name: 'LoadBalancer', Value: 'app/front/50dc6c495c0c9188' },
      ],
    ],
  ]);
});

it.each(['PartialData', 'InternalError', 'Forbidden'] as const)('says nothing of %s', async (StatusCode) => {
  cloudwatch.on(GetMetricDataCommand).resolves({
    MetricDataResults: [
      { Id: 'blue', StatusCode: 'Complete', Values: [100] },
      { Id: 'green', StatusCode, Values: [] },
    ],
  });
  await expect(ask()).rejects.toThrow(`CloudWatch told ${StatusCode} of green`);
});

it('takes a target group that is not among the answers for no zero', async () => {
  cloudwatch.on(GetMetricDataCommand).resolves({
    MetricDataResults: [{ Id: 'blue', StatusCode: 'Complete', Values: [100] }],
  });
  await expect(ask()).rejects.toThrow('CloudWatch told nothing of green');
});
