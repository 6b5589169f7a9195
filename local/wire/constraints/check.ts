/** Checks of inputs against the constraints of their operation, each shape compiled once. */
import { type ConstrainedShape, type Constraints, readConstraints } from './data.ts';
import { compilePattern } from './extract.ts';

export type Broken =
  | { readonly rule: 'required' }
  | { readonly rule: 'integer'; readonly bits: 32 | 64 }
  | { readonly rule: 'least' | 'most'; readonly bound: number; readonly of: 'value' | 'length' }
  | { readonly rule: 'enum'; readonly values: readonly string[] }
  | { readonly rule: 'pattern'; readonly pattern: string };

/** One constraint that an input does not satisfy. */
export interface Violation {
  /** Names of members, with the 1-based places of list items and the keys of maps. */
  readonly path: readonly (string | number)[];
  readonly value: unknown;
  readonly broken: Broken;
  readonly sensitive: boolean;
  /** The item of a list of texts, or the key or value of such a map: AWS shows the whole of it. */
  readonly within?: 'item' | 'key' | 'value';
}

type Path = readonly (string | number)[];
type Check = (value: unknown, path: Path, found: Violation[]) => void;

interface Compiled {
  readonly operations: Readonly<Record<string, string>>;
  readonly places: NonNullable<Constraints['places']>;
  readonly checkOf: (shape: string) => Check;
}

const services = new Map<string, Compiled | undefined>();

/** What is wrong with an operation's input; nothing for an operation that is not constrained. */
export function violations(serviceId: string, operation: string, input: unknown): readonly Violation[] {
  const compiled = compiledOf(serviceId);
  const shape = compiled?.operations[operation];
  if (compiled === undefined || shape === undefined) return none;
  const found: Violation[] = [];
  compiled.checkOf(shape)(input ?? {}, [], found);
  return found;
}

const none: readonly Violation[] = [];

/** Where a member of a REST operation stands: `header`, `querystring`, `uri`; `undefined`: in the body. */
export function placeOf(serviceId: string, operation: string, member: string): string | undefined {
  return compiledOf(serviceId)?.places[operation]?.[member];
}

function compiledOf(serviceId: string): Compiled | undefined {
  if (!services.has(serviceId)) {
    const constraints = readConstraints(serviceId);
    services.set(serviceId, constraints === undefined ? undefined : compile(constraints));
  }
  return services.get(serviceId);
}

function compile({ operations, shapes, places = {} }: Constraints): Compiled {
  const checks = new Map<string, Check>();
  const checkOf = (name: string): Check => {
    let check = checks.get(name);
    if (check === undefined) {
      check = checkShape(shapes[name] as ConstrainedShape, checkOf);
      checks.set(name, check);
    }
    return check;
  };
  return { operations, places, checkOf };
}

function checkShape(shape: ConstrainedShape, checkOf: (name: string) => Check): Check {
  const members = Object.entries(shape.members ?? {});
  const required = shape.required ?? [];
  const simple = checkSimple(shape);
  const { item, key, value: ofValues } = shape;
  return (value, path, found) => {
    simple(value, path, found);
    if (typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      if (item === undefined) return;
      const check = checkOf(item);
      for (let index = 0; index < value.length; index += 1)
        checkInside(check, value[index], [...path, index + 1], 'item', value, found);
      return;
    }
    // Bytes and streams have no members.
    if (ArrayBuffer.isView(value) || value instanceof Date) return;
    const record = value as Readonly<Record<string, unknown>>;
    for (const name of required)
      if (record[name] === undefined || record[name] === null)
        found.push({ path: [...path, name], value: null, broken: { rule: 'required' }, sensitive: false });
    for (const [name, member] of members) {
      const inner = record[name];
      if (inner !== undefined && inner !== null) checkOf(member)(inner, [...path, name], found);
    }
    if (key === undefined && ofValues === undefined) return;
    for (const [name, inner] of Object.entries(record)) {
      if (key !== undefined) checkInside(checkOf(key), name, [...path, name], 'key', value, found);
      if (ofValues !== undefined)
        checkInside(checkOf(ofValues), inner, [...path, name], 'value', value, found);
    }
  };
}

/** Violations by a simple item are told of the collection that holds it. */
function checkInside(
  check: Check,
  value: unknown,
  path: Path,
  within: NonNullable<Violation['within']>,
  whole: unknown,
  found: Violation[],
): void {
  const before = found.length;
  check(value, path, found);
  if (typeof value === 'object') return;
  for (let index = before; index < found.length; index += 1)
    found[index] = { ...(found[index] as Violation), path: path.slice(0, -1), value: whole, within };
}

function checkSimple(shape: ConstrainedShape): Check {
  const { min, max, integer } = shape;
  const values = shape.enum === undefined ? undefined : new Set(shape.enum);
  const pattern = shape.pattern === undefined ? undefined : compilePattern(shape.pattern);
  const sensitive = shape.sensitive === true;
  const limit = integer === 32 ? 2 ** 31 : 2 ** 63;
  return (value, path, found) => {
    const broken = (one: Broken): void => {
      found.push({ path, value, broken: one, sensitive });
    };
    if (integer !== undefined && typeof value === 'number')
      if (!Number.isInteger(value) || value >= limit || value < -limit) {
        broken({ rule: 'integer', bits: integer });
        return;
      }
    if (min !== undefined || max !== undefined) {
      const size = sizeOf(value, max);
      const of = typeof value === 'number' ? 'value' : 'length';
      if (size !== undefined && max !== undefined && size > max) {
        broken({ rule: 'most', bound: max, of });
        // What is too long is not read any further.
        return;
      }
      if (size !== undefined && min !== undefined && size < min) broken({ rule: 'least', bound: min, of });
    }
    if (typeof value !== 'string') return;
    if (values !== undefined && !values.has(value)) broken({ rule: 'enum', values: shape.enum ?? [] });
    if (pattern !== undefined && !pattern.test(value))
      broken({ rule: 'pattern', pattern: shape.pattern ?? '' });
  };
}

/** A number itself; the length of a text in characters, of bytes, a list, a map. `undefined`: it has no size. */
function sizeOf(value: unknown, max: number | undefined): number | undefined {
  if (typeof value === 'number') return value;
  if (typeof value === 'string')
    return max !== undefined && value.length > max ? [...value].length : value.length;
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length;
  // Streams are of a class of their own, and are measured where they are read.
  if (typeof value === 'object' && value !== null && isPlain(value)) return Object.keys(value).length;
  return undefined;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
}
