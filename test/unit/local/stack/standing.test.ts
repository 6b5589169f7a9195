/** A stack that stands already: adopted, changed in place, or refused before anything is touched. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { VirtualClock } from '../../../../local/clock.ts';
import { createRegion, type Region } from '../../../../local/region.ts';
import { deployStack } from '../../../../local/stack/deploy.ts';

let region: Region;

beforeEach(async () => {
  region = await createRegion({ clock: new VirtualClock() });
});

afterEach(() => region.close());

const trust = {
  Statement: [{ Effect: 'Allow', Principal: { Service: 'states.amazonaws.com' }, Action: 'sts:AssumeRole' }],
};

function template({ action = 's3:GetObject', more = {} }: { action?: string; more?: object } = {}) {
  return {
    Resources: {
      Role: {
        Type: 'AWS::IAM::Role',
        Properties: {
          AssumeRolePolicyDocument: trust,
          Policies: [
            {
              PolicyName: 'own',
              PolicyDocument: { Statement: [{ Effect: 'Allow', Action: action, Resource: '*' }] },
            },
          ],
        },
      },
      ...more,
    },
    Outputs: { Role: { Value: { Ref: 'Role' } } },
  };
}

const bucket = (properties: object = {}) => ({
  Type: 'AWS::S3::Bucket',
  DeletionPolicy: 'Retain',
  Properties: { BucketName: 'kept', ...properties },
});
const alarm = {
  Type: 'AWS::CloudWatch::Alarm',
  Properties: {
    AlarmName: 'loud',
    Namespace: 'N',
    MetricName: 'm',
    Statistic: 'Sum',
    Period: 60,
    EvaluationPeriods: 1,
    Threshold: 1,
    ComparisonOperator: 'GreaterThanThreshold',
  },
};

const deploy = (of: object) =>
  deployStack(region, { template: of, artifactsDir: '/nonexistent', stackName: 's', parameters: {} });

it('is adopted where nothing changed', async () => {
  const first = await deploy(template({ more: { Bucket: bucket() } }));
  const second = await deploy(template({ more: { Bucket: bucket() } }));
  expect(second).toEqual(first);
  expect(region.iam.look().roles).toHaveLength(1);
});

it('is changed in place, and keeps its names', async () => {
  const first = await deploy(template());
  const second = await deploy(template({ action: 's3:PutObject' }));
  expect(second.outputs).toEqual(first.outputs);
  expect(region.iam.roleNamed(String(first.outputs.Role)).policies[0]?.Statement[0]?.Action).toBe(
    's3:PutObject',
  );
});

it.each(['Retain', 'RetainExceptOnCreate'])('loses what left the template, but for %s', async (policy) => {
  await deploy(template({ more: { Bucket: { ...bucket(), DeletionPolicy: policy }, Alarm: alarm } }));
  await deploy(template());
  expect(region.parts.cloudwatch.alarms.all()).toEqual([]);
  await expect(region.call('s3', 'HeadBucket', { Bucket: 'kept' })).resolves.toBeDefined();
});

it('is left alone where something cannot be changed in place, which is named', async () => {
  await deploy(template({ more: { Bucket: bucket() } }));
  const changed = template({
    action: 's3:PutObject',
    more: { Bucket: bucket({ VersioningConfiguration: { Status: 'Enabled' } }) },
  });
  await expect(deploy(changed)).rejects.toThrow(
    /Bucket: the local region cannot change AWS::S3::Bucket in place/,
  );
  const [role = ''] = region.iam.look().roles;
  expect(region.iam.roleOf(role).policies[0]?.Statement[0]?.Action).toBe('s3:GetObject');
});
