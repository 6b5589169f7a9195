/** Roles, functions, their logs and who may call them. */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { RoleInput } from '../../iam/iam.ts';
import type { Making, Properties, ResourceType } from '../resource.ts';

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html */
export const role: ResourceType = {
  properties: [
    'RoleName',
    'Path',
    'Description',
    'AssumeRolePolicyDocument',
    'Policies',
    'ManagedPolicyArns',
  ],
  async make(properties, making) {
    const name = properties.optionalText('RoleName') ?? making.uniqueName(64);
    const made = making.region.iam.createRole(roleInput(name, properties));
    return { ref: made.name, attributes: { Arn: made.arn, RoleId: made.roleId } };
  },
  async update(properties, making, made) {
    making.region.iam.updateRole(roleInput(made.ref, properties));
  },
  async remove(making, made) {
    making.region.iam.deleteRole(made.ref);
  },
};

function roleInput(name: string, properties: Properties): RoleInput {
  const path = properties.optionalText('Path');
  return {
    name,
    ...(path === undefined ? {} : { path }),
    assumeRolePolicy: properties.object('AssumeRolePolicyDocument'),
    policies: Object.fromEntries(
      properties.objects('Policies').map((policy) => [String(policy.PolicyName), policy.PolicyDocument]),
    ),
    managedPolicyArns: properties.any('ManagedPolicyArns') ?? [],
  };
}

export const logGroup: ResourceType = {
  properties: ['LogGroupName', 'RetentionInDays'],
  async make(properties, making) {
    const logGroupName = properties.optionalText('LogGroupName') ?? making.uniqueName(512);
    await making.call('logs', 'CreateLogGroup', { logGroupName });
    if (properties.has('RetentionInDays'))
      await making.call('logs', 'PutRetentionPolicy', {
        logGroupName,
        retentionInDays: properties.any('RetentionInDays'),
      });
    const { regionName, accountId } = making.region.context;
    return {
      ref: logGroupName,
      attributes: { Arn: `arn:aws:logs:${regionName}:${accountId}:log-group:${logGroupName}:*` },
    };
  },
};

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html */
export const lambdaFunction: ResourceType = {
  properties: [
    'FunctionName',
    'Code',
    'Handler',
    'Runtime',
    'Role',
    'Description',
    'MemorySize',
    'Timeout',
    'Architectures',
    'Environment',
    'EphemeralStorage',
    'VpcConfig',
  ],
  async make(properties, making) {
    const FunctionName = properties.optionalText('FunctionName') ?? making.uniqueName(64);
    const made = (await making.call('lambda', 'CreateFunction', {
      ...properties.picked(
        'Handler',
        'Runtime',
        'Role',
        'Description',
        'MemorySize',
        'Timeout',
        'Architectures',
        'Environment',
        'EphemeralStorage',
        'VpcConfig',
      ),
      FunctionName,
      Code: { ZipFile: zipOf(properties, making) },
    })) as { FunctionArn: string };
    return { ref: FunctionName, attributes: { Arn: made.FunctionArn } };
  },
  async update(properties, making, { ref: FunctionName }) {
    const ZipFile = zipOf(properties, making);
    await making.call('lambda', 'UpdateFunctionCode', { FunctionName, ZipFile });
    await making.call('lambda', 'UpdateFunctionConfiguration', {
      FunctionName,
      ...properties.picked('Handler', 'Runtime', 'Role', 'Description', 'MemorySize', 'Timeout'),
      ...properties.picked('Environment', 'EphemeralStorage', 'VpcConfig'),
    });
  },
  async remove(making, { ref: FunctionName }) {
    await making.call('lambda', 'DeleteFunction', { FunctionName });
  },
};

/** The zip is where the package put it; in an account it would be taken from the deployment bucket. */
function zipOf(properties: Properties, making: Making): Uint8Array {
  return readFileSync(join(making.artifactsDir, basename(String(properties.object('Code').S3Key))));
}

export const lambdaPermission: ResourceType = {
  properties: ['FunctionName', 'Action', 'Principal', 'SourceArn', 'SourceAccount'],
  async make(properties, making) {
    const StatementId = making.uniqueName(100);
    await making.call('lambda', 'AddPermission', {
      StatementId,
      ...properties.picked('FunctionName', 'Action', 'Principal', 'SourceArn', 'SourceAccount'),
    });
    return { ref: StatementId, attributes: { Id: StatementId } };
  },
};

export const eventInvokeConfig: ResourceType = {
  properties: ['FunctionName', 'Qualifier', 'MaximumRetryAttempts', 'MaximumEventAgeInSeconds'],
  async make(properties, making) {
    await making.call('lambda', 'PutFunctionEventInvokeConfig', { ...properties.all });
    return { ref: making.uniqueName(64), attributes: {} };
  },
  async update(properties, making) {
    await making.call('lambda', 'PutFunctionEventInvokeConfig', { ...properties.all });
  },
};
