/**
 * Whether a condition or a filter holds for an item. dynalite parses the expressions and compares what can be
 * ordered; to it no list and no map equals another.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
 */
import { at, type Path, same, typed, type Value } from './documents.ts';
import type { Item, Json } from './engine.ts';

/** An operand: a path, a value, or the function `size` of one. */
type Operand = Path | Value | { readonly type: 'function'; readonly name: 'size'; readonly args: Operand[] };

/** What dynalite's parser makes of a condition. */
export type Expression =
  | { readonly type: 'and' | 'or' | 'not'; readonly args: readonly Expression[] }
  | { readonly type: string; readonly name?: string; readonly args: readonly Operand[] };

/** dynalite's comparison of a value with others. */
export type Compare = (comparison: string, value: Value, others: readonly unknown[]) => boolean;

export function holds(expression: Expression, item: Item, compare: Compare): boolean {
  const { type } = expression;
  if (type === 'and' || type === 'or' || type === 'not') {
    const each = (one: unknown): boolean => holds(one as Expression, item, compare);
    if (type === 'and') return expression.args.every(each);
    return type === 'or' ? expression.args.some(each) : !expression.args.every(each);
  }
  const comparison = type === 'function' ? String((expression as { name?: string }).name) : type;
  const [value, ...others] = (expression.args as readonly Operand[]).map((one) => resolved(one, item));
  switch (comparison) {
    case '=':
      return equal(value, others[0]);
    case '<>':
      return !equal(value, others[0]);
    case 'in':
      return others.some((other) => equal(value, other));
    case 'contains':
      return contains(value, others[0]);
    case 'attribute_exists':
      return value !== undefined;
    case 'attribute_not_exists':
      return value === undefined;
    case 'attribute_type':
      return value !== undefined && typed(value)[0] === others[0]?.S;
    default:
      return value !== undefined && !others.includes(undefined) && compare(comparison, value, others);
  }
}

/** The legacy parameters by the comparisons of expressions. */
const legacy: Readonly<Record<string, string>> = {
  EQ: '=',
  NE: '<>',
  LE: '<=',
  LT: '<',
  GE: '>=',
  GT: '>',
  IN: 'in',
  BETWEEN: 'between',
  NULL: 'attribute_not_exists',
  NOT_NULL: 'attribute_exists',
  CONTAINS: 'contains',
  BEGINS_WITH: 'begins_with',
};

/** What may be said of one attribute by `Expected`, `QueryFilter` and `ScanFilter`. */
interface LegacyCondition {
  readonly Exists?: boolean;
  readonly Value?: Value;
  readonly AttributeValueList?: readonly Value[];
  readonly ComparisonOperator?: string;
}

/**
 * The condition or filter of a request as dynalite has prepared it; `undefined` where it has none.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html
 */
export function conditionOf(data: Json): Expression | undefined {
  const parsed = (data._condition ?? data._filter) as { expression: Expression } | undefined;
  if (parsed !== undefined) return parsed.expression;
  const conditions = (data.Expected ?? data.QueryFilter ?? data.ScanFilter) as
    | Readonly<Record<string, LegacyCondition>>
    | undefined;
  if (conditions === undefined || Object.keys(conditions).length === 0) return undefined;
  return {
    type: data.ConditionalOperator === 'OR' ? 'or' : 'and',
    args: Object.entries(conditions).map(([attribute, condition]): Expression => {
      const operator = condition.Exists === false ? 'NULL' : (condition.ComparisonOperator ?? 'EQ');
      const { Value: value, AttributeValueList: values = value === undefined ? [] : [value] } = condition;
      const args = [[attribute], ...values];
      if (operator === 'NOT_CONTAINS') return { type: 'not', args: [{ type: 'contains', args }] };
      return { type: legacy[operator] ?? operator, args };
    }),
  };
}

/** A missing attribute equals nothing. */
function equal(one: Value | undefined, other: Value | undefined): boolean {
  return one !== undefined && other !== undefined && same(one, other);
}

/** A part of a text or of bytes, or an element of a set or of a list. */
function contains(value: Value | undefined, part: Value | undefined): boolean {
  if (value === undefined || part === undefined) return false;
  const [type, all] = typed(value);
  const [partType, one] = typed(part);
  if (type === 'L') return (all as readonly Value[]).some((element) => same(element, part));
  if (type === `${partType}S`) return (all as readonly unknown[]).includes(one);
  if (type !== partType) return false;
  if (type === 'S') return (all as string).includes(one as string);
  return type === 'B' && bytes(all).includes(bytes(one));
}

function resolved(operand: Operand, item: Item): Value | undefined {
  if (isPath(operand)) return at(operand, item);
  if (operand.type !== 'function') return operand as Value;
  return sizeOf(resolved((operand.args as Operand[])[0] as Operand, item));
}

function isPath(operand: Operand): operand is Path {
  return Array.isArray(operand);
}

/** The function `size`: characters of a text, bytes, or elements; nothing for what has none. */
function sizeOf(value: Value | undefined): Value | undefined {
  if (value === undefined) return undefined;
  const [type, all] = typed(value);
  if (type === 'B') return { N: String(bytes(all).length) };
  if (type === 'M') return { N: String(Object.keys(all as object).length) };
  if (type === 'S' || Array.isArray(all)) return { N: String((all as string | unknown[]).length) };
  return undefined;
}

function bytes(base64: unknown): Buffer {
  return Buffer.from(base64 as string, 'base64');
}
