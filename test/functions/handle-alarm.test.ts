import { Logger } from '@aws-lambda-powertools/logger';
import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { SendTaskFailureCommand, SFNClient } from '@aws-sdk/client-sfn';
import {
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { handler } from '../../functions/handle-alarm.ts';
import { openAlarms } from '../../src/aws/alarms.ts';
import { giveEnvironment, lambdaContext } from '../support/function-kit.ts';
import { mockClient } from '../support/mock-client.ts';
import { fleet } from './api-kit.ts';

const states = mockClient(SFNClient);
const table = mockClient(DynamoDBDocumentClient);
const watch = mockClient(CloudWatchClient);
const at = '2026-11-23T12:00:00.000Z';

/**
 * As the page of CloudWatch's events shows that of a composite alarm: no metrics, a rule over other alarms.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
 */
const compositeEvent = (alarmName: string, value = 'ALARM', timestamp = at) => ({
  version: '0',
  source: 'aws.cloudwatch',
  'detail-type': 'CloudWatch Alarm State Change',
  resources: [`arn:aws:cloudwatch:us-east-1:000000000000:alarm:${alarmName}`],
  detail: {
    alarmName,
    configuration: { alarmRule: 'ALARM(errors) OR ALARM(latency)' },
    state: { value, reason: `${alarmName}: latency transitioned to ALARM`, timestamp },
    previousState: { value: 'OK', reason: '', timestamp: at },
  },
});

const baking = {
  candidate: { release: 2, slot: 'green', groupName: 'flt-web-v2-r2' },
  lease: {
    holder: 'arn:aws:states:us-east-1:000000000000:execution:flotilla-swap-fleet:web-2',
    purpose: 'rollout',
    rollout: 2,
    release: 2,
    since: at,
    fence: 2,
    state: 'held',
  },
  gate: {
    token: 'token',
    rollout: 2,
    step: 1,
    waitsFor: 'time',
    since: at,
    until: at,
    alarms: [{ name: 'all', missingData: 'ignore' }],
  },
};
const rollout = {
  type: 'rollout',
  fleet: 'web',
  number: 2,
  kind: 'deploy',
  release: 2,
  from: 1,
  executionArn: baking.lease.holder,
  status: 'running',
  phase: 'baking',
  requestedAt: at,
  by: { principal: 'ada', through: 'api' },
};

beforeAll(() => giveEnvironment());
beforeEach(() => {
  for (const mock of [states, table, watch]) mock.reset();
  table.on(GetCommand).callsFake(({ Key }: { Key: { sk: string } }) => ({
    Item: Key.sk.startsWith('FLEET') ? fleet(baking) : rollout,
  }));
  table
    .on(QueryCommand)
    .resolves({ Items: [{ type: 'ref', id: 'alarm/all', toType: 'fleet', to: 'web', at }] });
  table.on(TransactWriteCommand).resolves({});
  states.on(SendTaskFailureCommand).resolves({});
});

describe('the event of a composite alarm', () => {
  it('closes the gate of a rollout that watches it', async () => {
    expect(await handler(compositeEvent('all'), lambdaContext())).toMatchObject({ aborted: ['web-2'] });
    expect(states.commandCalls(SendTaskFailureCommand)[0]?.args[0].input).toMatchObject({
      taskToken: 'token',
      error: 'AlarmRang',
      cause: expect.stringContaining('latency transitioned to ALARM'),
    });
  });

  it('closes no gate whose alarms it is not among', async () => {
    expect(await handler(compositeEvent('others'), lambdaContext())).toMatchObject({ aborted: [] });
    expect(await handler(compositeEvent('all', 'OK'), lambdaContext())).toMatchObject({ aborted: [] });
    expect(states.commandCalls(SendTaskFailureCommand)).toHaveLength(0);
  });

  it('closes no gate, and says so, where it tells of a time before the rollout: it came late', async () => {
    const said = vi.spyOn(Logger.prototype, 'info');
    const late = compositeEvent('all', 'ALARM', '2026-11-23T11:59:59.999+0000');
    expect(await handler(late, lambdaContext())).toEqual({ aborted: [], rollingBack: [] });
    expect(states.commandCalls(SendTaskFailureCommand)).toHaveLength(0);
    expect(table.commandCalls(TransactWriteCommand)).toHaveLength(0);
    expect(said).toHaveBeenCalledWith('an event that came late is ignored', {
      alarm: 'all',
      fleet: 'web',
      rangAt: '2026-11-23T11:59:59.999+0000',
      countsSince: at,
    });
    said.mockRestore();
  });
});

describe('a composite alarm', () => {
  it('is read beside those of one metric', async () => {
    watch.on(DescribeAlarmsCommand, { AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] }).resolves({
      MetricAlarms: [{ AlarmName: 'errors', StateValue: 'OK', StateReason: 'few' }],
      CompositeAlarms: [{ AlarmName: 'all', StateValue: 'ALARM', StateReason: 'latency' }],
    });
    expect(await openAlarms().describe(['errors', 'all'])).toEqual([
      { name: 'errors', state: 'OK', reason: 'few' },
      { name: 'all', state: 'ALARM', reason: 'latency' },
    ]);
  });
});
