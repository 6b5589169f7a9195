/** The REST protocols: which operation a path means, and what of its input stands where. */

import type { Readable } from 'node:stream';
import type { NormalizedSchema } from '@smithy/core/schema';
import type { OperationShape, ServiceShape } from './catalogue.ts';
import {
  decodeComponent,
  queryPairs,
  readAll,
  splitUrl,
  type WireRequest,
  type WireResponse,
} from './http.ts';
import { parseJson, readJsonMembers, writeJson, writeJsonMembers } from './json.ts';
import { MalformedInput, readSimple, trait, writeSimple } from './values.ts';
import { membersXml, readXml, valueXml } from './xml.ts';

export interface Match {
  readonly operation: OperationShape;
  readonly labels: Readonly<Record<string, string>>;
}

interface Template {
  readonly operation: OperationShape;
  readonly method: string;
  readonly pattern: RegExp;
  readonly names: readonly string[];
  readonly literals: readonly [string, string][];
}

const templates = new WeakMap<ServiceShape, readonly Template[]>();

/** The operation that a request means; the one with most fixed text wins. */
export function matchOperation(service: ServiceShape, request: WireRequest): Match | undefined {
  let list = templates.get(service);
  if (list === undefined) {
    list = [...service.operations.values()]
      .flatMap((operation) => (operation.http === undefined ? [] : [compile(operation, operation.http)]))
      .sort((a, b) => b.literals.length - a.literals.length || a.names.length - b.names.length);
    templates.set(service, list);
  }
  const { path, query } = splitUrl(request.url);
  const pairs = new Map(queryPairs(query));
  for (const template of list) {
    if (template.method !== request.method) continue;
    if (
      !template.literals.every(
        ([name, value]) => pairs.has(name) && (value === '' || pairs.get(name) === value),
      )
    )
      continue;
    const found = template.pattern.exec(path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path);
    if (found === null) continue;
    const labels = template.names.map((name, index) => [name, decodeComponent(found[index + 1] ?? '')]);
    return { operation: template.operation, labels: Object.fromEntries(labels) };
  }
  return undefined;
}

function compile(operation: OperationShape, http: readonly [string, string, number]): Template {
  const { path, query } = splitUrl(http[1]);
  const names: string[] = [];
  const source = path
    .replace(/\/$/, '')
    .split(/(\{[^}]+\})/)
    .map((part) => {
      if (!part.startsWith('{')) return part.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
      const greedy = part.endsWith('+}');
      names.push(part.slice(1, greedy ? -2 : -1));
      return greedy ? '(.+)' : '([^/]+)';
    })
    .join('');
  return {
    operation,
    method: http[0],
    pattern: new RegExp(`^${source === '' ? '/?' : source}$`),
    names,
    literals: queryPairs(query).filter(([name]) => name !== 'x-id'),
  };
}

/** True for a member that stands in the path, the query, a header or the status. */
function outsideBody(member: NormalizedSchema): boolean {
  const traits = member.getMergedTraits() as Readonly<Record<string, unknown>>;
  return (
    traits.httpLabel !== undefined ||
    traits.httpQuery !== undefined ||
    traits.httpHeader !== undefined ||
    traits.httpPrefixHeaders !== undefined ||
    traits.httpQueryParams !== undefined ||
    traits.httpResponseCode !== undefined ||
    traits.httpPayload !== undefined
  );
}

/** True when the operation takes a stream that need not be held in memory. */
export function takesStream(operation: OperationShape): boolean {
  if (operation.input.isUnitSchema()) return false;
  for (const [, member] of operation.input.structIterator()) if (member.isStreaming()) return true;
  return false;
}

