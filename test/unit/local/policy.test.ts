// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of policies look like those of templates.
/** What policies allow, by AWS's rules of evaluation. */
import { describe, expect, test } from 'vitest';
import { evaluate, parsePolicy } from '../../../local/iam/policy.ts';
import type { PolicyStatement } from '../../../local/service.ts';

const ask = (
  statements: readonly PolicyStatement[],
  action: string,
  resource: string,
  context: Record<string, string | readonly string[]> = {},
) => evaluate([{ Version: '2012-10-17', Statement: statements }], { action, resource, context });

const allow = (rest: Partial<PolicyStatement>): PolicyStatement => ({
  Effect: 'Allow',
  Action: 's3:GetObject',
  Resource: '*',
  ...rest,
});
const object = 'arn:aws:s3:::b/k';

/**
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
 */
describe('statements', () => {
  test.each<[string, Partial<PolicyStatement>, string, string, boolean]>([
    ['the very action and resource', { Resource: object }, 's3:GetObject', object, true],
    ['another case of the action', { Action: 'S3:getobject' }, 's3:GetObject', object, true],
    ['another case of the resource', { Resource: 'arn:aws:s3:::B/k' }, 's3:GetObject', object, false],
    ['a wildcard in the action', { Action: 's3:Get*' }, 's3:GetObjectTagging', 'x', true],
    ['a question mark', { Action: 's3:Ge?Object' }, 's3:GetObject', 'x', true],
    ['a question mark for nothing', { Action: 's3:GetObject?' }, 's3:GetObject', 'x', false],
    ['a wildcard that ends too early', { Action: 's3:Get' }, 's3:GetObject', 'x', false],
    [
      'one of several resources',
      { Resource: ['arn:aws:s3:::a', 'arn:aws:s3:::b/*'] },
      's3:GetObject',
      'arn:aws:s3:::b/k/l',
      true,
    ],
    ['a dot that is a dot', { Resource: 'arn:aws:s3:::a.b' }, 's3:GetObject', 'arn:aws:s3:::axb', false],
    ['a resource where the action takes none', { Resource: object }, 's3:GetObject', '*', false],
    [
      'a wildcard that stays in its part',
      { Resource: 'arn:aws:ec2:*:1:volume/v' },
      's3:GetObject',
      'arn:aws:ec2:a:2:x:1:volume/v',
      false,
    ],
    [
      'a wildcard over slashes and colons of the last part',
      { Resource: 'arn:aws:states:r:1:execution:f-*' },
      's3:GetObject',
      'arn:aws:states:r:1:execution:f-m:run/1',
      true,
    ],
  ])('%s', (_what, statement, action, resource, passes) => {
    expect(ask([allow(statement)], action, resource).effect).toBe(passes ? 'allow' : 'none');
  });

  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notaction.html
  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notresource.html
  test.each<[string, PolicyStatement, string, string, boolean]>([
    [
      'another action than the one excepted',
      { Effect: 'Allow', NotAction: 'iam:*', Resource: '*' },
      's3:GetObject',
      object,
      true,
    ],
    [
      'the action excepted',
      { Effect: 'Allow', NotAction: ['ec2:*', 's3:Get*'], Resource: '*' },
      's3:GetObject',
      object,
      false,
    ],
    [
      'another resource than the one excepted',
      { Effect: 'Allow', Action: 's3:*', NotResource: 'arn:aws:s3:::c/*' },
      's3:GetObject',
      object,
      true,
    ],
    [
      'the resource excepted',
      { Effect: 'Allow', Action: 's3:*', NotResource: ['arn:aws:s3:::c/*', 'arn:aws:s3:::b/*'] },
      's3:GetObject',
      object,
      false,
    ],
  ])('%s', (_what, statement, action, resource, passes) => {
    expect(ask([statement], action, resource).effect).toBe(passes ? 'allow' : 'none');
  });

  test('an explicit deny wins over any allow, in whichever order', () => {
    const deny = { ...allow({}), Effect: 'Deny' as const };
    expect(ask([allow({}), deny], 's3:GetObject', 'x').effect).toBe('deny');
    expect(ask([deny, allow({})], 's3:GetObject', 'x').effect).toBe('deny');
  });

  test('what passes is told with the statement that let it pass', () => {
    expect(ask([allow({ Action: 's3:PutObject' }), allow({})], 's3:GetObject', 'x')).toMatchObject({
      effect: 'allow',
      grant: { index: 1 },
    });
  });
});

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html */
describe('conditions', () => {
  const tag = 'aws:RequestTag/k';
  const key = tag.toLowerCase();
  test.each<[string, string | string[], string | readonly string[] | undefined, boolean]>([
    ['StringEquals', ['a', 'b'], 'b', true],
    ['StringEquals', 'a', 'A', false],
    ['StringEquals', 'a', undefined, false],
    ['StringEquals', 'a*', 'ab', false],
    ['StringEqualsIfExists', 'a', undefined, true],
    ['StringEqualsIfExists', 'a', 'b', false],
    ['StringNotEquals', ['a', 'b'], 'c', true],
    ['StringNotEquals', ['a', 'b'], 'b', false],
    ['StringNotEquals', 'a', undefined, true],
    ['StringNotEquals', 'a', ['c', 'a'], false],
    ['StringEqualsIgnoreCase', 'a', 'A', true],
    ['StringNotEqualsIgnoreCase', 'a', 'A', false],
    ['StringLike', 'web/*', 'web/a', true],
    ['StringLike', 'web/?', 'web/ab', false],
    ['StringNotLike', 'web/*', 'shop/a', true],
    ['ArnLike', 'arn:aws:s3:::b*', 'arn:aws:s3:::bucket', true],
    ['ArnLike', 'arn:aws:s3:*:b', 'arn:aws:s3:::b', false],
    ['ArnLike', 'arn:aws:events:*:*:rule/*', 'arn:aws:events:r:1:rule/a', true],
    ['ArnEquals', 'arn:aws:s3:::c', 'arn:aws:s3:::b', false],
    ['ArnNotEquals', 'arn:aws:s3:::c', 'arn:aws:s3:::b', true],
    ['ArnNotLike', 'arn:aws:s3:::*', 'arn:aws:s3:::b', false],
    ['Bool', 'true', 'true', true],
    ['Bool', 'false', 'true', false],
    ['Bool', 'false', undefined, false],
    ['BoolIfExists', 'false', undefined, true],
    ['Null', 'true', undefined, true],
    ['Null', 'false', undefined, false],
    ['Null', 'false', 'x', true],
    ['NumericEquals', '10', '10.0', true],
    ['NumericNotEquals', '10', '11', true],
    ['NumericLessThanEquals', '10', '10', true],
    ['NumericLessThan', '10', '10', false],
    ['NumericGreaterThan', '9', '10', true],
    ['NumericGreaterThanEquals', '10', '9', false],
    ['NumericLessThan', '10', 'ten', false],
    ['NumericLessThan', '10', '', false],
    ['DateEquals', '2026-01-01T00:00:00Z', '1767225600', true],
    ['DateNotEquals', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', true],
    ['DateLessThan', '2026-01-02', '2026-01-01T10:00:00Z', true],
    ['DateLessThanEquals', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z', true],
    ['DateGreaterThan', '2026-01-02', '2026-01-01', false],
    ['DateGreaterThanEquals', '1767225600', '2026-01-01', true],
    ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'b', 'a'], true],
    ['ForAllValues:StringEquals', ['a', 'b'], ['a', 'c'], false],
    ['ForAllValues:StringEquals', 'a', undefined, true],
    ['ForAllValues:StringNotEquals', 'a', ['b', 'a'], false],
    ['ForAllValues:StringNotEquals', 'a', ['b', 'c'], true],
    ['ForAnyValue:StringEquals', 'a', ['c', 'a'], true],
    ['ForAnyValue:StringEquals', 'a', undefined, false],
    ['ForAnyValue:StringNotEquals', 'a', ['a', 'b'], true],
    ['ForAnyValue:StringNotEquals', 'a', undefined, false],
    ['ForAnyValue:StringLikeIfExists', 'a', undefined, true],
  ])('%s %j of %j is %s', (operator, expected, actual, holds) => {
    const context = actual === undefined ? {} : { [key]: actual };
    const answer = ask(
      [allow({ Condition: { [operator]: { [tag]: expected } } })],
      's3:GetObject',
      'x',
      context,
    );
    expect(answer.effect).toBe(holds ? 'allow' : 'none');
  });

  test('all of them must hold', () => {
    const Condition = {
      StringEquals: { 'aws:RequestTag/a': '1', 'aws:RequestTag/b': '2' },
      Null: { 'aws:RequestTag/c': 'true' },
    };
    const both = { 'aws:requesttag/a': '1', 'aws:requesttag/b': '2' };
    const effect = (context: Record<string, string>) =>
      ask([allow({ Condition })], 's3:GetObject', 'x', context).effect;
    expect(effect(both)).toBe('allow');
    expect(effect({ 'aws:requesttag/a': '1' })).toBe('none');
    expect(effect({ ...both, 'aws:requesttag/c': '' })).toBe('none');
  });
});

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html */
describe('variables', () => {
  const ada = { 'aws:username': 'ada' };
  test.each<[string, string, Record<string, string>, string, boolean]>([
    ['is filled in', 'arn:aws:s3:::b/${aws:username}/*', ada, 'arn:aws:s3:::b/ada/x', true],
    ['is compared', 'arn:aws:s3:::b/${aws:username}/*', ada, 'arn:aws:s3:::b/bob/x', false],
    ['without a value matches nothing', 'arn:aws:s3:::b/${aws:username}*', {}, 'arn:aws:s3:::b/x', false],
    ['may have a default', "arn:aws:s3:::b/${aws:username, 'all'}", {}, 'arn:aws:s3:::b/all', true],
    [
      'whose value is a wildcard is a character',
      'arn:aws:s3:::b/${aws:username}',
      { 'aws:username': '*' },
      'arn:aws:s3:::b/ada',
      false,
    ],
    ['may stand for a star', 'arn:aws:s3:::b/${*}', {}, 'arn:aws:s3:::b/x', false],
    ['may be a star itself', 'arn:aws:s3:::b/${*}', {}, 'arn:aws:s3:::b/*', true],
  ])('one that %s', (_what, Resource, context, resource, passes) => {
    expect(ask([allow({ Resource })], 's3:GetObject', resource, context).effect).toBe(
      passes ? 'allow' : 'none',
    );
  });

  test('stand in conditions, too, and are plain text in older documents', () => {
    const statement = allow({ Condition: { StringEquals: { 'aws:ResourceTag/owner': '${aws:username}' } } });
    const context = { ...ada, 'aws:resourcetag/owner': 'ada' };
    expect(ask([statement], 's3:GetObject', 'x', context).effect).toBe('allow');
    expect(ask([statement], 's3:GetObject', 'x', { ...context, 'aws:username': 'bob' }).effect).toBe('none');
    const question = { action: 's3:GetObject', resource: 'x', context };
    expect(evaluate([{ Version: '2008-10-17', Statement: [statement] }], question).effect).toBe('none');
  });

  test('a denial whose variable has no value denies', () => {
    const deny: PolicyStatement = {
      ...allow({ Resource: 'arn:aws:s3:::b/${aws:username}' }),
      Effect: 'Deny',
    };
    expect(ask([allow({}), deny], 's3:GetObject', object).effect).toBe('deny');
  });
});

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html */
describe('policies of resources', () => {
  const caller = {
    arns: ['arn:aws:sts::1:assumed-role/r/s', 'arn:aws:iam::1:role/r'],
    accountId: '1',
  };
  test.each<[string, PolicyStatement['Principal'], boolean]>([
    ['everybody', '*', true],
    ['everybody of AWS', { AWS: '*' }, true],
    ['the role', { AWS: ['arn:aws:iam::1:role/x', 'arn:aws:iam::1:role/r'] }, true],
    ['the session', { AWS: 'arn:aws:sts::1:assumed-role/r/s' }, true],
    ['the account', { AWS: 'arn:aws:iam::1:root' }, true],
    ['another account', { AWS: '2' }, false],
    ['a service', { Service: 'lambda.amazonaws.com' }, false],
    ['nobody', undefined, false],
  ])('a statement for %s', (_who, principal, meant) => {
    const statement = { ...allow({}), ...(principal === undefined ? {} : { Principal: principal }) };
    const question = { action: 's3:GetObject', resource: 'x', context: {}, caller };
    expect(evaluate([{ Statement: [statement] }], question).effect).toBe(meant ? 'allow' : 'none');
  });
});

