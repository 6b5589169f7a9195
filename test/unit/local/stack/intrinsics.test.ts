import { describe, expect, it } from 'vitest';
import { evaluate, evaluateCondition, type Names, references } from '../../../../local/stack/intrinsics.ts';
import { type Json, TemplateError } from '../../../../local/stack/template.ts';

const refs: Readonly<Record<string, Json | undefined>> = {
  Name: 'flotilla',
  Subnets: ['subnet-1', 'subnet-2'],
  'AWS::NoValue': undefined,
};
const names: Names = {
  ref: (name) => {
    if (!(name in refs)) throw new TemplateError(`no ${name}`);
    return refs[name];
  },
  attribute: (resource, attribute) => `${resource}/${attribute}`,
  condition: (name) => name === 'Yes',
};

describe('the functions of a template', () => {
  it.each<[string, Json, Json]>([
    ['a plain value', { a: [1, true, 'b', null] }, { a: [1, true, 'b', null] }],
    ['Ref', { Ref: 'Name' }, 'flotilla'],
    ['Fn::GetAtt with a list', { 'Fn::GetAtt': ['Table', 'Arn'] }, 'Table/Arn'],
    ['Fn::GetAtt with a nested attribute', { 'Fn::GetAtt': 'Table.Stream.Arn' }, 'Table/Stream.Arn'],
    ['Fn::Sub', { 'Fn::Sub': 'a-${Name}-${Table.Arn}' }, 'a-flotilla-Table/Arn'],
    ['Fn::Sub with a literal', { 'Fn::Sub': '${!Name}' }, '${Name}'],
    [
      'Fn::Sub with values of its own',
      { 'Fn::Sub': ['${Name}:${All}', { All: { 'Fn::Join': ['+', { Ref: 'Subnets' }] } }] },
      'flotilla:subnet-1+subnet-2',
    ],
    ['Fn::Join', { 'Fn::Join': ['', ['x', { Ref: 'Name' }, 1]] }, 'xflotilla1'],
    ['Fn::Split and Fn::Select', { 'Fn::Select': ['1', { 'Fn::Split': ['-', 'a-b-c'] }] }, 'b'],
    ['Fn::If', { 'Fn::If': ['Yes', 'then', 'else'] }, 'then'],
    ['the other branch of Fn::If', { 'Fn::If': ['No', 'then', { Ref: 'Name' }] }, 'flotilla'],
    ['AWS::NoValue in a mapping', { a: { Ref: 'AWS::NoValue' }, b: 1 }, { b: 1 }],
    ['AWS::NoValue in a list', [{ Ref: 'AWS::NoValue' }, 2], [2]],
  ])('%s', (_, value, expected) => {
    expect(evaluate(value, names)).toEqual(expected);
  });

  it.each<[string, Json, RegExp]>([
    ['a function that the region does not have', { 'Fn::ImportValue': 'x' }, /Fn::ImportValue/],
    ['a name that nothing has', { Ref: 'Nobody' }, /no Nobody/],
    ['an element beyond the end', { 'Fn::Select': ['5', ['a']] }, /no element/],
    ['a list where a text belongs', { 'Fn::Sub': 'x${Subnets}' }, /takes texts/],
    ['a join of no list', { 'Fn::Join': ['', 'a'] }, /takes a list/],
  ])('refuse %s', (_, value, message) => {
    expect(() => evaluate(value, names)).toThrow(message);
  });

  it.each<[Json, boolean]>([
    [{ 'Fn::Equals': [{ Ref: 'Name' }, 'flotilla'] }, true],
    [{ 'Fn::Not': [{ 'Fn::Equals': ['a', 'a'] }] }, false],
    [{ 'Fn::And': [{ Condition: 'Yes' }, { Condition: 'No' }] }, false],
    [{ 'Fn::Or': [{ Condition: 'Yes' }, { Condition: 'No' }] }, true],
  ])('decide the condition %j', (value, expected) => {
    expect(evaluateCondition(value, names)).toBe(expected);
  });

  it('refuse a condition that is none', () => {
    expect(() => evaluateCondition('yes', names)).toThrow(/no condition/);
  });
});

describe('what a piece of the template refers to', () => {
  it('is found wherever it stands', () => {
    const value: Json = {
      a: { Ref: 'One' },
      b: [{ 'Fn::GetAtt': ['Two', 'Arn'] }, { 'Fn::GetAtt': 'Three.Arn' }],
      c: { 'Fn::Sub': ['${Four}/${Five.Arn}/${!Six}/${Own}', { Own: { Ref: 'Seven' } }] },
      d: { 'Fn::If': ['Yes', { Ref: 'Eight' }, 'x'] },
    };
    expect([...references(value)].sort()).toEqual(['Eight', 'Five', 'Four', 'One', 'Seven', 'Three', 'Two']);
  });
});
