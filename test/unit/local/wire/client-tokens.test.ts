/** Every operation that takes a client token answers a repetition as the first time, and refuses another request. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { VirtualClock } from '../../../../local/clock.ts';
import { createRegion, type Region } from '../../../../local/region.ts';

let region: Region;
let clock: VirtualClock;
beforeAll(async () => {
  clock = new VirtualClock();
  region = await createRegion({ clock, seed: 3 });
  await region.call('ec2', 'CreateLaunchTemplate', {
    LaunchTemplateName: 'base',
    LaunchTemplateData: { InstanceType: 't3.micro' },
  });
  await region.call('dynamodb', 'CreateTable', {
    TableName: 'things',
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    BillingMode: 'PAY_PER_REQUEST',
  });
});
afterAll(() => region.close());

const put = (id: string) => ({ TransactItems: [{ Put: { TableName: 'things', Item: { id: { S: id } } } }] });

// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
// https://docs.aws.amazon.com/ebs/latest/userguide/ebs-direct-api-idempotency.html
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
test.each([
  [
    'ec2',
    'CreateLaunchTemplate',
    { LaunchTemplateName: 'other', LaunchTemplateData: { InstanceType: 't3.micro' } },
    { LaunchTemplateData: { InstanceType: 't3.small' } },
    'IdempotentParameterMismatch',
  ],
  [
    'ec2',
    'CreateLaunchTemplateVersion',
    { LaunchTemplateName: 'base', LaunchTemplateData: { InstanceType: 't3.small' } },
    { VersionDescription: 'changed' },
    'IdempotentParameterMismatch',
  ],
  [
    'ec2',
    'ModifyLaunchTemplate',
    { LaunchTemplateName: 'base', DefaultVersion: '1' },
    { DefaultVersion: '2' },
    'IdempotentParameterMismatch',
  ],
  ['ebs', 'StartSnapshot', { VolumeSize: 1 }, { VolumeSize: 2 }, 'ConflictException'],
  ['dynamodb', 'TransactWriteItems', put('a'), put('b'), 'IdempotentParameterMismatchException'],
])('%s: %s', async (service, operation, input, other, code) => {
  const name = service === 'dynamodb' ? 'ClientRequestToken' : 'ClientToken';
  const asked = { ...input, [name]: 'token' };
  const first = await region.call(service, operation, asked);
  expect(await region.call(service, operation, structuredClone(asked))).toEqual(first);
  await expect(region.call(service, operation, { ...asked, ...other })).rejects.toMatchObject({ code });
});

test('a transaction’s token is forgotten after ten minutes', async () => {
  const asked = { ...put('c'), ClientRequestToken: 'short' };
  await region.call('dynamodb', 'TransactWriteItems', asked);
  await clock.advance(599_000);
  await expect(
    region.call('dynamodb', 'TransactWriteItems', { ...put('d'), ClientRequestToken: 'short' }),
  ).rejects.toMatchObject({ code: 'IdempotentParameterMismatchException' });
  await clock.advance(2_000);
  await region.call('dynamodb', 'TransactWriteItems', { ...put('d'), ClientRequestToken: 'short' });
});