/** The operation's input from labels, query, headers and body. @throws MalformedInput */
export async function readRest(
  operation: OperationShape,
  labels: Readonly<Record<string, string>>,
  request: WireRequest,
  body: Readable | Uint8Array,
  xml: boolean,
): Promise<Record<string, unknown>> {
  const input: Record<string, unknown> = {};
  if (operation.input.isUnitSchema()) return input;
  const pairs = queryPairs(splitUrl(request.url).query, !xml);
  let payload: [string, NormalizedSchema] | undefined;
  let inBody = false;
  for (const [name, member] of operation.input.structIterator()) {
    if (trait(member, 'httpPayload') !== undefined) payload = [name, member];
    else if (outsideBody(member) || name in labels) readOutside(input, name, member, labels, pairs, request);
    else inBody = true;
  }
  if (payload !== undefined) {
    const [name, member] = payload;
    if (member.isStreaming()) input[name] = body;
    else {
      const bytes = await readAll(body);
      if (bytes.length > 0 || member.isBlobSchema()) input[name] = readPayload(member, bytes, xml);
    }
  } else if (inBody) {
    const bytes = await readAll(body);
    if (xml) Object.assign(input, bytes.length > 0 ? readXml(operation.input, text(bytes)) : {});
    else {
      const skip = (member: NormalizedSchema): boolean => outsideBody(member);
      Object.assign(input, readJsonMembers(operation.input, parseJson(bytes), '', true, skip));
    }
  }
  return input;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

function readPayload(member: NormalizedSchema, bytes: Uint8Array, xml: boolean): unknown {
  if (member.isBlobSchema()) return bytes;
  if (member.isStringSchema()) return text(bytes);
  return xml ? readXml(member, text(bytes)) : readJsonMembers(member, parseJson(bytes), '', true);
}

function readOutside(
  input: Record<string, unknown>,
  name: string,
  member: NormalizedSchema,
  labels: Readonly<Record<string, string>>,
  pairs: readonly [string, string][],
  request: WireRequest,
): void {
  const traits = member.getMergedTraits() as {
    httpQuery?: string;
    httpHeader?: string;
    httpPrefixHeaders?: string;
  };
  if (labels[name] !== undefined) input[name] = readSimple(member, labels[name], name);
  else if (traits.httpQuery !== undefined) {
    const values = pairs.filter(([key]) => key === traits.httpQuery).map(([, value]) => value);
    const first = values[0];
    if (first === undefined) return;
    input[name] = member.isListSchema()
      ? values.map((value) => readSimple(member.getValueSchema(), value, name))
      : readSimple(member, first, name);
  } else if (traits.httpHeader !== undefined) {
    const value = request.headers[traits.httpHeader.toLowerCase()];
    if (value === undefined) return;
    input[name] = member.isListSchema()
      ? value.split(',').map((one) => readSimple(member.getValueSchema(), one.trim(), name))
      : readSimple(member, value, name);
  } else if (traits.httpPrefixHeaders !== undefined) {
    const prefix = traits.httpPrefixHeaders.toLowerCase();
    const found = Object.entries(request.headers).filter(([key]) => key.startsWith(prefix));
    if (found.length > 0)
      input[name] = Object.fromEntries(found.map(([key, value]) => [key.slice(prefix.length), value]));
  } else if (trait(member, 'httpLabel') !== undefined)
    throw new MalformedInput('syntax', name, `The path lacks ${name}`);
}

/** The answer's status, headers and body. */
export function writeRest(service: ServiceShape, operation: OperationShape, output: unknown): WireResponse {
  const xml = service.protocol === 'restXml';
  const value = (output ?? {}) as Readonly<Record<string, unknown>>;
  const headers: Record<string, string> = {};
  let status = operation.http?.[2] ?? 200;
  // A range is answered by 206, which the schema does not say.
  if (operation.name === 'GetObject' && value.ContentRange !== undefined) status = 206;
  let payload: [unknown, NormalizedSchema] | undefined;
  let bodyMembers = 0;
  if (!operation.output.isUnitSchema())
    for (const [name, member] of operation.output.structIterator()) {
      const item = value[name];
      const traits = member.getMergedTraits() as { httpHeader?: string; httpPrefixHeaders?: string };
      if (trait(member, 'httpPayload') !== undefined) payload = [item, member];
      else if (!outsideBody(member)) bodyMembers += 1;
      else if (item === undefined || item === null) continue;
      else if (trait(member, 'httpResponseCode') !== undefined) status = item as number;
      else if (traits.httpHeader !== undefined)
        headers[traits.httpHeader.toLowerCase()] = headerText(member, item);
      else if (traits.httpPrefixHeaders !== undefined)
        for (const [key, one] of Object.entries(item as Record<string, string>))
          headers[traits.httpPrefixHeaders.toLowerCase() + key] = one;
    }
  if (payload !== undefined) return payloadResponse(service, status, headers, payload[0], payload[1], xml);
  if (bodyMembers === 0) return { status, headers, body: '' };
  if (!xml) {
    const members = writeJsonMembers(operation.output, value, true, outsideBody);
    return {
      status,
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(members),
    };
  }
  const tag =
    (operation.output.getMergedTraits() as { xmlName?: string }).xmlName ?? operation.output.getName() ?? '';
  // GetBucketLocation's answer is the one document whose root is the member itself.
  const members =
    operation.name === 'GetBucketLocation'
      ? ((value.LocationConstraint as string | undefined) ?? '')
      : membersXml(operation.output, value, outsideBody);
  return document(service, status, headers, tag, members);
}

function document(
  service: ServiceShape,
  status: number,
  headers: Record<string, string>,
  tag: string,
  members: string,
): WireResponse {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<${tag} xmlns="${service.xmlNamespace}">${members}</${tag}>`;
  return { status, headers: { 'content-type': 'application/xml', ...headers }, body };
}

function payloadResponse(
  service: ServiceShape,
  status: number,
  headers: Record<string, string>,
  item: unknown,
  member: NormalizedSchema,
  xml: boolean,
): WireResponse {
  if (member.isBlobSchema() || member.isStringSchema()) {
    const type = member.isStringSchema() ? 'text/plain' : 'application/octet-stream';
    return {
      status,
      headers: { 'content-type': type, ...headers },
      body: (item ?? '') as Uint8Array | string,
    };
  }
  if (item === undefined) return { status, headers, body: '' };
  if (xml) {
    const tag = (member.getMergedTraits() as { xmlName?: string }).xmlName ?? member.getName() ?? '';
    const inside = member.isStructSchema() ? membersXml(member, item) : valueXml(tag, member, item);
    return document(service, status, headers, tag, inside);
  }
  const body = JSON.stringify(writeJson(member, item, true));
  return { status, headers: { 'content-type': 'application/json', ...headers }, body };
}

function headerText(member: NormalizedSchema, item: unknown): string {
  if (Array.isArray(item))
    return item.map((one) => writeSimple(member.getValueSchema(), one, 'http-date')).join(',');
  return writeSimple(member, item, 'http-date');
}
