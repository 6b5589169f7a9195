/** XML by schema: answers of the query protocols and of S3, and S3's documents. */
import type { NormalizedSchema } from '@smithy/core/schema';
import { XMLParser } from 'fast-xml-parser';
import { MalformedInput, readSimple, trait, writeSimple, xmlNameOf } from './values.ts';

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#xD;',
  '\n': '&#xA;',
};

export function escapeXml(text: string): string {
  return text.replace(/[&<>"\r\n]/g, (character) => escapes[character] as string);
}

export function element(name: string, text: string): string {
  return `<${name}>${escapeXml(text)}</${name}>`;
}

/** The members of a structure, as elements. Those bound to headers are the REST layer's. */
export function membersXml(
  schema: NormalizedSchema,
  value: unknown,
  skip?: (m: NormalizedSchema) => boolean,
): string {
  if (value === undefined || value === null) return '';
  const record = value as Readonly<Record<string, unknown>>;
  let xml = '';
  for (const [name, member] of schema.structIterator()) {
    const item = record[name];
    if (item === undefined || item === null || skip?.(member) || trait(member, 'xmlAttribute')) continue;
    xml += valueXml(xmlNameOf(member, name), member, item);
  }
  return xml;
}

/** One member with its tag; flat lists repeat it. */
export function valueXml(tag: string, schema: NormalizedSchema, value: unknown): string {
  const flat = trait(schema, 'xmlFlattened') !== undefined;
  if (schema.isListSchema()) {
    const item = schema.getValueSchema();
    const itemTag = flat ? tag : xmlNameOf(item, 'member');
    const items = (value as readonly unknown[]).map((one) => valueXml(itemTag, item, one)).join('');
    return flat ? items : `<${tag}>${items}</${tag}>`;
  }
  if (schema.isMapSchema()) {
    const key = schema.getKeySchema();
    const item = schema.getValueSchema();
    const entries = Object.entries(value as Readonly<Record<string, unknown>>).map(([name, one]) => {
      const inside = element(xmlNameOf(key, 'key'), name) + valueXml(xmlNameOf(item, 'value'), item, one);
      return `<${flat ? tag : 'entry'}>${inside}</${flat ? tag : 'entry'}>`;
    });
    return flat ? entries.join('') : `<${tag}>${entries.join('')}</${tag}>`;
  }
  if (schema.isStructSchema())
    return `<${tag}${attributes(schema, value)}>${membersXml(schema, value)}</${tag}>`;
  return element(tag, writeSimple(schema, value, 'date-time'));
}

function attributes(schema: NormalizedSchema, value: unknown): string {
  let text = '';
  for (const [name, member] of schema.structIterator()) {
    const item = (value as Readonly<Record<string, unknown>>)[name];
    if (trait(member, 'xmlAttribute') && item !== undefined)
      text += ` ${xmlNameOf(member, name)}="${escapeXml(writeSimple(member, item, 'date-time'))}"`;
  }
  return text;
}

type Tree = { readonly [tag: string]: Tree | string | (Tree | string)[] } | string;

/** Reads a document into the structure that the schema describes. @throws MalformedInput */
export function readXml(schema: NormalizedSchema, text: string): unknown {
  let document: Record<string, Tree>;
  try {
    document = new XMLParser({
      ignoreAttributes: false,
      attributeNamePrefix: '@',
      parseTagValue: false,
      parseAttributeValue: false,
      trimValues: false,
      ignoreDeclaration: true,
      processEntities: true,
    }).parse(text, true);
  } catch (error) {
    throw new MalformedInput('syntax', '', (error as Error).message);
  }
  const root = Object.keys(document)[0];
  if (root === undefined) throw new MalformedInput('syntax', '', 'The document is empty');
  return readTree(schema, document[root] as Tree, root);
}

function readTree(schema: NormalizedSchema, tree: Tree, path: string): unknown {
  if (schema.isStructSchema()) return readStructure(schema, tree, path);
  if (schema.isListSchema()) {
    const item = schema.getValueSchema();
    if (typeof tree === 'string') return [];
    return many(tree[xmlNameOf(item, 'member')]).map((one) => readTree(item, one, path));
  }
  const plain = typeof tree === 'string' ? tree : tree['#text'];
  return readSimple(schema, typeof plain === 'string' ? plain : '', path);
}

function readStructure(schema: NormalizedSchema, tree: Tree, path: string): unknown {
  const result: Record<string, unknown> = {};
  if (typeof tree === 'string') return result;
  const known = new Set(['#text', '@xmlns']);
  for (const [name, member] of schema.structIterator()) {
    const own = xmlNameOf(member, name);
    const tag = trait(member, 'xmlAttribute') ? `@${own}` : own;
    known.add(tag);
    const found = tree[tag];
    if (found === undefined) continue;
    if (member.isListSchema() && trait(member, 'xmlFlattened') !== undefined)
      result[name] = many(found).map((one) => readTree(member.getValueSchema(), one, `${path}.${name}`));
    else result[name] = readTree(member, many(found)[0] as Tree, `${path}.${name}`);
  }
  const unknown = Object.keys(tree).find((tag) => !known.has(tag) && !tag.startsWith('@xmlns'));
  if (unknown !== undefined)
    throw new MalformedInput('unknown', `${path}.${unknown}`, `${path} has no element ${unknown}`);
  return result;
}

function many(found: Tree | string | (Tree | string)[] | undefined): Tree[] {
  if (found === undefined) return [];
  return Array.isArray(found) ? found : [found];
}
