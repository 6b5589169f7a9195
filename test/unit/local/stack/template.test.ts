import { describe, expect, it } from 'vitest';
import { creationOrder } from '../../../../local/stack/order.ts';
import { substituteDefinition } from '../../../../local/stack/resources/flow.ts';
import { checkTemplate, resolveParameters, type Template } from '../../../../local/stack/template.ts';

const resource = (properties: object = {}, more: object = {}) => ({
  Type: 'AWS::S3::Bucket',
  Properties: properties,
  ...more,
});

describe('the order of creation', () => {
  it('puts what is referred to first', () => {
    const template = {
      Resources: {
        Policy: resource({ Bucket: { Ref: 'Bucket' } }),
        Bucket: resource({ Function: { 'Fn::GetAtt': ['Function', 'Arn'] } }, { DependsOn: 'Permission' }),
        Permission: resource({ Name: { 'Fn::Sub': 'x-${Function}' } }),
        Function: resource(),
      },
    } as unknown as Template;
    expect(creationOrder(template)).toEqual(['Function', 'Permission', 'Bucket', 'Policy']);
  });

  it('names the circle where things wait for each other', () => {
    const template = {
      Resources: { A: resource({ x: { Ref: 'B' } }), B: resource({}, { DependsOn: ['A'] }) },
    } as unknown as Template;
    expect(() => creationOrder(template)).toThrow('Circular dependency between resources: A → B → A');
  });

  it('refuses a dependency on nothing', () => {
    const template = { Resources: { A: resource({}, { DependsOn: 'Ghost' }) } } as unknown as Template;
    expect(() => creationOrder(template)).toThrow(/Ghost/);
  });
});

describe('the parameters', () => {
  const template = {
    Resources: {},
    Parameters: {
      Vpc: { Type: 'AWS::EC2::VPC::Id', AllowedPattern: 'vpc-.*' },
      Subnets: { Type: 'List<AWS::EC2::Subnet::Id>' },
      Flag: { Type: 'String', Default: 'no', AllowedValues: ['no', 'yes'] },
    },
  } as const;

  it('are given, or have a default; lists come as lists or with commas', () => {
    expect(Object.fromEntries(resolveParameters(template, { Vpc: 'vpc-1', Subnets: 'a, b' }))).toEqual({
      Vpc: 'vpc-1',
      Subnets: ['a', 'b'],
      Flag: 'no',
    });
    expect(resolveParameters(template, { Vpc: 'vpc-1', Subnets: ['a'] }).get('Subnets')).toEqual(['a']);
  });

  it.each([
    [{ Subnets: 'a' }, /Vpc has no value/],
    [{ Vpc: 'vpc-1', Subnets: 'a', Flag: 'perhaps' }, /Flag is one of no, yes/],
    [{ Vpc: 'subnet-1', Subnets: 'a' }, /Vpc does not match/],
    [{ Vpc: 'vpc-1', Subnets: 'a', Colour: 'blue' }, /no parameter Colour/],
    [{ Vpc: ['vpc-1', 'vpc-2'], Subnets: 'a' }, /Vpc takes one value/],
  ])('%j are refused', (given, message) => {
    expect(() => resolveParameters(template, given)).toThrow(message);
  });
});

describe('a template', () => {
  it.each([
    [{ Resources: {}, Mappings: {} }, /section Mappings/],
    [{ Resources: { A: { Type: 'AWS::S3::Bucket', CreationPolicy: {} } } }, /A: .*CreationPolicy/],
    ['text', /has Resources/],
  ])('%j is refused by name', (template, message) => {
    expect(() => checkTemplate(template)).toThrow(message);
  });
});

describe('the placeholders of a state machine', () => {
  it('are filled in as texts; those that nobody fills stay, and JSONata is left alone', () => {
    const definition = { Comment: '${A}', Payload: '{% $x & "${B}" %}', Other: '${C}' };
    expect(JSON.parse(substituteDefinition(definition, { A: 'an "A"', B: 'b' }))).toEqual({
      Comment: 'an "A"',
      Payload: '{% $x & "b" %}',
      Other: '${C}',
    });
  });
});
