/** Roles, functions, their logs and who may call them. */
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ResourceType } from '../resource.ts';

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
    const path = properties.optionalText('Path');
    const made = making.region.iam.createRole({
      name: properties.optionalText('RoleName') ?? making.uniqueName(64),
      ...(path === undefined ? {} : { path }),
      assumeRolePolicy: properties.object('AssumeRolePolicyDocument'),
      policies: Object.fromEntries(
        properties.objects('Policies').map((policy) => [String(policy.PolicyName), policy.PolicyDocument]),
      ),
      managedPolicyArns: properties.any('ManagedPolicyArns') ?? [],
    });
    return { ref: made.name, attributes: { Arn: made.arn, RoleId: made.roleId } };
  },
};

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
  ],
  async make(properties, making) {
    const FunctionName = properties.optionalText('FunctionName') ?? making.uniqueName(64);
    // The zip is where the package put it; in an account it would be taken from the deployment bucket.
    const zip = join(making.artifactsDir, basename(String(properties.object('Code').S3Key)));
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
      ),
      FunctionName,
      Code: { ZipFile: readFileSync(zip) },
    })) as { FunctionArn: string };
    return { ref: FunctionName, attributes: { Arn: made.FunctionArn } };
  },
};

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
};
