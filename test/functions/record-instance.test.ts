import { AutoScalingClient, DescribeAutoScalingGroupsCommand } from '@aws-sdk/client-auto-scaling';
import { DynamoDBDocumentClient, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { handler } from '../../functions/record-instance.ts';
import { giveEnvironment, lambdaContext } from '../support/function-kit.ts';
import { mockClient } from '../support/mock-client.ts';

const autoScaling = mockClient(AutoScalingClient);
const table = mockClient(DynamoDBDocumentClient);
const AutoScalingGroupName = 'flt-web-v7-r12';
const launched = (name = AutoScalingGroupName) =>
  handler({ detail: { EC2InstanceId: 'i-1', AutoScalingGroupName: name } }, lambdaContext());

beforeAll(() => giveEnvironment());
beforeEach(() => {
  for (const mock of [autoScaling, table]) mock.reset();
  table.on(TransactWriteCommand).resolves({});
});
const written = () =>
  table
    .commandCalls(TransactWriteCommand)
    .flatMap((call) => call.args[0].input.TransactItems ?? [])
    .map(({ Put }) => Put?.Item?.pk);

/** The group as EC2 Auto Scaling describes it. */
function standing(...stacks: string[]): void {
  autoScaling
    .on(DescribeAutoScalingGroupsCommand, { AutoScalingGroupNames: [AutoScalingGroupName] })
    .resolves({
      AutoScalingGroups: stacks.map((Value) => ({
        ...{ AutoScalingGroupName, MinSize: 0, MaxSize: 1, DesiredCapacity: 1 },
        ...{ DefaultCooldown: 0, AvailabilityZones: [], HealthCheckType: 'ELB', CreatedTime: new Date(0) },
        Tags: [{ Key: 'flotilla:stack', Value }],
      })),
    });
}

it('leads from an instance of a group of this stack to its release', async () => {
  standing('flotilla');
  await expect(launched()).resolves.toEqual({ recorded: true });
  expect(written()).toEqual(['REF#i-1', 'EVENTS#fleet/web']);
});

it('leaves an instance to the stack that its group belongs to', async () => {
  standing('flotilla-test');
  await expect(launched()).resolves.toEqual({ recorded: false });
  await expect(launched('flt-others')).resolves.toEqual({ recorded: false });
  expect(written()).toEqual([]);
});

it('asks to be called again where the group is not described yet', async () => {
  standing();
  await expect(launched()).rejects.toMatchObject({ name: 'AwsUnavailable' });
});
