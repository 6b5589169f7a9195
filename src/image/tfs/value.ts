/**
 * The values of a TFS log in memory.
 *
 * - a `Map` is a tuple: named attributes, in the order in which they were written
 * - an array is a vector
 * - a `string` is a string, a `bigint` an integer (64 bits and a sign)
 * - a `Uint8Array` is an untyped buffer; the single byte 0 is the null value, a flag that is merely present
 */
export type TfsValue = TfsTuple | readonly TfsValue[] | string | bigint | Uint8Array;
export type TfsTuple = ReadonlyMap<string, TfsValue>;

/** A value without bytes or references, as JSON can carry it. */
export type PlainValue =
  | string
  | number
  | boolean
  | readonly PlainValue[]
  | { readonly [name: string]: PlainValue };

export function isTuple(value: TfsValue | undefined): value is TfsTuple {
  return value instanceof Map;
}

/** The null value: an attribute that says something by being there. */
const present: Uint8Array = new Uint8Array(1);

const deepestPlain = 32;

/** What conversions to plain values may still make; those of one log share one, as its values may be one. */
export interface PlainBudget {
  values: number;
  /** Of texts and names, in characters. */
  characters: number;
}

export function plainBudget(): PlainBudget {
  return { values: 100_000, characters: 32 * 1_048_576 };
}

/**
 * What a person or a database can read: tuples become objects, integers numbers where they are exact and
 * decimal strings where not, flags `true`, other buffers base64.
 *
 * A log may refer to a tuple from inside itself, and from many places, so depth, number and length of values are
 * bounded.
 *
 * @throws RangeError where a bound is passed
 */
export function toPlain(value: TfsValue, left = plainBudget()): PlainValue {
  function spend(characters: number): void {
    left.characters -= characters;
    if (left.characters < 0) throw new RangeError('the values are too long');
  }
  function plain(current: TfsValue, depth: number): PlainValue {
    left.values -= 1;
    if (depth > deepestPlain || left.values < 0)
      throw new RangeError('the values are nested too deeply or too many');
    if (typeof current === 'string' || current instanceof Uint8Array) spend(current.length);
    if (typeof current === 'string') return current;
    if (typeof current === 'bigint') {
      return Number.isSafeInteger(Number(current)) ? Number(current) : String(current);
    }
    if (current instanceof Uint8Array) {
      return current.length === 1 && current[0] === 0 ? true : Buffer.from(current).toString('base64');
    }
    if (isTuple(current)) {
      return Object.fromEntries(
        [...current].map(([name, inner]) => {
          spend(name.length);
          return [name, plain(inner, depth + 1)];
        }),
      );
    }
    return current.map((inner) => plain(inner, depth + 1));
  }
  return plain(value, 0);
}

/**
 * The value that a plain one stands for. Names are sorted, so that equal objects make equal bytes; an entry that
 * is `false` is a flag that is not there.
 *
 * @throws RangeError for a number that is no integer, and for `false` where it is no entry of an object
 */
export function fromPlain(value: PlainValue): TfsValue {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') {
    if (value) return present;
    throw new RangeError('false stands for nothing that could be written');
  }
  if (typeof value === 'number') return BigInt(value);
  if (Array.isArray(value)) return value.map(fromPlain);
  return new Map(
    Object.entries(value)
      .filter(([, inner]) => inner !== false)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, inner]) => [name, fromPlain(inner)]),
  );
}
