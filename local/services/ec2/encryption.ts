/**
 * Encryption by default of what EBS keeps: a setting of the account in its region.
 * https://docs.aws.amazon.com/ebs/latest/userguide/encryption-by-default.html
 */
import type {
  DisableEbsEncryptionByDefaultRequest,
  DisableEbsEncryptionByDefaultResult,
  EnableEbsEncryptionByDefaultRequest,
  EnableEbsEncryptionByDefaultResult,
  GetEbsDefaultKmsKeyIdRequest,
  GetEbsDefaultKmsKeyIdResult,
  GetEbsEncryptionByDefaultRequest,
  GetEbsEncryptionByDefaultResult,
} from '@aws-sdk/client-ec2';
import type { Operation } from '../../service.ts';
import { onlySupported } from '../supported.ts';
import type { Ec2State } from './state.ts';
import { describeAccess } from './state.ts';

export function encryptionOperations({ encryption }: Ec2State) {
  const EnableEbsEncryptionByDefault: Operation<
    EnableEbsEncryptionByDefaultRequest,
    EnableEbsEncryptionByDefaultResult
  > = {
    access: describeAccess('EnableEbsEncryptionByDefault'),
    run(input) {
      onlySupported('EnableEbsEncryptionByDefault', input, ['DryRun']);
      encryption.byDefault = true;
      return { EbsEncryptionByDefault: true };
    },
  };

  const DisableEbsEncryptionByDefault: Operation<
    DisableEbsEncryptionByDefaultRequest,
    DisableEbsEncryptionByDefaultResult
  > = {
    access: describeAccess('DisableEbsEncryptionByDefault'),
    run(input) {
      onlySupported('DisableEbsEncryptionByDefault', input, ['DryRun']);
      encryption.byDefault = false;
      return { EbsEncryptionByDefault: false };
    },
  };

  const GetEbsEncryptionByDefault: Operation<
    GetEbsEncryptionByDefaultRequest,
    GetEbsEncryptionByDefaultResult
  > = {
    access: describeAccess('GetEbsEncryptionByDefault'),
    run(input) {
      onlySupported('GetEbsEncryptionByDefault', input, ['DryRun']);
      return { EbsEncryptionByDefault: encryption.byDefault };
    },
  };

  const GetEbsDefaultKmsKeyId: Operation<GetEbsDefaultKmsKeyIdRequest, GetEbsDefaultKmsKeyIdResult> = {
    access: describeAccess('GetEbsDefaultKmsKeyId'),
    run(input) {
      onlySupported('GetEbsDefaultKmsKeyId', input, ['DryRun']);
      return { KmsKeyId: 'alias/aws/ebs' };
    },
  };

  return {
    EnableEbsEncryptionByDefault,
    DisableEbsEncryptionByDefault,
    GetEbsEncryptionByDefault,
    GetEbsDefaultKmsKeyId,
  };
}
