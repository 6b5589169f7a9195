import type {
  AddPermissionRequest,
  AddPermissionResponse,
  GetPolicyRequest,
  GetPolicyResponse,
  RemovePermissionRequest,
} from '@aws-sdk/client-lambda';
import { AwsError, type PolicyStatement } from '../../service.ts';
import { onlySupported } from '../supported.ts';

/** A function's resource policy: which services may invoke it, and on behalf of what. */
export class ResourcePolicy {
  #statements = new Map<string, PolicyStatement>();

  /** https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html */
  add(functionArn: string, input: AddPermissionRequest): AddPermissionResponse {
    onlySupported('AddPermission', input, [
      'FunctionName',
      'StatementId',
      'Action',
      'Principal',
      'SourceArn',
      'SourceAccount',
    ]);
    const { StatementId, Action, Principal } = input;
    if (!StatementId || !Action || !Principal) {
      throw new AwsError('ValidationException', 'StatementId, Action and Principal are required.');
    }
    if (this.#statements.has(StatementId)) {
      throw new AwsError(
        'ResourceConflictException',
        `The statement id (${StatementId}) provided already exists. Please provide a new statement id, or remove the existing statement.`,
        409,
      );
    }
    const condition = {
      ...(input.SourceAccount && { StringEquals: { 'AWS:SourceAccount': input.SourceAccount } }),
      ...(input.SourceArn && { ArnLike: { 'AWS:SourceArn': input.SourceArn } }),
    };
    const statement: PolicyStatement = {
      Sid: StatementId,
      Effect: 'Allow',
      Principal: Principal.endsWith('.amazonaws.com') ? { Service: Principal } : { AWS: Principal },
      Action,
      Resource: functionArn,
      ...(Object.keys(condition).length > 0 && { Condition: condition }),
    };
    this.#statements.set(StatementId, statement);
    return { Statement: JSON.stringify(statement) };
  }

  remove(input: RemovePermissionRequest): void {
    if (!this.#statements.delete(input.StatementId ?? '')) {
      throw new AwsError(
        'ResourceNotFoundException',
        `Statement ${input.StatementId} is not found in resource policy.`,
        404,
      );
    }
  }

  get(_input: GetPolicyRequest): GetPolicyResponse {
    if (this.#statements.size === 0) {
      throw new AwsError('ResourceNotFoundException', 'The resource you requested does not exist.', 404);
    }
    return {
      Policy: JSON.stringify({
        Version: '2012-10-17',
        Id: 'default',
        Statement: [...this.#statements.values()],
      }),
    };
  }

  /** Whether a service may invoke on behalf of a resource. */
  allows(service: string, sourceArn: string, account: string): boolean {
    return [...this.#statements.values()].some((statement) => {
      const principal = statement.Principal;
      if (typeof principal !== 'object' || principal.Service !== service) return false;
      if (!['lambda:InvokeFunction', 'lambda:*'].includes(String(statement.Action))) return false;
      const wantedAccount = statement.Condition?.StringEquals?.['AWS:SourceAccount'];
      const wantedArn = statement.Condition?.ArnLike?.['AWS:SourceArn'];
      if (wantedAccount !== undefined && wantedAccount !== account) return false;
      return wantedArn === undefined || arnLike(String(wantedArn), sourceArn);
    });
  }
}

/**
 * Part by part, with * and ? inside a part; the last part may hold colons.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
export function arnLike(pattern: string, arn: string): boolean {
  const split = (text: string): string[] => {
    const parts = text.split(':');
    return [...parts.slice(0, 5), parts.slice(5).join(':')];
  };
  const wanted = split(pattern);
  return split(arn).every((part, index) => {
    const source = (wanted[index] ?? '').replace(/[.+^${}()|[\]\\]/g, '\\$&');
    return new RegExp(`^${source.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's').test(part);
  });
}
