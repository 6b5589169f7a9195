/**
 * Whether policies allow something: an explicit deny wins, then any allow, else denied. Documents are made ready
 * at their first use, so that a call costs a few comparisons.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
import type { PolicyDocument, PolicyStatement } from '../service.ts';
import { unknownKey } from './condition-keys.ts';
import { type ConditionContext, type ConditionTest, conditionTests } from './conditions.ts';
import { arnMatcher, isArn, type Matcher, textMatcher } from './patterns.ts';
import { NotUnderstood } from './understood.ts';
import { filledIn, hasVariables, keysIn } from './variables.ts';

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

/** The statement that let something pass. */
export interface Grant {
  readonly document: PolicyDocument;
  /** Its place in the document. */
  readonly index: number;
}

export type Answer =
  | { readonly effect: 'allow'; readonly grant: Grant }
  | { readonly effect: 'none' }
  /** `part`: what of the statement could not be judged. */
  | { readonly effect: 'deny'; readonly part?: string };

interface Ready {
  readonly grant: Grant;
  readonly denies: boolean;
  covers(question: Question): boolean;
}

const ready = new WeakMap<PolicyDocument, readonly Ready[]>();

export function evaluate(policies: readonly PolicyDocument[], question: Question): Answer {
  let grant: Grant | undefined;
  for (const policy of policies) {
    let statements = ready.get(policy);
    if (statements === undefined) {
      try {
        statements = policy.Statement.map((_, index) => made(policy, index));
      } catch (error) {
        if (error instanceof NotUnderstood) return { effect: 'deny', part: error.part };
        throw error;
      }
      ready.set(policy, statements);
    }
    for (const statement of statements) {
      if (!statement.covers(question)) continue;
      if (statement.denies) return { effect: 'deny' };
      grant ??= statement.grant;
    }
  }
  return grant === undefined ? { effect: 'none' } : { effect: 'allow', grant };
}

const listOf = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value as T];

function made(document: PolicyDocument, index: number): Ready {
  const statement = document.Statement[index] as PolicyStatement;
  const variables = document.Version === '2012-10-17';
  const denies = statement.Effect === 'Deny';
  const actions = listOf(statement.Action ?? statement.NotAction).map((one) => textMatcher(one, true));
  const excluded = statement.Action === undefined;
  const resources = resourceTest(statement, variables, denies);
  const conditions: readonly ConditionTest[] = conditionTests(statement.Condition ?? {}, variables);
  return {
    grant: { document, index },
    denies,
    covers: ({ action, resource, context, caller }) =>
      actions.some((matcher) => matcher(action)) !== excluded &&
      (caller === undefined || meant(statement.Principal, caller)) &&
      // A trust policy names no resource: it stands on one.
      (resources === undefined ? caller !== undefined : resources(resource, context)) &&
      conditions.every((holds) => holds(context)),
  };
}

function resourceTest(statement: PolicyStatement, variables: boolean, denies: boolean) {
  const patterns = listOf(statement.Resource ?? statement.NotResource);
  if (patterns.length === 0) return undefined;
  const excluded = statement.Resource === undefined;
  const matchers = patterns.map((pattern) => {
    if (!variables || !hasVariables(pattern)) return { fixed: arnMatcher(pattern) };
    const strange = keysIn(pattern).find(unknownKey);
    if (strange !== undefined) throw new NotUnderstood(`the variable ${strange}`);
    return { pattern };
  });
  return (resource: string, context: ConditionContext): boolean => {
    let found = false;
    for (const one of matchers) {
      let matcher: Matcher | undefined = one.fixed;
      if (matcher === undefined) {
        const filled = filledIn(one.pattern ?? '', context);
        // A statement whose variable has no value allows nothing; that it forbids nothing is not promised.
        if (filled === undefined) return denies;
        matcher = arnMatcher(filled);
      }
      found ||= matcher(resource);
    }
    return found !== excluded;
  };
}

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html */
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

