/** A smoke boot whose first launch nobody heard of. */
import { EC2Client, RunInstancesCommand } from '@aws-sdk/client-ec2';
import { DynamoDBDocumentClient, GetCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { handler } from '../../functions/launch-smoke-boot.ts';
import { awsError, giveEnvironment, lambdaContext } from '../support/function-kit.ts';
import { mockClient } from '../support/mock-client.ts';
import { identity } from './image-kit.ts';

const ec2 = mockClient(EC2Client);
const table = mockClient(DynamoDBDocumentClient);
const executionArn = 'arn:aws:states:us-east-1:000000000000:execution:flotilla-build-image:one';
const event = { identity, imageId: 'ami-1', fleet: 'web', executionArn };
const place = { instanceType: 't3.nano', subnetId: 'subnet-1' };
const boot = {
  type: 'smoke-boot',
  id: 'e'.repeat(32),
  identity,
  imageId: 'ami-1',
  fleet: 'web',
  owner: executionArn,
  state: 'open',
  question: { port: 8080, path: '/healthz', statusCodes: '200', timeoutSeconds: 2, healthyThreshold: 2 },
  places: [
    { ...place, market: 'spot' },
    { ...place, market: 'on-demand' },
  ],
  securityGroups: ['sg-1'],
  place: 0,
  refusals: [],
  openedAt: '2026-11-23T12:00:00.000Z',
  deadline: '9999-12-31T00:00:00.000Z',
};
const saved = () =>
  table.commandCalls(TransactWriteCommand).map((call) => call.args[0].input.TransactItems?.[0]?.Put?.Item);

beforeAll(() => giveEnvironment());
beforeEach(() => {
  ec2.reset();
  table.reset();
  table.on(GetCommand).resolves({ Item: boot });
  table.on(TransactWriteCommand).resolves({});
});

it('tries the next place where one has no room', async () => {
  ec2
    .on(RunInstancesCommand)
    .rejectsOnce(awsError('InsufficientInstanceCapacity'))
    .resolves({ Instances: [{ InstanceId: 'i-1' }] });
  await expect(handler(event, lambdaContext())).resolves.toMatchObject({ instanceId: 'i-1' });
  expect(saved()).toMatchObject([{ place: 1 }, { place: 1, instanceId: 'i-1' }]);
});

it('fails where its instance has ended already, launches no other, and says that none runs', async () => {
  ec2.on(RunInstancesCommand).rejects(awsError('IdempotentInstanceTerminated'));
  await expect(handler(event, lambdaContext())).rejects.toMatchObject({
    name: 'SmokeBootFailed',
    message: expect.stringContaining('spot t3.nano IdempotentInstanceTerminated'),
  });
  expect(ec2.commandCalls(RunInstancesCommand)).toHaveLength(1);
  expect(saved()).toMatchObject([{ state: 'open', place: boot.places.length }]);
});
