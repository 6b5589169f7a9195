/** Listeners are shared with others, who delete rules, listeners and balancers of theirs while one looks. */
import {
  DescribeListenersCommand,
  DescribeRulesCommand,
  DescribeTagsCommand,
  DescribeTargetGroupsCommand,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { beforeEach, expect, it } from 'vitest';
import { rulesNaming, rulesOf } from '../../../src/aws/listener-rules.ts';
import { mockClient } from '../../support/mock-client.ts';

const balancing = mockClient(ElasticLoadBalancingV2Client);
const client = new ElasticLoadBalancingV2Client();
const ours = 'arn:target-group/ours';
const gone = (what: string) => Object.assign(new Error('gone'), { name: `${what}Exception`, Code: what });
const ruleTo = (RuleArn: string, TargetGroupArn: string) => ({
  RuleArn,
  Priority: '1',
  Actions: [{ Type: 'forward' as const, TargetGroupArn }],
});

beforeEach(() => {
  balancing.reset();
  balancing
    .on(DescribeTargetGroupsCommand)
    .resolves({ TargetGroups: [{ LoadBalancerArns: ['balancer'] }] })
    .on(DescribeListenersCommand)
    .resolves({ Listeners: [{ ListenerArn: 'one' }, { ListenerArn: 'two' }] })
    .on(DescribeRulesCommand, { ListenerArn: 'one' })
    .resolves({ Rules: [ruleTo('rule-1', ours), ruleTo('rule-2', 'theirs')] })
    .on(DescribeRulesCommand, { ListenerArn: 'two' })
    .resolves({ Rules: [ruleTo('rule-3', ours)] })
    .on(DescribeTagsCommand)
    .callsFake(({ ResourceArns }: { ResourceArns: string[] }) => ({
      TagDescriptions: ResourceArns.map((ResourceArn) => ({
        ResourceArn,
        Tags: [{ Key: 'of', Value: ResourceArn }],
      })),
    }));
});

const named = async () => (await rulesNaming(client, [ours])).map(({ arn }) => arn);

it('finds the rules of each listener that name the target group', async () => {
  expect(await named()).toEqual(['rule-1', 'rule-3']);
});

it('passes over a listener that goes before it is looked at', async () => {
  balancing.on(DescribeRulesCommand, { ListenerArn: 'one' }).rejects(gone('ListenerNotFound'));
  expect(await named()).toEqual(['rule-3']);
});

it('finds none where the load balancer or the target group is gone', async () => {
  balancing.on(DescribeListenersCommand).rejects(gone('LoadBalancerNotFound'));
  expect(await named()).toEqual([]);
  balancing.on(DescribeTargetGroupsCommand).rejects(gone('TargetGroupNotFound'));
  expect(await named()).toEqual([]);
});

it('leaves out a rule that goes before its tags are read, and keeps those beside it', async () => {
  balancing.on(DescribeTagsCommand).callsFake(({ ResourceArns }: { ResourceArns: string[] }) => {
    if (ResourceArns.includes('rule-2')) throw gone('RuleNotFound');
    return { TagDescriptions: ResourceArns.map((ResourceArn) => ({ ResourceArn, Tags: [{ Key: 'of' }] })) };
  });
  expect(await rulesOf(client, 'one')).toMatchObject([{ arn: 'rule-1', tags: { of: '' } }]);
});

it.each([
  ['rules', () => balancing.on(DescribeRulesCommand).rejects(gone('Throttling'))],
  ['tags', () => balancing.on(DescribeTagsCommand).rejects(gone('AccessDenied'))],
])('does not take any other refusal of the %s for an absence', async (_, refuse) => {
  refuse();
  await expect(named()).rejects.toThrow('gone');
});
