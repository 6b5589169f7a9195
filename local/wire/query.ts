/**
 * The protocols ec2Query and awsQuery: a form in, XML out.
 * https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
 * https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html
 */
import type { NormalizedSchema } from '@smithy/core/schema';
import type { OperationShape, ServiceShape } from './catalogue.ts';
import { MalformedInput, readSimple, trait, xmlNameOf } from './values.ts';
import { element, escapeXml, membersXml } from './xml.ts';

interface Node {
  value: string | undefined;
  path: string;
  readonly children: Map<string, Node>;
  seen: boolean;
}

const notParameters = new Set(['Action', 'Version', 'AWSAccessKeyId', 'Timestamp', 'Expires']);

/** The form's pairs as the operation's input. @throws MalformedInput, also for a parameter it does not have. */
export function readQuery(
  pairs: readonly [string, string][],
  operation: OperationShape,
  ec2: boolean,
): unknown {
  const root: Node = { value: undefined, path: '', children: new Map(), seen: true };
  for (const [key, value] of pairs) {
    if (notParameters.has(key) || key.startsWith('X-Amz-')) continue;
    let node = root;
    for (const part of key.split('.')) {
      let child = node.children.get(part);
      if (child === undefined) {
        const path = node.path === '' ? part : `${node.path}.${part}`;
        child = { value: undefined, path, children: new Map(), seen: false };
        node.children.set(part, child);
      }
      node = child;
    }
    node.value = value;
  }
  const input = operation.input.isUnitSchema() ? {} : readStructure(operation.input, root, ec2);
  refuseUnseen(root);
  return input;
}

function refuseUnseen(node: Node): void {
  if (!node.seen)
    throw new MalformedInput('unknown', node.path, `The parameter ${node.path} is not recognized`);
  for (const child of node.children.values()) refuseUnseen(child);
}

function readStructure(schema: NormalizedSchema, node: Node, ec2: boolean): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, member] of schema.structIterator()) {
    const child = node.children.get(ec2 ? ec2Name(member, name) : xmlNameOf(member, name));
    if (child !== undefined) result[name] = read(member, child, ec2);
  }
  return result;
}

function ec2Name(member: NormalizedSchema, name: string): string {
  const traits = member.getMemberTraits() as { ec2QueryName?: string; xmlName?: string };
  if (traits.ec2QueryName !== undefined) return traits.ec2QueryName;
  const other = traits.xmlName ?? name;
  return other.charAt(0).toUpperCase() + other.slice(1);
}

function read(schema: NormalizedSchema, node: Node, ec2: boolean): unknown {
  node.seen = true;
  const flat = ec2 || trait(schema, 'xmlFlattened') !== undefined;
  if (schema.isListSchema()) {
    const item = schema.getValueSchema();
    const list = flat ? node : node.children.get(xmlNameOf(item, 'member'));
    // Query sends an empty list as the bare name.
    if (list === undefined) return [];
    list.seen = true;
    return inOrder(list).map((child) => read(item, child, ec2));
  }
  if (schema.isMapSchema()) {
    const entries = flat ? node : node.children.get('entry');
    const result: Record<string, unknown> = {};
    if (entries === undefined) return result;
    entries.seen = true;
    for (const entry of inOrder(entries)) {
      entry.seen = true;
      const key = entry.children.get(xmlNameOf(schema.getKeySchema(), 'key'));
      const value = entry.children.get(xmlNameOf(schema.getValueSchema(), 'value'));
      if (key === undefined) continue;
      key.seen = true;
      result[key.value ?? ''] = value === undefined ? '' : read(schema.getValueSchema(), value, ec2);
    }
    return result;
  }
  if (schema.isStructSchema()) return readStructure(schema, node, ec2);
  return readSimple(schema, node.value ?? '', node.path);
}

function inOrder(node: Node): Node[] {
  return [...node.children.entries()].sort((a, b) => Number(a[0]) - Number(b[0])).map(([, child]) => child);
}

/** The answer's document. */
export function writeQuery(
  service: ServiceShape,
  operation: OperationShape,
  output: unknown,
  requestId: string,
  ec2: boolean,
): string {
  const members = operation.output.isUnitSchema() ? '' : membersXml(operation.output, output);
  const open = `<${operation.name}Response xmlns="${service.xmlNamespace}">`;
  const close = `</${operation.name}Response>`;
  if (ec2) {
    // Operations without a result say <return>true</return>, which older tools look for.
    const inside = members === '' ? '<return>true</return>' : members;
    return `<?xml version="1.0" encoding="UTF-8"?>\n${open}${element('requestId', requestId)}${inside}${close}`;
  }
  const result = operation.output.isUnitSchema()
    ? ''
    : `<${operation.name}Result>${members}</${operation.name}Result>`;
  return `${open}${result}<ResponseMetadata>${element('RequestId', requestId)}</ResponseMetadata>${close}`;
}

/** The document of an error. */
export function writeQueryError(
  error: { code: string; message: string; status: number },
  service: ServiceShape | undefined,
  requestId: string,
  ec2: boolean,
): string {
  const code = element('Code', error.code) + element('Message', error.message);
  if (ec2)
    return `<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>${code}</Error></Errors>${element('RequestID', requestId)}</Response>`;
  const space = service?.xmlNamespace ?? 'http://webservices.amazon.com/AWSFault/2005-15-09';
  const type = element('Type', error.status >= 500 ? 'Receiver' : 'Sender');
  return `<ErrorResponse xmlns="${escapeXml(space)}"><Error>${type}${code}</Error>${element('RequestId', requestId)}</ErrorResponse>`;
}