describe('what is not understood', () => {
  test.each<[string, unknown]>([
    ['NotPrincipal', { Effect: 'Deny', NotPrincipal: '*', Action: 's3:*', Resource: '*' }],
    ['the principal Federated', { ...allow({}), Principal: { Federated: 'x' } }],
    [
      'the condition operator IpAddress',
      allow({ Condition: { IpAddress: { 'aws:RequestTag/k': '10.0.0.0/8' } } }),
    ],
    [
      'the condition operator BinaryEquals',
      allow({ Condition: { BinaryEquals: { 'aws:RequestTag/k': 'QQ==' } } }),
    ],
    [
      'the condition operator ForSomeValues:StringEquals',
      allow({ Condition: { 'ForSomeValues:StringEquals': { 'aws:TagKeys': 'a' } } }),
    ],
    [
      'the condition operator NullIfExists',
      allow({ Condition: { NullIfExists: { 'aws:TagKeys': 'true' } } }),
    ],
    [
      'the condition key aws:SourceIp',
      allow({ Condition: { StringEquals: { 'aws:SourceIp': '10.0.0.1' } } }),
    ],
    [
      'the condition key dynamodb:LeadingKeys',
      allow({ Condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': 'a' } } }),
    ],
    ['the variable aws:PrincipalTag/team', allow({ Resource: 'arn:aws:s3:::b/${aws:PrincipalTag/team}' })],
    ['the number many', allow({ Condition: { NumericLessThan: { 's3:max-keys': 'many' } } })],
    ['the date yesterday', allow({ Condition: { DateLessThan: { 'aws:CurrentTime': 'yesterday' } } })],
    ['the truth value yes', allow({ Condition: { Bool: { 'aws:SecureTransport': 'yes' } } })],
  ])('is refused and, where it stands already, denies: %s', (part, statement) => {
    const document = { Version: '2012-10-17', Statement: [statement] };
    expect(() => parsePolicy(document)).toThrow(part);
    if (part === 'NotPrincipal' || part.startsWith('the principal')) return;
    const answer = ask([statement as PolicyStatement, allow({})], 's3:GetObject', object);
    expect(answer).toEqual({ effect: 'deny', part });
  });

  // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
  test.each<[string, unknown, 'identity' | 'trust' | 'resource']>([
    ['at least one', [], 'identity'],
    ['Allow or Deny', { ...allow({}), Effect: 'Maybe' }, 'identity'],
    ['Action or NotAction, not both', allow({ NotAction: 's3:*' }), 'identity'],
    ['needs an Action', { Effect: 'Allow', Resource: '*' }, 'identity'],
    ['prefaced by a vendor', allow({ Action: 'GetObject' }), 'identity'],
    ['should not specify a principal', allow({ Principal: '*' }), 'identity'],
    ['must contain resources', { Effect: 'Allow', Action: 's3:*' }, 'identity'],
    ['must be in ARN format', allow({ Resource: 'bucket' }), 'identity'],
    ['must be in ARN format', allow({ Resource: 'arn:aws:s3' }), 'identity'],
    ['must be unique', [allow({ Sid: 'A' }), allow({ Sid: 'A' })], 'identity'],
    ['prohibited field Resource', allow({ Action: 'sts:AssumeRole', Principal: '*' }), 'trust'],
    ['Missing required field Principal', allow({}), 'resource'],
    ['no other wildcard', allow({ Principal: { AWS: 'arn:aws:iam::1:role/*' } }), 'resource'],
  ])('%s', (words, Statement, kind) => {
    expect(() => parsePolicy({ Version: '2012-10-17', Statement }, kind)).toThrow(words);
  });

  test('a version that there is not', () => {
    expect(() => parsePolicy({ Version: '2012-10-18', Statement: allow({}) })).toThrow('version');
  });
});
