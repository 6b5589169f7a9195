/** JSON by schema: bodies of awsJson and restJson. */
import type { NormalizedSchema } from '@smithy/core/schema';
import { MalformedInput, readTime, timeFormat, trait, writeTime } from './values.ts';

interface Member {
  readonly name: string;
  /** What restJson calls it. */
  readonly jsonName: string;
  readonly schema: NormalizedSchema;
}

/** By the static schema: walking a structure's schema costs more than writing its value. */
const membersBySchema = new WeakMap<object, ReadonlyMap<string, Member>>();

function membersOf(schema: NormalizedSchema): ReadonlyMap<string, Member> {
  const own: unknown = schema.getSchema();
  const found = membersBySchema.get(own as object);
  if (found !== undefined) return found;
  const members = new Map<string, Member>();
  for (const [name, member] of schema.structIterator()) {
    const jsonName = (trait(member, 'jsonName') as string | undefined) ?? name;
    members.set(name, { name, jsonName, schema: member });
  }
  membersBySchema.set(own as object, members);
  return members;
}

/** Reads a value. `renamed`: restJson honours `jsonName`, awsJson does not. @throws MalformedInput */
function readJson(schema: NormalizedSchema, value: unknown, path: string, renamed: boolean): unknown {
  if (value === null || value === undefined) return undefined;
  if (schema.isDocumentSchema()) return value;
  if (schema.isListSchema()) {
    if (!Array.isArray(value)) throw wrong(path, 'a list');
    const item = schema.getValueSchema();
    const sparse = trait(schema, 'sparse') !== undefined;
    return value.map((one, index) => {
      if (one === null && !sparse) throw wrong(`${path}[${index}]`, 'a value');
      return readJson(item, one, `${path}[${index}]`, renamed);
    });
  }
  if (schema.isMapSchema()) {
    const item = schema.getValueSchema();
    const entries = Object.entries(record(value, path));
    return Object.fromEntries(
      entries.map(([key, one]) => [key, readJson(item, one, `${path}.${key}`, renamed)]),
    );
  }
  if (schema.isStructSchema()) return readJsonMembers(schema, value, path, renamed);
  if (schema.isTimestampSchema()) {
    if (typeof value !== 'number' && typeof value !== 'string') throw wrong(path, 'a time');
    return readTime(String(value), path);
  }
  if (schema.isBlobSchema()) {
    if (typeof value !== 'string') throw wrong(path, 'a text in base64');
    return Uint8Array.from(Buffer.from(value, 'base64'));
  }
  if (schema.isStringSchema() && typeof value !== 'string') throw wrong(path, 'a text');
  if (schema.isBooleanSchema() && typeof value !== 'boolean') throw wrong(path, 'a boolean');
  if (schema.isNumericSchema() && typeof value !== 'number') throw wrong(path, 'a number');
  return value;
}

/** Reads a structure; `skip` leaves members out that do not come from the body. */
export function readJsonMembers(
  schema: NormalizedSchema,
  value: unknown,
  path: string,
  renamed: boolean,
  skip?: (member: NormalizedSchema) => boolean,
): Record<string, unknown> {
  const source = record(value, path === '' ? 'The body' : path);
  const result: Record<string, unknown> = {};
  const members = membersOf(schema);
  const known = new Set(['__type']);
  for (const { name, jsonName, schema: member } of members.values()) {
    const key = renamed ? jsonName : name;
    if (source[key] === undefined || skip?.(member)) continue;
    known.add(key);
    const read = readJson(member, source[key], path === '' ? name : `${path}.${name}`, renamed);
    if (read !== undefined) result[name] = read;
  }
  const unknown = Object.keys(source).find((key) => source[key] !== undefined && !known.has(key));
  if (unknown !== undefined)
    throw new MalformedInput(
      'unknown',
      unknown,
      `${path === '' ? 'The request' : path} has no member ${unknown}`,
    );
  return result;
}

/** A value ready for `JSON.stringify`. */
export function writeJson(schema: NormalizedSchema, value: unknown, renamed: boolean): unknown {
  if (value === undefined || value === null) return undefined;
  if (schema.isDocumentSchema()) return value;
  if (schema.isListSchema()) {
    const item = schema.getValueSchema();
    return (value as readonly unknown[]).map((one) => writeJson(item, one, renamed) ?? null);
  }
  if (schema.isMapSchema()) {
    const item = schema.getValueSchema();
    const entries = Object.entries(value as Readonly<Record<string, unknown>>);
    return Object.fromEntries(entries.map(([key, one]) => [key, writeJson(item, one, renamed)]));
  }
  if (schema.isStructSchema()) return writeJsonMembers(schema, value, renamed);
  if (value instanceof Date) {
    const format = timeFormat(schema, 'epoch-seconds');
    return format === 'epoch-seconds' ? value.getTime() / 1000 : writeTime(value, format);
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return value;
}

/** A structure ready for `JSON.stringify`; members that the schema does not have are left out. */
export function writeJsonMembers(
  schema: NormalizedSchema,
  value: unknown,
  renamed: boolean,
  skip?: (member: NormalizedSchema) => boolean,
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const source = value as Readonly<Record<string, unknown>>;
  const members = membersOf(schema);
  const names = Object.keys(source);
  // A union, such as an attribute's value in DynamoDB, has one member of many.
  const only = names.length === 1 ? members.get(names[0] ?? '') : undefined;
  for (const { name, jsonName, schema: member } of only === undefined ? members.values() : [only]) {
    const item = source[name];
    if (item === undefined || item === null || skip?.(member)) continue;
    result[renamed ? jsonName : name] = writeJson(member, item, renamed);
  }
  return result;
}

/** The body as JSON; an empty one is an empty object. @throws MalformedInput */
export function parseJson(body: Uint8Array): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8'));
  } catch (error) {
    throw new MalformedInput('syntax', '', (error as Error).message);
  }
}

function record(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(path, 'a structure');
  return value as Readonly<Record<string, unknown>>;
}

function wrong(path: string, expected: string): MalformedInput {
  return new MalformedInput('type', path, `${path} is not ${expected}`);
}
