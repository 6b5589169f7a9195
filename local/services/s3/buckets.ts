/** Buckets and what is set on them. */
import type {
  CreateBucketOutput,
  CreateBucketRequest,
  DeleteBucketRequest,
  GetBucketLocationOutput,
  GetBucketPolicyOutput,
  GetBucketVersioningOutput,
  HeadBucketOutput,
  ListBucketsOutput,
  ListBucketsRequest,
  PutBucketEncryptionRequest,
  PutBucketLifecycleConfigurationRequest,
  PutBucketOwnershipControlsRequest,
  PutBucketPolicyRequest,
  PutBucketTaggingRequest,
  PutBucketVersioningRequest,
  PutPublicAccessBlockRequest,
} from '@aws-sdk/client-s3';
import type { Context } from '../../context.ts';
import { parsePolicy } from '../../iam/policy.ts';
import { AwsError, type Operation, type PolicyDocument } from '../../service.ts';
import { makeToken, readToken } from './pages.ts';
import { bucketArn, onBucket, refuse } from './rights.ts';
import { type Bucket, type Buckets, bucketNamed } from './state.ts';

type Named = { Bucket: string | undefined };

/** New buckets are closed to the public: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html */
const closed = {
  BlockPublicAcls: true,
  IgnorePublicAcls: true,
  BlockPublicPolicy: true,
  RestrictPublicBuckets: true,
};

