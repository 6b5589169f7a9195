import type {
  AddPermissionRequest,
  AddPermissionResponse,
  GetPolicyRequest,
  GetPolicyResponse,
  RemovePermissionRequest,
} from '@aws-sdk/client-lambda';
import { evaluate } from '../../iam/policy.ts';
import { AwsError, type PolicyDocument, type PolicyStatement } from '../../service.ts';
import { onlySupported } from '../supported.ts';

/** A function's resource policy: which services may invoke it, and on behalf of what. */
export class ResourcePolicy {
  readonly #statements: Map<string, PolicyStatement>;
  #document: PolicyDocument | undefined;

  constructor(statements: ReadonlyMap<string, PolicyStatement> = new Map()) {
    this.#statements = new Map(statements);
    this.#changed();
  }

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
    this.#changed();
    return { Statement: JSON.stringify(statement) };
  }

  /** The statements by their ids. */
  get statements(): ReadonlyMap<string, PolicyStatement> {
    return this.#statements;
  }

  remove(input: RemovePermissionRequest): void {
    if (!this.#statements.delete(input.StatementId ?? '')) {
      throw new AwsError(
        'ResourceNotFoundException',
        `Statement ${input.StatementId} is not found in resource policy.`,
        404,
      );
    }
    this.#changed();
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

  /** The policy as IAM judges it; empty while there are no permissions. */
  documents(): readonly PolicyDocument[] {
    return this.#document === undefined ? [] : [this.#document];
  }

  /** Whether a service may invoke on behalf of a resource. */
  allows(functionArn: string, service: string, sourceArn: string, accountId: string): boolean {
    const context = { 'aws:sourcearn': sourceArn, 'aws:sourceaccount': accountId };
    const caller = { arns: [], service, accountId };
    const question = { action: 'lambda:InvokeFunction', resource: functionArn, context, caller };
    return evaluate(this.documents(), question).effect === 'allow';
  }

  #changed(): void {
    const Statement = [...this.#statements.values()];
    this.#document = Statement.length === 0 ? undefined : { Version: '2012-10-17', Statement };
  }
}
