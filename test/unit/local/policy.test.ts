/** What policies allow, by AWS's rules of evaluation. */
import { describe, expect, test } from 'vitest';
import { evaluate, parsePolicy } from '../../../local/iam/policy.ts';
import type { PolicyStatement } from '../../../local/service.ts';

const ask = (
  statements: readonly PolicyStatement[],
  action: string,
  resource: string,
  context: Record<string, string | readonly string[]> = {},
) => evaluate([{ Statement: statements }], { action, resource, context });

const allow = (rest: Partial<PolicyStatement>): PolicyStatement => ({
  Effect: 'Allow',
  Action: 's3:GetObject',
  Resource: '*',
  ...rest,
});

describe('statements', () => {
  test.each<[string, Partial<PolicyStatement>, string, string, string]>([
    [
      'the very action and resource',
      { Resource: 'arn:aws:s3:::b/k' },
      's3:GetObject',
      'arn:aws:s3:::b/k',
      'allow',
    ],
    ['another case of the action', { Action: 'S3:getobject' }, 's3:GetObject', 'arn:aws:s3:::b/k', 'allow'],
    [
      'another case of the resource',
      { Resource: 'arn:aws:s3:::B/k' },
      's3:GetObject',
      'arn:aws:s3:::b/k',
      'none',
    ],
    ['a wildcard in the action', { Action: 's3:Get*' }, 's3:GetObjectTagging', 'x', 'allow'],
    ['a question mark', { Action: 's3:Ge?Object' }, 's3:GetObject', 'x', 'allow'],
    ['a wildcard that ends too early', { Action: 's3:Get' }, 's3:GetObject', 'x', 'none'],
    [
      'one of several resources',
      { Resource: ['a', 'arn:aws:s3:::b/*'] },
      's3:GetObject',
      'arn:aws:s3:::b/k/l',
      'allow',
    ],
    ['a dot that is a dot', { Resource: 'a.b' }, 's3:GetObject', 'axb', 'none'],
    ['a resource where the action takes none', { Resource: 'arn:aws:s3:::b' }, 's3:GetObject', '*', 'none'],
  ])('%s', (_what, statement, action, resource, effect) => {
    expect(ask([allow(statement)], action, resource).effect).toBe(effect);
  });

  test('an explicit deny wins over any allow, in whichever order', () => {
    const deny = { ...allow({}), Effect: 'Deny' as const };
    expect(ask([allow({}), deny], 's3:GetObject', 'x').effect).toBe('deny');
    expect(ask([deny, allow({})], 's3:GetObject', 'x').effect).toBe('deny');
  });
});

describe('conditions', () => {
  test.each<[string, Record<string, string | string[]>, Record<string, string | readonly string[]>, boolean]>(
    [
      ['StringEquals', { 'ec2:CreateAction': 'RunInstances' }, { 'ec2:createaction': 'RunInstances' }, true],
      ['StringEquals', { k: ['a', 'b'] }, { k: 'b' }, true],
      ['StringEquals', { k: 'a' }, { k: 'A' }, false],
      ['StringEquals', { k: 'a' }, {}, false],
      ['StringEqualsIfExists', { k: 'a' }, {}, true],
      ['StringNotEquals', { k: ['a', 'b'] }, { k: 'c' }, true],
      ['StringNotEquals', { k: ['a', 'b'] }, { k: 'b' }, false],
      ['StringNotEquals', { k: 'a' }, {}, true],
      ['StringNotEquals', { k: 'a' }, { k: ['c', 'a'] }, false],
      ['StringLike', { k: 'web/*' }, { k: 'web/a' }, true],
      ['ArnLike', { k: 'arn:aws:s3:::b*' }, { k: 'arn:aws:s3:::bucket' }, true],
      ['ArnEquals', { k: 'arn:aws:s3:::c' }, { k: 'arn:aws:s3:::b' }, false],
      ['Bool', { k: 'true' }, { k: 'true' }, true],
      ['Bool', { k: 'false' }, { k: 'true' }, false],
      ['Null', { k: 'true' }, {}, true],
      ['Null', { k: 'false' }, {}, false],
      ['Null', { k: 'false' }, { k: 'x' }, true],
      ['NumericLessThanEquals', { k: '10' }, { k: '10' }, true],
      ['NumericLessThan', { k: '10' }, { k: '10' }, false],
      ['NumericGreaterThan', { k: '9' }, { k: '10' }, true],
      ['ForAllValues:StringEquals', { k: ['a', 'b'] }, { k: ['a', 'b', 'a'] }, true],
      ['ForAllValues:StringEquals', { k: ['a', 'b'] }, { k: ['a', 'c'] }, false],
      ['ForAllValues:StringEquals', { k: 'a' }, {}, true],
      ['ForAnyValue:StringEquals', { k: ['a'] }, { k: ['c', 'a'] }, true],
      ['ForAnyValue:StringEquals', { k: ['a'] }, {}, false],
    ],
  )('%s %j of %j is %s', (operator, expected, context, holds) => {
    const answer = ask([allow({ Condition: { [operator]: expected } })], 's3:GetObject', 'x', context);
    expect(answer.effect).toBe(holds ? 'allow' : 'none');
  });

  test('an operator that is not known denies, and is named', () => {
    const strange = allow({ Condition: { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } } });
    expect(ask([strange, allow({})], 's3:GetObject', 'x')).toEqual({ effect: 'deny', operator: 'IpAddress' });
    // Where the statement does not apply, its condition is not looked at.
    expect(ask([strange], 's3:PutObject', 'x')).toEqual({ effect: 'none' });
  });
});

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

test('a policy with an element that the region cannot enforce is refused', () => {
  const statement = { Effect: 'Allow', NotAction: 's3:*', Resource: '*' };
  expect(() => parsePolicy({ Statement: statement })).toThrow('NotAction');
  const leading = { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': 'a' } };
  expect(() => parsePolicy({ Statement: allow({ Condition: leading }) })).toThrow('dynamodb:LeadingKeys');
  expect(() => parsePolicy({ Statement: [] })).toThrow('at least one');
  expect(() => parsePolicy('{"Statement":{"Effect":"Maybe","Action":"a","Resource":"*"}}')).toThrow(
    'Allow or Deny',
  );
});
