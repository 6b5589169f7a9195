/**
 * What an update expression makes of an item. Every path in it means the item as it was before the update.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
 */
import { AwsError } from '../../service.ts';
import { at, type Path, typed, type Value } from './documents.ts';
import type { Item } from './engine.ts';
import { sum } from './numbers.ts';

/** A sum or a function. */
interface Call {
  readonly type: 'add' | 'subtract' | 'function';
  readonly name?: 'if_not_exists' | 'list_append';
  readonly args: readonly [Operand, Operand];
}

/** What dynalite's parser makes of the value that a path is set to. */
type Operand = Path | Value | Call;

/** One action of an update expression, as dynalite's parser has it. */
export interface Section {
  readonly type: 'set' | 'remove' | 'add' | 'delete';
  readonly path: Path;
  readonly val?: Operand;
}

type Holder = { M?: Record<string, Value | undefined>; L?: (Value | undefined)[] };

const wrongType = 'An operand in the update expression has an incorrect data type';

/** The item after the update, which must be whole: its key is in it. @throws AwsError ValidationException */
export function updated(sections: readonly Section[], before: Item): Item {
  const values = sections.map((section) => valueAfter(section, before));
  const item = copied(before) as Record<string, Value | undefined>;
  // Indexes mean the list as it was: it closes up once all is done, and what was set beyond its end follows the rest.
  const lists = new Set<Holder>();
  for (const [index, { path }] of sections.entries()) {
    const holder = at(path.slice(0, -1), item) as Holder | undefined;
    const last = path.at(-1) as string | number;
    const value = values[index];
    if (typeof last === 'number' && holder?.L !== undefined) {
      holder.L[last] = value;
      lists.add(holder);
    } else if (typeof last === 'string' && holder?.M !== undefined) {
      if (value === undefined) delete holder.M[last];
      else holder.M[last] = value;
    } else throw invalid('The document path provided in the update expression is invalid for update');
  }
  for (const list of lists) list.L = Object.values(list.L ?? []).filter((value) => value !== undefined);
  return item;
}

/** What is at the section's path afterwards; `undefined`: nothing. */
function valueAfter({ type, path, val }: Section, before: Item): Value | undefined {
  if (type === 'remove') return undefined;
  if (type === 'set') return resolved(val as Operand, before);
  const existing = at(path, before);
  const [kind, given] = typed(val as Value);
  if (existing !== undefined && typed(existing)[0] !== kind) throw invalid(wrongType);
  if (kind === 'N') return { N: sum((existing?.N as string | undefined) ?? '0', given as string) };
  const had = (existing?.[kind] ?? []) as readonly unknown[];
  const named = given as readonly unknown[];
  if (type === 'add') return { [kind]: [...new Set([...had, ...named])] };
  const left = had.filter((element) => !named.includes(element));
  // A set is never empty.
  return left.length === 0 ? undefined : { [kind]: left };
}

function resolved(operand: Operand, before: Item): Value {
  if (isPath(operand)) {
    const found = at(operand, before);
    if (found === undefined)
      throw invalid('The provided expression refers to an attribute that does not exist in the item');
    return found;
  }
  if (!isCall(operand)) return operand;
  const { type, name, args } = operand;
  if (type === 'function' && name === 'if_not_exists')
    return at(args[0] as Path, before) ?? resolved(args[1], before);
  const [one, other] = args.map((each) => resolved(each, before)) as [Value, Value];
  if (type === 'function') {
    if (one.L === undefined || other.L === undefined) throw invalid(wrongType);
    return { L: [...(one.L as unknown[]), ...(other.L as unknown[])] };
  }
  if (one.N === undefined || other.N === undefined) throw invalid(wrongType);
  return { N: sum(one.N as string, other.N as string, type === 'add' ? 1n : -1n) };
}

function isPath(operand: Operand): operand is Path {
  return Array.isArray(operand);
}

/** Values have no member `type`: their sole member is named after DynamoDB's types. */
function isCall(operand: Value | Call): operand is Call {
  return operand.type !== undefined;
}

/** A deep copy without prototypes: attributes have any name. */
function copied(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copied);
  if (typeof value !== 'object' || value === null) return value;
  const copy: Record<string, unknown> = Object.create(null);
  for (const [name, one] of Object.entries(value)) copy[name] = copied(one);
  return copy;
}

function invalid(message: string): AwsError {
  return new AwsError('ValidationException', message);
}
