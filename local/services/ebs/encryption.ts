/**
 * Whether a new snapshot is encrypted: from what its caller says, its parent, and whether the account encrypts by
 * default. https://docs.aws.amazon.com/ebs/latest/userguide/ebsapis-using-encryption.html
 */
export interface EncryptionWish {
  readonly encrypted: boolean | undefined;
  readonly kmsKeyArn: string | undefined;
  /** `none` where no parent is named. */
  readonly parent: 'none' | 'plain' | 'encrypted';
  readonly byDefault: boolean;
}

export type EncryptionOutcome =
  | { readonly kind: 'plain' }
  /** With the parent's key, the account's default key, or the one that was named. */
  | { readonly kind: 'encrypted'; readonly key: 'of the parent' | 'default' | 'named' }
  /** ValidationException. */
  | { readonly kind: 'refused'; readonly why: string };

export function encryptionOutcome(wish: EncryptionWish): EncryptionOutcome {
  const { encrypted, kmsKeyArn, parent, byDefault } = wish;
  if (parent !== 'none') {
    if (encrypted !== undefined || kmsKeyArn !== undefined)
      return {
        kind: 'refused',
        why: 'Encrypted and KmsKeyArn must not be given together with ParentSnapshotId',
      };
    if (parent === 'encrypted') return { kind: 'encrypted', key: 'of the parent' };
    return byDefault
      ? { kind: 'refused', why: 'The parent snapshot is not encrypted, and encryption by default is enabled' }
      : { kind: 'plain' };
  }
  if (encrypted === true) return { kind: 'encrypted', key: kmsKeyArn === undefined ? 'default' : 'named' };
  if (kmsKeyArn !== undefined) return { kind: 'refused', why: 'KmsKeyArn needs Encrypted to be true' };
  if (!byDefault) return { kind: 'plain' };
  return encrypted === undefined
    ? { kind: 'encrypted', key: 'default' }
    : { kind: 'refused', why: 'Encryption by default is enabled: no snapshot can be unencrypted' };
}
