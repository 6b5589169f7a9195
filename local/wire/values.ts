/** Simple values as text, both ways, by schema: what all of the protocols share. */
import type { NormalizedSchema } from '@smithy/core/schema';

/** A request that does not have the shape of its operation. The protocols turn it into their own codes. */
export class MalformedInput extends Error {
  override readonly name = 'MalformedInput';
  /** `unknown`: a member that the operation does not have; `type`: a value of another type. */
  readonly kind: 'unknown' | 'type' | 'syntax';
  readonly member: string;

  constructor(kind: 'unknown' | 'type' | 'syntax', member: string, message: string) {
    super(message);
    this.kind = kind;
    this.member = member;
  }
}

export type TimeFormat = 'date-time' | 'http-date' | 'epoch-seconds';

/** The sentinels of the SDK's schemas: 4 leaves the format to the protocol, 5 to 7 state it. */
const timeFormats: Readonly<Record<number, TimeFormat>> = {
  5: 'date-time',
  6: 'http-date',
  7: 'epoch-seconds',
};

export function timeFormat(schema: NormalizedSchema, fallback: TimeFormat): TimeFormat {
  const sentinel = schema.getSchema();
  return (typeof sentinel === 'number' ? timeFormats[sentinel] : undefined) ?? fallback;
}

export function writeTime(value: Date, format: TimeFormat): string {
  if (format === 'epoch-seconds') return String(value.getTime() / 1000);
  return format === 'http-date' ? value.toUTCString() : value.toISOString();
}

/** Reads any of the formats: clients differ, and no two of them can be confused. */
export function readTime(text: string, member: string): Date {
  const epoch = /^-?\d+(\.\d+)?$/.test(text);
  const date = new Date(epoch ? Math.round(Number(text) * 1000) : text);
  if (Number.isNaN(date.getTime()))
    throw new MalformedInput('type', member, `${text} is not a timestamp, for ${member}`);
  return date;
}

/** Text of a query, a header or an XML element as the value that the schema asks for. */
export function readSimple(schema: NormalizedSchema, text: string, member: string): unknown {
  if (schema.isBooleanSchema()) {
    if (text === 'true' || text === 'false') return text === 'true';
    throw new MalformedInput('type', member, `${text} is not a boolean, for ${member}`);
  }
  if (schema.isNumericSchema()) {
    const number = Number(text);
    if (text.trim() !== '' && !Number.isNaN(number)) return number;
    throw new MalformedInput('type', member, `${text} is not a number, for ${member}`);
  }
  if (schema.isTimestampSchema()) return readTime(text, member);
  if (schema.isBlobSchema()) return Uint8Array.from(Buffer.from(text, 'base64'));
  return text;
}

/** The reverse of {@link readSimple}. */
export function writeSimple(schema: NormalizedSchema, value: unknown, times: TimeFormat): string {
  if (value instanceof Date) return writeTime(value, timeFormat(schema, times));
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return String(value);
}

/** A trait of a schema's own or of the member that refers to it. */
export function trait(schema: NormalizedSchema, name: string): unknown {
  return (schema.getMergedTraits() as Readonly<Record<string, unknown>>)[name];
}

/** The name in XML (and in queries): the member's `xmlName`, else its name. */
export function xmlNameOf(schema: NormalizedSchema, name: string): string {
  return (schema.getMemberTraits() as { xmlName?: string }).xmlName ?? name;
}
