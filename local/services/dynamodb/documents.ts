/** Attribute values and the paths into them, in DynamoDB's JSON as dynalite has it: numbers are in their shortest form. */
import type { Item } from './engine.ts';

/** An attribute value: an object with one member, which is named after the type. */
export type Value = Readonly<Record<string, unknown>>;
/** What dynalite's parsers make of a document path: names, and indexes as numbers. */
export type Path = readonly (string | number)[];

/** The type of a value, such as `SS`, and what is in it. */
export function typed(value: Value): readonly [string, unknown] {
  return Object.entries(value)[0] ?? ['', undefined];
}

/** What is at the path; `undefined` where nothing is. */
export function at(path: Path, item: Item): Value | undefined {
  let found: Value | undefined = { M: item };
  for (const piece of path) {
    const within: unknown = typeof piece === 'number' ? found.L : found.M;
    if (typeof within !== 'object' || within === null || !Object.hasOwn(within, piece)) return undefined;
    found = (within as Record<string, Value | undefined>)[piece];
    if (found === undefined) return undefined;
  }
  return found;
}

/**
 * Whether two values are equal: of the same type, lists element by element, maps and sets in any order.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Condition.html
 */
export function same(one: Value, other: Value): boolean {
  const [type, a] = typed(one);
  const [otherType, b] = typed(other);
  if (type !== otherType) return false;
  if (type === 'L') {
    const [these, those] = [a as readonly Value[], b as readonly Value[]];
    return these.length === those.length && these.every((value, index) => same(value, those[index] as Value));
  }
  if (type === 'M') {
    const [these, those] = [a as Item, b as Item];
    const names = Object.keys(these);
    return (
      names.length === Object.keys(those).length &&
      names.every((name) => Object.hasOwn(those, name) && same(these[name] as Value, those[name] as Value))
    );
  }
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((element) => b.includes(element));
  return a === b;
}
