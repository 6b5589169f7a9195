import { CreateLaunchTemplateCommand, DeleteLaunchTemplateCommand, EC2Client } from '@aws-sdk/client-ec2';
import {
  CreateRuleCommand,
  CreateTargetGroupCommand,
  DeleteTargetGroupCommand,
  DescribeListenersCommand,
  DescribeLoadBalancersCommand,
  DescribeRulesCommand,
  DescribeTargetGroupsCommand,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import {
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handler } from '../../functions/api-fleets.ts';
import { awsError, giveEnvironment } from '../support/function-kit.ts';
import { mockClient } from '../support/mock-client.ts';
import { arn, cancelled, fleet, send } from './api-kit.ts';

const balancer = mockClient(ElasticLoadBalancingV2Client);
const ec2 = mockClient(EC2Client);
const table = mockClient(DynamoDBDocumentClient);

beforeAll(() => giveEnvironment());
beforeEach(() => {
  for (const mock of [balancer, ec2, table]) mock.reset();
  table.on(GetCommand).resolves({});
  table.on(QueryCommand).resolves({ Items: [] });
  table.on(TransactWriteCommand).resolves({});
  balancer.on(DescribeListenersCommand).resolves({
    Listeners: [{ ListenerArn: 'arn:listener', LoadBalancerArn: 'arn:balancer', Protocol: 'HTTP' }],
  });
  balancer.on(DescribeLoadBalancersCommand).resolves({
    LoadBalancers: [{ LoadBalancerArn: 'arn:balancer', Type: 'application', VpcId: 'vpc-1' }],
  });
  balancer.on(DescribeRulesCommand).resolves({ Rules: [] });
  balancer.on(DescribeTargetGroupsCommand).rejects(awsError('TargetGroupNotFound'));
  balancer.on(CreateTargetGroupCommand).callsFake(({ Name }: { Name: string }) => ({
    TargetGroups: [{ TargetGroupArn: Name === 'flt-web-blue' ? arn.blue : arn.green }],
  }));
  balancer.on(CreateRuleCommand).resolves({ Rules: [{ RuleArn: arn.rule }] });
  ec2.resolves({});
  ec2.on(CreateLaunchTemplateCommand).resolves({ LaunchTemplate: { LaunchTemplateId: 'lt-1' } });
});

const put = () =>
  send(handler, 'PUT /fleets/web', { rule: { hosts: ['web.example.com'] }, healthCheck: { path: '/' } });
const removed = () => [
  ...balancer.commandCalls(DeleteTargetGroupCommand).map((call) => call.args[0].input.TargetGroupArn),
  ...ec2.commandCalls(DeleteLaunchTemplateCommand).map((call) => call.args[0].input.LaunchTemplateId),
];

describe('PUT of a fleet', () => {
  it('makes the parts and records them', async () => {
    const { status, body } = await put();
    expect({ status, body }).toMatchObject({ status: 201, body: { outcome: 'created' } });
    expect(removed()).toEqual([]);
  });

  it('is refused with a test listener that speaks HTTPS, before anything is made, and says what to name', async () => {
    const of = (ListenerArn: string, Protocol: 'HTTP' | 'HTTPS') => ({
      Listeners: [{ ListenerArn, LoadBalancerArn: 'arn:balancer', Protocol }],
    });
    balancer.on(DescribeListenersCommand).callsFake(({ ListenerArns: [asked] }) =>
      // The listener of the traffic may speak HTTPS, and most do.
      of(asked, 'HTTPS'),
    );
    const spec = (testListenerArn?: string) => ({
      rule: { hosts: ['web.example.com'], ...(testListenerArn === undefined ? {} : { testListenerArn }) },
      healthCheck: { path: '/' },
    });
    const refused = await send(handler, 'PUT /fleets/web', spec('arn:test'));
    expect(refused).toMatchObject({ status: 422, body: { name: 'SpecInvalid' } });
    expect(JSON.stringify(refused.body)).toMatch(
      /rule\.testListenerArn: arn:test speaks HTTPS; name an HTTP listener/,
    );
    expect(balancer.commandCalls(CreateTargetGroupCommand)).toHaveLength(0);
    expect(table.commandCalls(TransactWriteCommand)).toHaveLength(0);
    expect((await send(handler, 'PUT /fleets/web', spec())).status).toBe(201);
  });

  it('removes what it made when the listener has room for no other rule, and says so', async () => {
    balancer.on(CreateRuleCommand).rejects(awsError('TooManyRules'));
    expect(await put()).toMatchObject({
      status: 409,
      body: { name: 'QuotaReached', details: { code: 'TooManyRules' } },
    });
    expect(new Set(removed())).toEqual(new Set([arn.blue, arn.green, 'lt-1']));
    expect(table.commandCalls(TransactWriteCommand)).toHaveLength(0);
  });

  it('asks to send it again, having removed what it made, when the load balancer throttles', async () => {
    balancer.on(CreateRuleCommand).rejects(awsError('Throttling'));
    expect(await put()).toMatchObject({
      status: 503,
      headers: { 'retry-after': '2' },
      body: { name: 'AwsUnavailable' },
    });
    expect(removed()).toHaveLength(3);
  });

  it('tells the same failure when the removing fails as well', async () => {
    balancer.on(CreateRuleCommand).rejects(awsError('Throttling'));
    balancer.on(DeleteTargetGroupCommand).rejects(awsError('Throttling'));
    expect(await put()).toMatchObject({ status: 503, body: { name: 'AwsUnavailable' } });
  });

  it('leaves the parts that a racing call recorded first', async () => {
    table.on(TransactWriteCommand).callsFake(() => {
      table.on(GetCommand).resolves({ Item: fleet() });
      throw cancelled('ConditionalCheckFailed', 'None');
    });
    expect(await put()).toMatchObject({ status: 409, body: { name: 'RequestConflict' } });
    expect(removed()).toEqual([]);
  });
});

describe('DELETE of a fleet', () => {
  it('is refused while a rollout holds it', async () => {
    const lease = {
      holder: 'arn:aws:states:us-east-1:000000000000:execution:flotilla-swap-fleet:web-1',
      purpose: 'rollout',
      rollout: 1,
      release: 1,
      since: '2026-11-23T12:00:00.000Z',
      fence: 1,
      state: 'held',
    };
    table.on(GetCommand).resolves({ Item: fleet({ lease }) });
    expect(await send(handler, 'DELETE /fleets/web')).toMatchObject({
      status: 409,
      body: { name: 'FleetInUse' },
    });
    expect(removed()).toEqual([]);
  });
});
