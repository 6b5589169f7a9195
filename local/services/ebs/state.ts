import type { Context } from '../../context.ts';
import type { Access } from '../../service.ts';
import { AwsError } from '../../service.ts';
import type { TagStore } from '../ec2/tag-store.ts';
import type { Quota } from '../servicequotas/quota.ts';
import type { SnapshotRecord, Snapshots } from './snapshots.ts';

/** A setting of the account, which EC2 has the operations for. */
export interface Encryption {
  byDefault: boolean;
  /** The account's own key for EBS, `aws/ebs`. */
  readonly defaultKeyArn: string;
}

/** What the operations of this service share. */
export interface EbsState {
  readonly context: Context;
  readonly snapshots: Snapshots;
  readonly tags: TagStore;
  readonly quotas: { readonly snapshots: Quota };
  readonly encryption: Encryption;
  snapshot(snapshotId: string | undefined): SnapshotRecord;
  access(action: string, snapshotId: string | undefined): readonly Access[];
}

/** Snapshot ARNs carry no account id. https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticblockstore.html */
export function snapshotArn(context: Context, snapshotId: string): string {
  return `arn:aws:ec2:${context.regionName}::snapshot/${snapshotId}`;
}

export function throttled(): AwsError {
  return new AwsError('RequestThrottledException', 'The request was throttled. Try again later.', 400, {
    Reason: 'ACCOUNT_THROTTLED',
  });
}

export function invalid(message: string, reason = 'INVALID_PARAMETER_VALUE'): AwsError {
  return new AwsError('ValidationException', message, 400, { Reason: reason });
}