export function createBuckets(context: Context, buckets: Buckets) {
  /** An operation that reads or changes one thing of a bucket. */
  function setting<Input extends Named, Output>(
    action: string,
    run: (bucket: Bucket, input: Input) => Output,
  ): Operation<Input, Output> {
    return {
      access: onBucket(action),
      run: (input) => run(bucketNamed(buckets, input.Bucket), input),
    };
  }

  const create: Operation<CreateBucketRequest, CreateBucketOutput> = {
    access: onBucket('CreateBucket'),
    run: (input) => {
      refuse(input, ['ObjectLockEnabledForBucket', 'GrantFullControl', 'GrantRead', 'GrantWrite']);
      const name = input.Bucket ?? '';
      // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
      if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) || name.includes('..') || /^[\d.]+$/.test(name))
        throw new AwsError('InvalidBucketName', 'The specified bucket is not valid.', 400, {
          BucketName: name,
        });
      const place = input.CreateBucketConfiguration?.LocationConstraint;
      if (place !== undefined && place !== context.regionName)
        throw new AwsError(
          'InvalidLocationConstraint',
          `The local region is ${context.regionName}, not ${place}.`,
        );
      if (buckets.has(name)) {
        // In us-east-1, repeating it succeeds: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
        if (context.regionName === 'us-east-1') return { Location: `/${name}` };
        throw new AwsError(
          'BucketAlreadyOwnedByYou',
          'Your previous request to create the named bucket succeeded and you already own it.',
          409,
        );
      }
      buckets.set(name, {
        name,
        arn: bucketArn(name),
        createdAt: new Date(context.clock.now()),
        versioning: undefined,
        keys: new Map(),
        sortedKeys: undefined,
        uploads: new Map(),
        notifications: [],
        policy: undefined,
        publicAccessBlock: closed,
        encryption: { Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }] },
        lifecycle: undefined,
        ownership: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
        tags: [],
      });
      return { Location: `/${name}` };
    },
  };

  // https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
  const list: Operation<ListBucketsRequest, ListBucketsOutput> = {
    access: () => [{ action: 's3:ListAllMyBuckets', resources: ['*'] }],
    run: ({ Prefix: prefix, BucketRegion: place, ContinuationToken: token, MaxBuckets: limit = 10_000 }) => {
      if (place !== undefined && place !== context.regionName)
        throw new AwsError('InvalidArgument', `The local region is ${context.regionName}, not ${place}.`);
      const after = token === undefined ? '' : readToken(token);
      const rest = [...buckets.values()]
        .filter(({ name }) => name.startsWith(prefix ?? '') && name > after)
        .sort((a, b) => (a.name < b.name ? -1 : 1));
      const page = rest.slice(0, limit);
      return {
        Buckets: page.map((bucket) => ({
          Name: bucket.name,
          CreationDate: bucket.createdAt,
          BucketRegion: context.regionName,
        })),
        Owner: { ID: context.accountId },
        ...(prefix === undefined ? {} : { Prefix: prefix }),
        ...(rest.length > page.length ? { ContinuationToken: makeToken(page.at(-1)?.name ?? '') } : {}),
      };
    },
  };

  const absent = (code: string, message: string): AwsError => new AwsError(code, message, 404);

  return {
    CreateBucket: create,
    ListBuckets: list,
    HeadBucket: setting<Named, HeadBucketOutput>('ListBucket', () => ({ BucketRegion: context.regionName })),
    DeleteBucket: setting<DeleteBucketRequest, void>('DeleteBucket', (bucket) => {
      if (bucket.keys.size > 0)
        throw new AwsError('BucketNotEmpty', 'The bucket you tried to delete is not empty', 409);
      buckets.delete(bucket.name);
    }),
    GetBucketLocation: setting<Named, GetBucketLocationOutput>('GetBucketLocation', () =>
      // us-east-1 is the absence of a constraint.
      context.regionName === 'us-east-1' ? {} : { LocationConstraint: context.regionName as 'us-west-2' },
    ),
    PutBucketVersioning: setting<PutBucketVersioningRequest, void>('PutBucketVersioning', (bucket, input) => {
      refuse(input, ['MFA']);
      const { Status: status, MFADelete: mfa } = input.VersioningConfiguration ?? {};
      if (mfa === 'Enabled')
        throw new AwsError('NotImplemented', 'The local region does not support MFADelete.', 501);
      if (status !== 'Enabled' && status !== 'Suspended')
        throw new AwsError('MalformedXML', 'The versioning status is Enabled or Suspended.');
      bucket.versioning = status;
    }),
    GetBucketVersioning: setting<Named, GetBucketVersioningOutput>('GetBucketVersioning', (bucket) =>
      bucket.versioning === undefined ? {} : { Status: bucket.versioning },
    ),
    PutBucketPolicy: setting<PutBucketPolicyRequest, void>('PutBucketPolicy', (bucket, input) => {
      let document: PolicyDocument;
      try {
        document = parsePolicy(input.Policy ?? '', 'resource');
      } catch (error) {
        throw new AwsError('MalformedPolicy', (error as Error).message);
      }
      const strange = document.Statement.flatMap((statement) => statement.Resource ?? []).find(
        (resource) => resource !== bucket.arn && !resource.startsWith(`${bucket.arn}/`),
      );
      if (strange !== undefined) throw new AwsError('MalformedPolicy', 'Policy has invalid resource');
      if (bucket.publicAccessBlock?.BlockPublicPolicy === true && isPublic(document))
        throw new AwsError(
          'AccessDenied',
          'Public policies are blocked by the BlockPublicPolicy setting of the bucket.',
          403,
        );
      bucket.policy = { text: input.Policy ?? '', document };
    }),
    GetBucketPolicy: setting<Named, GetBucketPolicyOutput>('GetBucketPolicy', (bucket) => {
      if (bucket.policy === undefined) throw absent('NoSuchBucketPolicy', 'The bucket policy does not exist');
      return { Policy: bucket.policy.text };
    }),
    DeleteBucketPolicy: setting<Named, void>('DeleteBucketPolicy', (bucket) => {
      bucket.policy = undefined;
    }),
    PutPublicAccessBlock: setting<PutPublicAccessBlockRequest, void>(
      'PutBucketPublicAccessBlock',
      (bucket, input) => {
        bucket.publicAccessBlock = input.PublicAccessBlockConfiguration;
      },
    ),
    GetPublicAccessBlock: setting('GetBucketPublicAccessBlock', (bucket) => {
      if (bucket.publicAccessBlock === undefined)
        throw absent(
          'NoSuchPublicAccessBlockConfiguration',
          'The public access block configuration was not found',
        );
      return { PublicAccessBlockConfiguration: bucket.publicAccessBlock };
    }),
    DeletePublicAccessBlock: setting<Named, void>('PutBucketPublicAccessBlock', (bucket) => {
      bucket.publicAccessBlock = undefined;
    }),
    PutBucketEncryption: setting<PutBucketEncryptionRequest, void>(
      'PutEncryptionConfiguration',
      (bucket, input) => {
        const rules = input.ServerSideEncryptionConfiguration?.Rules ?? [];
        const other = rules.find(
          (rule) => rule.ApplyServerSideEncryptionByDefault?.SSEAlgorithm !== 'AES256',
        );
        if (other !== undefined)
          throw new AwsError('NotImplemented', 'The local region knows the encryption AES256 only.', 501);
        bucket.encryption = input.ServerSideEncryptionConfiguration;
      },
    ),
    GetBucketEncryption: setting('GetEncryptionConfiguration', (bucket) => ({
      ServerSideEncryptionConfiguration: bucket.encryption,
    })),
    /** Kept and shown; the region's objects do not expire by themselves (docs/local-region.md). */
    PutBucketLifecycleConfiguration: setting<PutBucketLifecycleConfigurationRequest, object>(
      'PutLifecycleConfiguration',
      (bucket, input) => {
        bucket.lifecycle = input.LifecycleConfiguration;
        return {};
      },
    ),
    GetBucketLifecycleConfiguration: setting('GetLifecycleConfiguration', (bucket) => {
      if (bucket.lifecycle === undefined)
        throw absent('NoSuchLifecycleConfiguration', 'The lifecycle configuration does not exist');
      return { Rules: bucket.lifecycle.Rules };
    }),
    DeleteBucketLifecycle: setting<Named, void>('PutLifecycleConfiguration', (bucket) => {
      bucket.lifecycle = undefined;
    }),
    PutBucketOwnershipControls: setting<PutBucketOwnershipControlsRequest, void>(
      'PutBucketOwnershipControls',
      (bucket, input) => {
        bucket.ownership = input.OwnershipControls;
      },
    ),
    GetBucketOwnershipControls: setting('GetBucketOwnershipControls', (bucket) => ({
      OwnershipControls: bucket.ownership,
    })),
    PutBucketTagging: setting<PutBucketTaggingRequest, void>('PutBucketTagging', (bucket, input) => {
      bucket.tags = input.Tagging?.TagSet ?? [];
    }),
    GetBucketTagging: setting('GetBucketTagging', (bucket) => {
      if (bucket.tags.length === 0) throw absent('NoSuchTagSet', 'The TagSet does not exist');
      return { TagSet: bucket.tags };
    }),
  };
}

/** Whether a policy opens the bucket to anyone: an allowance for everybody, without a condition. */
function isPublic(document: PolicyDocument): boolean {
  return document.Statement.some((statement) => {
    if (statement.Effect !== 'Allow' || statement.Condition !== undefined) return false;
    const principal = statement.Principal;
    return principal === '*' || (typeof principal === 'object' && [principal.AWS].flat().includes('*'));
  });
}
