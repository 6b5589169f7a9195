/** Table and buckets. */
import type { ResourceType } from '../resource.ts';
import type { JsonObject } from '../template.ts';

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html */
export const table: ResourceType = {
  properties: [
    'TableName',
    'BillingMode',
    'AttributeDefinitions',
    'KeySchema',
    'GlobalSecondaryIndexes',
    'PointInTimeRecoverySpecification',
    'DeletionProtectionEnabled',
    'SSESpecification',
    'TimeToLiveSpecification',
  ],
  async make(properties, making) {
    const TableName = properties.optionalText('TableName') ?? making.uniqueName(255);
    const { SSEEnabled } = properties.has('SSESpecification') ? properties.object('SSESpecification') : {};
    await making.call('dynamodb', 'CreateTable', {
      TableName,
      ...properties.picked(
        'BillingMode',
        'AttributeDefinitions',
        'KeySchema',
        'GlobalSecondaryIndexes',
        'DeletionProtectionEnabled',
      ),
      ...(SSEEnabled === undefined ? {} : { SSESpecification: { Enabled: SSEEnabled } }),
    });
    for (const [property, operation] of [
      ['PointInTimeRecoverySpecification', 'UpdateContinuousBackups'],
      ['TimeToLiveSpecification', 'UpdateTimeToLive'],
    ] as const)
      if (properties.has(property))
        await making.call('dynamodb', operation, { TableName, ...properties.picked(property) });
    const { regionName, accountId } = making.region.context;
    return {
      ref: TableName,
      attributes: { Arn: `arn:aws:dynamodb:${regionName}:${accountId}:table/${TableName}` },
    };
  },
};

/** CloudFormation's words for a bucket's settings, in S3's own. */
const settings: Readonly<Record<string, { operation: string; input: (value: JsonObject) => object }>> = {
  VersioningConfiguration: {
    operation: 'PutBucketVersioning',
    input: (value) => ({ VersioningConfiguration: value }),
  },
  PublicAccessBlockConfiguration: {
    operation: 'PutPublicAccessBlock',
    input: (value) => ({ PublicAccessBlockConfiguration: value }),
  },
  OwnershipControls: {
    operation: 'PutBucketOwnershipControls',
    input: (value) => ({ OwnershipControls: value }),
  },
  BucketEncryption: {
    operation: 'PutBucketEncryption',
    input: (value) => ({
      ServerSideEncryptionConfiguration: {
        Rules: (value.ServerSideEncryptionConfiguration as JsonObject[]).map(
          ({ ServerSideEncryptionByDefault, ...rule }) => ({
            ...rule,
            ApplyServerSideEncryptionByDefault: ServerSideEncryptionByDefault,
          }),
        ),
      },
    }),
  },
  LifecycleConfiguration: {
    operation: 'PutBucketLifecycleConfiguration',
    input: (value) => ({
      LifecycleConfiguration: {
        Rules: (value.Rules as JsonObject[]).map(({ Id, Prefix, ...rule }) => ({
          ...rule,
          ID: Id,
          Filter: { Prefix: Prefix ?? '' },
        })),
      },
    }),
  },
  NotificationConfiguration: {
    operation: 'PutBucketNotificationConfiguration',
    input: ({ LambdaConfigurations = [], ...rest }) => ({
      NotificationConfiguration: {
        ...rest,
        LambdaFunctionConfigurations: (LambdaConfigurations as JsonObject[]).map(
          ({ Event, Function: LambdaFunctionArn, Filter }) => ({
            LambdaFunctionArn,
            Events: [Event],
            ...(Filter === undefined
              ? {}
              : { Filter: { Key: { FilterRules: ((Filter as JsonObject).S3Key as JsonObject).Rules } } }),
          }),
        ),
      },
    }),
  },
};

/** https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html */
export const bucket: ResourceType = {
  properties: ['BucketName', ...Object.keys(settings)],
  async make(properties, making) {
    const Bucket = properties.optionalText('BucketName') ?? making.uniqueName(63).toLowerCase();
    const { regionName } = making.region.context;
    await making.call('s3', 'CreateBucket', {
      Bucket,
      ...(regionName === 'us-east-1'
        ? {}
        : { CreateBucketConfiguration: { LocationConstraint: regionName } }),
    });
    for (const [property, { operation, input }] of Object.entries(settings))
      if (properties.has(property))
        await making.call('s3', operation, { Bucket, ...input(properties.object(property)) });
    return {
      ref: Bucket,
      attributes: { Arn: `arn:aws:s3:::${Bucket}`, DomainName: `${Bucket}.s3.amazonaws.com` },
    };
  },
};

export const bucketPolicy: ResourceType = {
  properties: ['Bucket', 'PolicyDocument'],
  async make(properties, making) {
    const Bucket = properties.text('Bucket');
    const Policy = JSON.stringify(properties.object('PolicyDocument'));
    await making.call('s3', 'PutBucketPolicy', { Bucket, Policy });
    return { ref: Bucket, attributes: {} };
  },
};
