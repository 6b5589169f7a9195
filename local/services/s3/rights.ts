/** Which rights S3's operations need, and which of its parameters the region refuses. */
import { type Access, AwsError, type Call } from '../../service.ts';

export const bucketArn = (bucket: string | undefined): string => `arn:aws:s3:::${bucket ?? ''}`;

export function onBucket(action: string) {
  return (input: { Bucket?: string | undefined }): readonly Access[] => [
    { action: `s3:${action}`, resources: [bucketArn(input.Bucket)] },
  ];
}

export function onObject(action: string) {
  return (input: { Bucket?: string | undefined; Key?: string | undefined }): readonly Access[] => [
    { action: `s3:${action}`, resources: [`${bucketArn(input.Bucket)}/${input.Key ?? ''}`] },
  ];
}

/** The action is another one when a version is named. */
export function onVersion(action: string, versionAction: string) {
  return (input: {
    Bucket?: string | undefined;
    Key?: string | undefined;
    VersionId?: string | undefined;
  }): readonly Access[] => onObject(input.VersionId === undefined ? action : versionAction)(input);
}

/** Whether the caller may see which keys exist; without it S3 says AccessDenied for a missing key. */
export function mayList(call: Call, bucket: string): boolean {
  try {
    call.authorize({ action: 's3:ListBucket', resources: [bucketArn(bucket)] });
    return true;
  } catch {
    return false;
  }
}

/** Refuses parameters that would change behaviour and that the region does not act on. */
export function refuse(input: object, names: readonly string[]): void {
  const found = names.find((name) => (input as Readonly<Record<string, unknown>>)[name] !== undefined);
  if (found !== undefined)
    throw new AwsError('NotImplemented', `The local region does not support ${found}.`, 501);
}

/** What no upload may ask for. */
const unsupportedUploads = [
  'GrantFullControl',
  'GrantRead',
  'GrantReadACP',
  'GrantWriteACP',
  'WriteOffsetBytes',
  'WebsiteRedirectLocation',
  'SSECustomerAlgorithm',
  'SSECustomerKey',
  'SSEKMSKeyId',
  'SSEKMSEncryptionContext',
  'ObjectLockMode',
  'ObjectLockRetainUntilDate',
  'ObjectLockLegalHoldStatus',
  'ObjectLockEventHold',
  'ObjectLockEventHoldDurationDays',
  'ObjectLockEventHoldDurationYears',
];

/** Checks what an upload says of access, encryption and storage class. */
export function checkUpload(input: {
  ACL?: string | undefined;
  ServerSideEncryption?: string | undefined;
  StorageClass?: string | undefined;
  Key?: string | undefined;
}): void {
  refuse(input, unsupportedUploads);
  if (input.ACL !== undefined && !['private', 'bucket-owner-full-control'].includes(input.ACL))
    throw new AwsError('AccessControlListNotSupported', 'The bucket does not allow ACLs', 400);
  if (input.ServerSideEncryption !== undefined && input.ServerSideEncryption !== 'AES256')
    throw new AwsError(
      'NotImplemented',
      `The local region does not support ${input.ServerSideEncryption}.`,
      501,
    );
  if (input.StorageClass !== undefined && input.StorageClass !== 'STANDARD')
    throw new AwsError('NotImplemented', `The local region has no storage class ${input.StorageClass}.`, 501);
  if (Buffer.byteLength(input.Key ?? '') > 1024)
    throw new AwsError('KeyTooLongError', 'Your key is too long');
}
