/**
 * What S3 tells functions when objects come and go.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 */
import type {
  GetBucketNotificationConfigurationRequest,
  LambdaFunctionConfiguration,
  NotificationConfiguration,
  PutBucketNotificationConfigurationRequest,
} from '@aws-sdk/client-s3';
import type { Context } from '../../context.ts';
import { AwsError, type Call, type Operation } from '../../service.ts';
import { Agenda } from '../../state/agenda.ts';
import { onBucket } from './rights.ts';
import { type Bucket, type Buckets, bucketNamed, type Version } from './state.ts';

export type EventName =
  | 'ObjectCreated:Put'
  | 'ObjectCreated:Copy'
  | 'ObjectCreated:CompleteMultipartUpload'
  | 'ObjectRemoved:Delete'
  | 'ObjectRemoved:DeleteMarkerCreated';

const families: readonly EventName[] = [
  'ObjectCreated:Put',
  'ObjectCreated:Copy',
  'ObjectCreated:CompleteMultipartUpload',
  'ObjectRemoved:Delete',
  'ObjectRemoved:DeleteMarkerCreated',
];

export type Notify = (name: EventName, bucket: Bucket, version: Version, call: Call) => void;

/** Notifications go out some time after the write: S3 says seconds; a tenth of one is kinder to who waits. */
const delayMs = 20;
const jitterMs = 80;

export function createNotifications(context: Context, buckets: Buckets) {
  const { clock, random, hooks } = context;
  let sequence = 0;
  const agenda = new Agenda<{ functionArn: string; record: object; bucketArn: string }>(
    clock,
    ({ functionArn, record, bucketArn }) =>
      hooks.invokeAsync(functionArn, { Records: [record] }, 's3.amazonaws.com', bucketArn),
  );

  const notify: Notify = (name, bucket, version, call) => {
    for (const configuration of bucket.notifications) {
      if (!wants(configuration, name, version.key)) continue;
      const record = recordOf(name, bucket, version, call, configuration.Id ?? '');
      const { LambdaFunctionArn: functionArn = '' } = configuration;
      agenda.add(delayMs + random.integer(jitterMs), { functionArn, record, bucketArn: bucket.arn });
    }
  };

  function recordOf(name: EventName, bucket: Bucket, version: Version, call: Call, configurationId: string) {
    const now = clock.now();
    // Sequencers of one key compare as text, later ones greater.
    sequence += 1;
    const sequencer = (
      now.toString(16).padStart(12, '0') + sequence.toString(16).padStart(8, '0')
    ).toUpperCase();
    const created = name.startsWith('ObjectCreated');
    return {
      eventVersion: '2.1',
      eventSource: 'aws:s3',
      awsRegion: context.regionName,
      eventTime: new Date(now).toISOString(),
      eventName: name,
      userIdentity: { principalId: `AWS:${call.principal.userId}` },
      requestParameters: { sourceIPAddress: call.sourceIp },
      responseElements: { 'x-amz-request-id': call.requestId, 'x-amz-id-2': call.requestId },
      s3: {
        s3SchemaVersion: '1.0',
        configurationId,
        bucket: { name: bucket.name, ownerIdentity: { principalId: context.accountId }, arn: bucket.arn },
        object: {
          // Like a form: spaces are plus signs.
          key: encodeURIComponent(version.key).replaceAll('%20', '+').replaceAll('%2F', '/'),
          ...(created ? { size: version.sizeBytes, eTag: version.etag.replaceAll('"', '') } : {}),
          ...(version.versionId === 'null' ? {} : { versionId: version.versionId }),
          sequencer,
        },
      },
    };
  }

  const put: Operation<PutBucketNotificationConfigurationRequest, void> = {
    access: onBucket('PutBucketNotification'),
    run: (input) => {
      const bucket = bucketNamed(buckets, input.Bucket);
      const configuration = input.NotificationConfiguration ?? {};
      for (const name of ['TopicConfigurations', 'QueueConfigurations', 'EventBridgeConfiguration'] as const)
        if (configuration[name] !== undefined)
          throw new AwsError('NotImplemented', `The local region does not support ${name}.`, 501);
      bucket.notifications = (configuration.LambdaFunctionConfigurations ?? []).map((one) =>
        checked({ ...one, Id: one.Id ?? random.uuid() }),
      );
    },
  };

  const get: Operation<GetBucketNotificationConfigurationRequest, NotificationConfiguration> = {
    access: onBucket('GetBucketNotification'),
    run: (input) => {
      const { notifications } = bucketNamed(buckets, input.Bucket);
      return notifications.length === 0 ? {} : { LambdaFunctionConfigurations: [...notifications] };
    },
  };

  return {
    notify,
    collection: agenda.collection('notifications'),
    resume: () => agenda.resume(),
    operations: { PutBucketNotificationConfiguration: put, GetBucketNotificationConfiguration: get },
  };
}

function checked(configuration: LambdaFunctionConfiguration): LambdaFunctionConfiguration {
  if (!configuration.LambdaFunctionArn?.startsWith('arn:aws:lambda:'))
    throw new AwsError('InvalidArgument', 'The ARN could not be parsed');
  for (const event of configuration.Events ?? []) {
    const known = families.some((name) => covers(event, name));
    if (!known)
      throw new AwsError('NotImplemented', `The local region does not send the event ${event}.`, 501);
  }
  for (const { Name: name } of configuration.Filter?.Key?.FilterRules ?? [])
    if (!['prefix', 'suffix'].includes(String(name).toLowerCase()))
      throw new AwsError('InvalidArgument', 'filter rule name must be either prefix or suffix');
  return configuration;
}

function covers(event: string, name: EventName): boolean {
  return event === `s3:${name}` || event === `s3:${name.slice(0, name.indexOf(':'))}:*`;
}

function wants(configuration: LambdaFunctionConfiguration, name: EventName, key: string): boolean {
  if (!(configuration.Events ?? []).some((event) => covers(event, name))) return false;
  return (configuration.Filter?.Key?.FilterRules ?? []).every(({ Name, Value = '' }) =>
    String(Name).toLowerCase() === 'prefix' ? key.startsWith(Value) : key.endsWith(Value),
  );
}
