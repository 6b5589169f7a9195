/**
 * Condition blocks of a policy.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
import { matches } from './patterns.ts';

export type ConditionContext = Readonly<Record<string, string | readonly string[]>>;

/** An operator that the region cannot judge; the statement that holds it denies. */
export class UnknownOperator extends Error {
  override readonly name = 'UnknownOperator';
}

type Test = (actual: string, expected: string) => boolean;

const numeric =
  (compare: (a: number, b: number) => boolean): Test =>
  (actual, expected) =>
    compare(Number(actual), Number(expected));
const dated =
  (compare: (a: number, b: number) => boolean): Test =>
  (actual, expected) =>
    compare(moment(actual), moment(expected));
const moment = (text: string): number => (/^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text));

const equals: Test = (actual, expected) => actual === expected;
const like: Test = (actual, expected) => matches(expected, actual);
const positive: Readonly<Record<string, Test>> = {
  StringEquals: equals,
  StringEqualsIgnoreCase: (a, b) => a.toLowerCase() === b.toLowerCase(),
  StringLike: like,
  ArnEquals: like,
  ArnLike: like,
  Bool: (a, b) => a.toLowerCase() === b.toLowerCase(),
  NumericEquals: numeric((a, b) => a === b),
  NumericLessThan: numeric((a, b) => a < b),
  NumericLessThanEquals: numeric((a, b) => a <= b),
  NumericGreaterThan: numeric((a, b) => a > b),
  NumericGreaterThanEquals: numeric((a, b) => a >= b),
  DateLessThan: dated((a, b) => a < b),
  DateLessThanEquals: dated((a, b) => a <= b),
  DateGreaterThan: dated((a, b) => a > b),
  DateGreaterThanEquals: dated((a, b) => a >= b),
};
/** The negations: true when no expected value matches. */
const negative: Readonly<Record<string, Test>> = {
  StringNotEquals: equals,
  StringNotEqualsIgnoreCase: positive.StringEqualsIgnoreCase as Test,
  StringNotLike: like,
  ArnNotEquals: like,
  ArnNotLike: like,
  NumericNotEquals: positive.NumericEquals as Test,
};

const listOf = (value: string | readonly string[]): readonly string[] =>
  typeof value === 'string' ? [value] : Array.isArray(value) ? value.map(String) : [String(value)];

/** Whether all of the conditions hold. @throws UnknownOperator */
export function conditionsHold(
  conditions: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>,
  context: ConditionContext,
): boolean {
  return Object.entries(conditions).every(([operator, keys]) =>
    Object.entries(keys).every(([key, expected]) => holds(operator, key, listOf(expected), context)),
  );
}

function holds(
  operator: string,
  key: string,
  expected: readonly string[],
  context: ConditionContext,
): boolean {
  const found = context[key.toLowerCase()] ?? context[key];
  const actual = found === undefined ? [] : listOf(found);
  if (operator === 'Null') return expected.some((text) => (text === 'true') === (actual.length === 0));
  const [quantifier, rest] = operator.includes(':')
    ? (operator.split(':', 2) as [string, string])
    : ['', operator];
  const ifExists = rest.endsWith('IfExists');
  const name = ifExists ? rest.slice(0, -'IfExists'.length) : rest;
  const test = positive[name] ?? negative[name];
  if (test === undefined || !['', 'ForAllValues', 'ForAnyValue'].includes(quantifier))
    throw new UnknownOperator(operator);
  const negated = positive[name] === undefined;
  const one = (value: string): boolean => expected.some((other) => test(value, other)) !== negated;
  if (actual.length === 0) return ifExists || quantifier === 'ForAllValues' || (negated && quantifier === '');
  if (quantifier === 'ForAllValues') return actual.every(one);
  if (quantifier === 'ForAnyValue') return actual.some(one);
  return negated ? actual.every(one) : actual.some(one);
}
