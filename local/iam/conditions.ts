/**
 * Condition blocks of a policy, made ready once and asked often.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
 */
import { unknownKey } from './condition-keys.ts';
import { arnMatcher, textMatcher } from './patterns.ts';
import { NotUnderstood } from './understood.ts';
import { filledIn, hasVariables, keysIn } from './variables.ts';

/** What is known of a request, by condition keys in lower case. */
export type ConditionContext = Readonly<Record<string, string | readonly string[]>>;

export type ConditionBlock = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

export type ConditionTest = (context: ConditionContext) => boolean;

/** Makes a test of an expected value. @throws NotUnderstood for a value of the wrong kind */
type Maker = (expected: string) => (actual: string) => boolean;

const lower = (text: string): string => text.toLowerCase();
const text: Maker = (expected) => (actual) => actual === expected;
const textOfAnyCase: Maker = (expected) => (actual) => lower(actual) === lower(expected);
const likeText: Maker = (expected) => textMatcher(expected);
/** ArnEquals and ArnLike behave alike. */
const likeArn: Maker = (expected) => arnMatcher(expected);
const truth: Maker = (expected) => {
  if (!/^(true|false)$/i.test(expected)) throw new NotUnderstood(`the truth value ${expected}`);
  return (actual) => lower(actual) === lower(expected);
};
const compared =
  (read: (text: string) => number, kind: string, compare: (a: number, b: number) => boolean): Maker =>
  (expected) => {
    const wanted = read(expected);
    if (Number.isNaN(wanted)) throw new NotUnderstood(`the ${kind} ${expected}`);
    // A value that is no number compares with nothing.
    return (actual) => compare(read(actual), wanted);
  };
/** W3C forms of ISO 8601, or seconds since 1970. */
const moment = (value: string): number => (/^\d{5,}$/.test(value) ? Number(value) * 1000 : Date.parse(value));
const number = (value: string): number => (value.trim() === '' ? Number.NaN : Number(value));
const comparisons = {
  Equals: (a: number, b: number) => a === b,
  LessThan: (a: number, b: number) => a < b,
  LessThanEquals: (a: number, b: number) => a <= b,
  GreaterThan: (a: number, b: number) => a > b,
  GreaterThanEquals: (a: number, b: number) => a >= b,
};

const positive: Readonly<Record<string, Maker>> = {
  StringEquals: text,
  StringEqualsIgnoreCase: textOfAnyCase,
  StringLike: likeText,
  ArnEquals: likeArn,
  ArnLike: likeArn,
  Bool: truth,
  ...Object.fromEntries(
    Object.entries(comparisons).flatMap(([name, compare]) => [
      [`Numeric${name}`, compared(number, 'number', compare)],
      [`Date${name}`, compared(moment, 'date', compare)],
    ]),
  ),
};
/** The negations: true where no expected value matches. */
const negative: Readonly<Record<string, Maker>> = {
  StringNotEquals: text,
  StringNotEqualsIgnoreCase: textOfAnyCase,
  StringNotLike: likeText,
  ArnNotEquals: likeArn,
  ArnNotLike: likeArn,
  NumericNotEquals: compared(number, 'number', comparisons.Equals),
  DateNotEquals: compared(moment, 'date', comparisons.Equals),
};

const listOf = (value: unknown): readonly string[] =>
  (Array.isArray(value) ? value : [value]).map((one) => String(one));

/** The tests of a block, all of which must hold. @throws NotUnderstood, which names what it is */
export function conditionTests(conditions: ConditionBlock, variables: boolean): readonly ConditionTest[] {
  return Object.entries(conditions).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, expected]) => {
      if (unknownKey(key)) throw new NotUnderstood(`the condition key ${key}`);
      return testOf(operator, key.toLowerCase(), listOf(expected), variables);
    }),
  );
}

function testOf(
  operator: string,
  key: string,
  expected: readonly string[],
  variables: boolean,
): ConditionTest {
  const valuesIn = (context: ConditionContext): readonly string[] => {
    const found = context[key];
    return found === undefined ? [] : typeof found === 'string' ? [found] : found;
  };
  if (operator === 'Null') {
    const absent = expected.map((value) => {
      truth(value);
      return lower(value) === 'true';
    });
    return (context) => absent.includes(valuesIn(context).length === 0);
  }
  const [, quantifier = '', bare = '', ifExists] =
    /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(operator) ?? [];
  const make = positive[bare] ?? negative[bare];
  if (make === undefined) throw new NotUnderstood(`the condition operator ${operator}`);
  const negated = positive[bare] === undefined;
  const expectations = expected.map((value) => expectation(value, make, variables));
  return (context) => {
    const actual = valuesIn(context);
    if (actual.length === 0)
      return ifExists !== undefined || quantifier === 'ForAllValues' || (negated && quantifier === '');
    const one = (value: string): boolean => expectations.some((met) => met(value, context)) !== negated;
    if (quantifier === 'ForAllValues') return actual.every(one);
    if (quantifier === 'ForAnyValue') return actual.some(one);
    return negated ? actual.every(one) : actual.some(one);
  };
}

function expectation(value: string, make: Maker, variables: boolean) {
  if (!variables || !hasVariables(value)) return make(value);
  const strange = keysIn(value).find(unknownKey);
  if (strange !== undefined) throw new NotUnderstood(`the variable ${strange}`);
  return (actual: string, context: ConditionContext): boolean => {
    const filled = filledIn(value, context);
    // What compares character by character knows no wildcards, so that there is nothing to protect.
    const plain = make === text || make === textOfAnyCase ? filled?.replaceAll('\0', '') : filled;
    return plain !== undefined && make(plain)(actual);
  };
}
