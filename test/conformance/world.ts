/** What stands in the region before any case: things that cases look at and share, by the words for them. */
import type { Region } from '../../local/region.ts';
import { call, makeImage, until } from '../end-to-end/echo-image.ts';
import { createFunction } from '../support/functions.ts';
import type { Words } from './play.ts';

export async function makeWorld(region: Region): Promise<Words> {
  const { network } = region.parts.ec2;
  const { defaultListener } = region.parts.elbv2;
  const role = region.iam.createRole({
    name: 'machine',
    assumeRolePolicy: {
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: ['states.amazonaws.com', 'lambda.amazonaws.com'] },
          Action: 'sts:AssumeRole',
        },
      ],
    },
    policies: { all: { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] } },
  });
  const { imageId, snapshotId } = await makeImage(region, 'world');
  const run = await call(region, 'ec2', 'RunInstances', {
    ImageId: imageId,
    InstanceType: 't3.micro',
    MinCount: 1,
    MaxCount: 1,
    TagSpecifications: [{ ResourceType: 'instance', Tags: [{ Key: 'Name', Value: 'world' }] }],
  });
  const instance: string = run.Instances[0].InstanceId;
  await until(async () => {
    const found = await call(region, 'ec2', 'DescribeInstances', { InstanceIds: [instance] });
    return found.Reservations[0].Instances[0].State.Name === 'running';
  });
  await makeStores(region);
  await makeMachines(region, role.arn);
  return new Map([
    ['image', imageId],
    ['snapshot', snapshotId],
    ['instance', instance],
    ['account', region.context.accountId],
    ['region', region.context.regionName],
    ['vpc', network.vpcId],
    ['subnet', network.subnets[0]?.subnetId ?? ''],
    ['otherSubnet', network.subnets[1]?.subnetId ?? ''],
    ['securityGroup', network.securityGroupId],
    ['listener', defaultListener.arn],
    ['loadBalancer', defaultListener.loadBalancer.arn],
    ['loadBalancerName', defaultListener.loadBalancer.name],
    ['loadBalancerFullName', defaultListener.loadBalancer.fullName],
    ['role', role.arn],
  ]);
}

/** Two buckets and a table. */
async function makeStores(region: Region): Promise<void> {
  await call(region, 's3', 'CreateBucket', { Bucket: 'world-plain' });
  await call(region, 's3', 'CreateBucket', { Bucket: 'world-versioned' });
  await call(region, 's3', 'PutBucketVersioning', {
    Bucket: 'world-versioned',
    VersioningConfiguration: { Status: 'Enabled' },
  });
  const keys = (hash: string, range: string) => [
    { AttributeName: hash, KeyType: 'HASH' },
    { AttributeName: range, KeyType: 'RANGE' },
  ];
  await call(region, 'dynamodb', 'CreateTable', {
    TableName: 'world',
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: ['pk', 'sk', 'listPk', 'listSk'].map((AttributeName) => ({
      AttributeName,
      AttributeType: 'S',
    })),
    KeySchema: keys('pk', 'sk'),
    GlobalSecondaryIndexes: [
      { IndexName: 'byList', KeySchema: keys('listPk', 'listSk'), Projection: { ProjectionType: 'ALL' } },
    ],
  });
  await until(async () => {
    const { Table } = await call(region, 'dynamodb', 'DescribeTable', { TableName: 'world' });
    return Table.TableStatus === 'ACTIVE';
  });
}

/** A function that echoes or fails, and machines that pass, fail, wait, or wait for a task's token. */
async function makeMachines(region: Region, roleArn: string): Promise<void> {
  await createFunction(
    region,
    'world',
    `export const handler = async (event) => {
      if (event.fail) throw Object.assign(new Error('there is none'), { name: event.fail });
      return event;
    };`,
  );
  const ask = {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
    Arguments: { FunctionName: 'world', Payload: { token: '{% $states.context.Task.Token %}' } },
    End: true,
  };
  const machines: Readonly<Record<string, object>> = {
    passes: { Type: 'Succeed' },
    fails: { Type: 'Fail', Error: 'NoKernel', Cause: 'there is none' },
    waits: { Type: 'Wait', Seconds: 3600, End: true },
    asks: ask,
  };
  const create = (name: string, state: object, more: object = {}): Promise<unknown> =>
    call(region, 'states', 'CreateStateMachine', {
      name,
      roleArn,
      definition: JSON.stringify({
        QueryLanguage: 'JSONata',
        StartAt: 'Only',
        States: { Only: state },
        ...more,
      }),
    });
  for (const [name, state] of Object.entries(machines)) await create(name, state);
  await create('late', { Type: 'Wait', Seconds: 3600, End: true }, { TimeoutSeconds: 1 });
}
