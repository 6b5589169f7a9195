/** https://docs.aws.amazon.com/ebs/latest/userguide/ebsapis-using-encryption.html, row by row. */
import { expect, it } from 'vitest';
import { encryptionOutcome } from '../../../../local/services/ebs/encryption.ts';

const key = 'arn:aws:kms:us-east-1:000000000000:key/k';
type Row = readonly [
  parent: 'none' | 'plain' | 'encrypted',
  encrypted: boolean | undefined,
  kmsKeyArn: string | undefined,
  enabled: string,
  disabled: string,
];
const rows: readonly Row[] = [
  ['plain', undefined, undefined, 'refused', 'plain'],
  ['plain', undefined, key, 'refused', 'refused'],
  ['plain', true, undefined, 'refused', 'refused'],
  ['plain', true, key, 'refused', 'refused'],
  ['plain', false, undefined, 'refused', 'refused'],
  ['plain', false, key, 'refused', 'refused'],
  ['encrypted', undefined, undefined, 'of the parent', 'of the parent'],
  ['encrypted', undefined, key, 'refused', 'refused'],
  ['encrypted', true, undefined, 'refused', 'refused'],
  ['encrypted', true, key, 'refused', 'refused'],
  ['encrypted', false, undefined, 'refused', 'refused'],
  ['encrypted', false, key, 'refused', 'refused'],
  ['none', undefined, undefined, 'default', 'plain'],
  ['none', undefined, key, 'refused', 'refused'],
  ['none', true, undefined, 'default', 'default'],
  ['none', true, key, 'named', 'named'],
  ['none', false, undefined, 'refused', 'plain'],
  ['none', false, key, 'refused', 'refused'],
];

it.each(rows)('parent %s, Encrypted %s, KmsKeyArn %s', (parent, encrypted, kmsKeyArn, enabled, disabled) => {
  const outcomeOf = (byDefault: boolean) => {
    const outcome = encryptionOutcome({ parent, encrypted, kmsKeyArn, byDefault });
    return outcome.kind === 'encrypted' ? outcome.key : outcome.kind;
  };
  expect([outcomeOf(true), outcomeOf(false)]).toEqual([enabled, disabled]);
});