/** What a document is for: a role's or user's rights, who may assume a role, or who may use a resource. */
export type PolicyKind = 'identity' | 'trust' | 'resource';

const statementKeys = new Set([
  'Sid',
  'Effect',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Principal',
  'Condition',
]);

/**
 * A document as the region can enforce it; what it cannot, it refuses by name.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 * @throws Error
 */
export function parsePolicy(value: unknown, kind?: PolicyKind): PolicyDocument {
  const given = (typeof value === 'string' ? JSON.parse(value) : value) as Record<string, unknown>;
  const { Version } = given;
  for (const key of Object.keys(given))
    if (!['Version', 'Id', 'Statement'].includes(key)) throw new NotUnderstood(key);
  if (Version !== undefined && Version !== '2012-10-17' && Version !== '2008-10-17')
    throw new Error('The policy must contain a valid version string');
  const statements = listOf(given.Statement) as readonly Record<string, unknown>[];
  if (statements.length === 0) throw new Error('A policy needs at least one statement');
  const sids = statements.flatMap(({ Sid }) => (Sid === undefined ? [] : [Sid]));
  if (new Set(sids).size !== sids.length)
    throw new Error('Statement IDs (SID) in a single policy must be unique.');
  for (const statement of statements) checkStatement(statement, kind);
  const document: PolicyDocument = {
    ...(typeof Version === 'string' ? { Version } : {}),
    Statement: statements as never,
  };
  ready.set(
    document,
    document.Statement.map((_, index) => made(document, index)),
  );
  return document;
}

function checkStatement(statement: Record<string, unknown>, kind: PolicyKind | undefined): void {
  const unknown = Object.keys(statement).find((key) => !statementKeys.has(key));
  if (unknown !== undefined) throw new NotUnderstood(unknown);
  if (statement.Effect !== 'Allow' && statement.Effect !== 'Deny')
    throw new Error('The Effect of a statement is Allow or Deny');
  const one = (name: string): boolean => {
    const both = [statement[name], statement[`Not${name}`]].filter((given) => given !== undefined);
    if (both.length === 2) throw new Error(`A statement has ${name} or Not${name}, not both`);
    const list = listOf(both[0]);
    if (both.length === 1 && (list.length === 0 || list.some((text) => typeof text !== 'string')))
      throw new Error(`${name} of a statement is a text or a list of texts`);
    return both.length === 1;
  };
  if (!one('Action')) throw new Error('A statement needs an Action');
  const named = one('Resource');
  for (const action of listOf((statement.Action ?? statement.NotAction) as string | string[]))
    if (action !== '*' && !/^[a-z0-9-]+:[A-Za-z0-9*?]+$/i.test(action))
      throw new Error('Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.');
  if (kind === 'identity') {
    if (statement.Principal !== undefined) throw new Error('Policy document should not specify a principal.');
    if (!named) throw new Error('Policy statement must contain resources.');
    for (const resource of listOf((statement.Resource ?? statement.NotResource) as string | string[]))
      if (resource !== '*' && !isArn(resource))
        throw new Error(`Resource ${resource} must be in ARN format or "*".`);
  }
  if (kind === 'trust' && named) throw new Error('Has prohibited field Resource');
  if ((kind === 'trust' || kind === 'resource') && statement.Principal === undefined)
    throw new Error('Missing required field Principal');
  checkPrincipal(statement.Principal);
}

function checkPrincipal(principal: unknown): void {
  if (principal === undefined || principal === '*') return;
  for (const [kind, names] of Object.entries(principal as Record<string, unknown>)) {
    if (kind !== 'AWS' && kind !== 'Service') throw new NotUnderstood(`the principal ${kind}`);
    for (const name of listOf(names))
      if (kind === 'AWS' && name !== '*' && String(name).includes('*'))
        throw new Error('A principal may be "*", and may have no other wildcard');
  }
}
