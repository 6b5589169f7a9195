/**
 * Whether policies allow something: an explicit deny wins, then any allow, else denied.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
import type { PolicyDocument, PolicyStatement } from '../service.ts';
import { type ConditionContext, conditionsHold, UnknownOperator } from './conditions.ts';
import { matches } from './patterns.ts';

export interface Question {
  readonly action: string;
  readonly resource: string;
  readonly context: ConditionContext;
  /** For resource policies: the names under which the caller may be meant; identity policies have none. */
  readonly caller?: {
    readonly arns: readonly string[];
    readonly service?: string;
    readonly accountId: string;
  };
}

export type Answer =
  | { readonly effect: 'allow' | 'none' }
  /** `operator`: a condition operator that could not be judged. */
  | { readonly effect: 'deny'; readonly operator?: string };

export function evaluate(policies: readonly PolicyDocument[], question: Question): Answer {
  let allowed = false;
  for (const policy of policies)
    for (const statement of policy.Statement) {
      if (!covers(statement, question)) continue;
      try {
        if (statement.Condition !== undefined && !conditionsHold(statement.Condition, question.context))
          continue;
      } catch (error) {
        if (error instanceof UnknownOperator) return { effect: 'deny', operator: error.message };
        throw error;
      }
      if (statement.Effect === 'Deny') return { effect: 'deny' };
      allowed = true;
    }
  return { effect: allowed ? 'allow' : 'none' };
}

const listOf = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value as T];

function covers(statement: PolicyStatement, question: Question): boolean {
  if (!listOf(statement.Action).some((pattern) => matches(pattern, question.action, true))) return false;
  if (question.caller !== undefined && !meant(statement.Principal, question.caller)) return false;
  // A trust policy names no resource: it stands on one.
  if (statement.Resource === undefined) return question.caller !== undefined;
  return listOf(statement.Resource).some((pattern) => matches(pattern, question.resource));
}

function meant(principal: PolicyStatement['Principal'], caller: NonNullable<Question['caller']>): boolean {
  if (principal === undefined) return false;
  if (principal === '*') return true;
  return Object.entries(principal).some(([kind, names]) =>
    listOf(names).some((name) => {
      if (kind === 'Service') return caller.service === name;
      if (kind !== 'AWS') return false;
      if (name === '*' || caller.arns.includes(name)) return true;
      const account = name === caller.accountId || name === `arn:aws:iam::${caller.accountId}:root`;
      return account && caller.arns.length > 0;
    }),
  );
}

const statementKeys = new Set(['Sid', 'Effect', 'Action', 'Resource', 'Principal', 'Condition']);

/**
 * Keys that AWS always fills in and the region never does. A condition for all values of an absent key holds, so
 * that such a policy would allow more here than there.
 */
const unknownKeys =
  /^dynamodb:(LeadingKeys|Attributes|Select)|^aws:(SourceIp|SourceVpc|SourceVpce|MultiFactorAuth)/i;

/** A document as the region can enforce it; what it cannot, it refuses. @throws Error */
export function parsePolicy(value: unknown): PolicyDocument {
  const document = (typeof value === 'string' ? JSON.parse(value) : value) as Record<string, unknown>;
  const statements = listOf(document.Statement) as readonly Record<string, unknown>[];
  if (statements.length === 0) throw new Error('A policy needs at least one statement');
  for (const statement of statements) {
    const unknown = Object.keys(statement).find((key) => !statementKeys.has(key));
    if (unknown !== undefined) throw new Error(`The local region does not know ${unknown} in a policy`);
    if (statement.Effect !== 'Allow' && statement.Effect !== 'Deny')
      throw new Error('The Effect of a statement is Allow or Deny');
    const strange = Object.values((statement.Condition ?? {}) as Record<string, object>)
      .flatMap((keys) => Object.keys(keys))
      .find((key) => unknownKeys.test(key));
    if (strange !== undefined) throw new Error(`The local region does not know the condition key ${strange}`);
    if (listOf(statement.Action).length === 0) throw new Error('A statement needs an Action');
  }
  return {
    ...(typeof document.Version === 'string' ? { Version: document.Version } : {}),
    Statement: statements as never,
  };
}
