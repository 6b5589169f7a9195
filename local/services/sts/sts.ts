/** Security Token Service: who am I, and sessions of roles. */
import type {
  AssumeRoleRequest,
  AssumeRoleResponse,
  GetCallerIdentityRequest,
  GetCallerIdentityResponse,
} from '@aws-sdk/client-sts';
import type { Context } from '../../context.ts';
import { denied } from '../../dispatch.ts';
import type { Iam } from '../../iam/iam.ts';
import { AwsError, type Operation, type Service } from '../../service.ts';

export function createSts(context: Context, iam: Iam): { service: Service } {
  const getCallerIdentity: Operation<GetCallerIdentityRequest, GetCallerIdentityResponse> = {
    // No permission is needed: https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
    access: () => [],
    run: (_input, call) => ({
      Account: context.accountId,
      Arn: call.principal.arn,
      UserId: call.principal.userId,
    }),
  };

  /** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
  const assumeRole: Operation<AssumeRoleRequest, AssumeRoleResponse> = {
    // What the trust policy says decides which rights are asked: below.
    access: () => [],
    run: (input, call) => {
      const { RoleArn: roleArn, RoleSessionName: name } = input;
      if (!roleArn || !name || !/^[\w+=,.@-]{2,64}$/.test(name))
        throw new AwsError(
          'ValidationError',
          'RoleArn and a RoleSessionName of 2 to 64 characters are required.',
        );
      const unsupported = Object.keys(input).find(
        (key) => !['RoleArn', 'RoleSessionName', 'DurationSeconds'].includes(key),
      );
      if (unsupported !== undefined)
        throw new AwsError(
          'ValidationError',
          `The local region does not support ${unsupported} in AssumeRole.`,
        );
      const seconds = input.DurationSeconds ?? 3600;
      if (seconds < 900 || seconds > 3600)
        throw new AwsError('ValidationError', 'DurationSeconds must be from 900 to 3600 for this role.');
      const refused = denied(
        'sts',
        `User: ${call.principal.arn} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`,
      );
      // A role that does not exist is told apart from one that does not trust by nobody.
      let trusted = false;
      try {
        trusted = iam.trusts(roleArn, call.principal);
      } catch {
        throw refused;
      }
      if (!trusted && call.principal.kind !== 'root') throw refused;
      // A trust policy that names the caller grants by itself, one that names the account leaves it to the caller's
      // own policies: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
      const words = iam.refusal(call.principal, { action: 'sts:AssumeRole', resources: [roleArn] });
      const named = trusted && iam.trustsByName(roleArn, call.principal);
      if (words !== undefined && (!named || words.includes('explicit deny'))) throw denied('sts', words);
      const session = iam.sessionFor(roleArn, name, seconds);
      const principal = iam.rolePrincipal(roleArn, name);
      return {
        Credentials: {
          AccessKeyId: session.accessKeyId,
          SecretAccessKey: session.secretAccessKey,
          SessionToken: session.sessionToken,
          Expiration: session.expiration,
        },
        AssumedRoleUser: { Arn: principal.arn, AssumedRoleId: principal.userId },
      };
    },
  };

  return {
    service: { id: 'sts', operations: { GetCallerIdentity: getCallerIdentity, AssumeRole: assumeRole } },
  };
}
