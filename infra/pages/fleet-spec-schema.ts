/** docs/fleet-spec.schema.json: a fleet's file, for editors. What a person writes, so the side that goes in. */
import * as z from 'zod';
import { fleetSpec } from '../../src/contracts/fleet-spec.ts';
import { fleetName } from '../../src/contracts/ids.ts';
import { fleetSpecWords } from './fleet-spec-words.ts';

/** As far as it is looked into here. */
export interface JsonSchema {
  readonly [member: string]: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
}

/** A field with its words, and what lies in it likewise. @throws Error where a field has none */
function withWords(schema: JsonSchema, path: string): JsonSchema {
  const description = fleetSpecWords[path];
  if (path !== '' && !path.endsWith('[]') && description === undefined) {
    throw new Error(`Say in infra/pages/fleet-spec-words.ts what ${path} means`);
  }
  const { properties, items } = schema;
  const inside = (name: string): string => (path === '' ? name : `${path}.${name}`);
  return {
    ...(description === undefined ? {} : { description }),
    ...schema,
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, member]) => [name, withWords(member, inside(name))]),
          ),
        }),
    ...(items === undefined ? {} : { items: withWords(items, `${path}[]`) }),
  };
}

/** The schema of the file: the spec, and the name of the fleet that it is for. */
export function fleetSpecSchema(): JsonSchema {
  const schemaOf = (type: z.ZodType) =>
    z.toJSONSchema(type, {
      io: 'input',
      // A word of zod's own; the pattern beside it says the same to everybody.
      override: ({ jsonSchema }) => {
        if (jsonSchema.format === 'starts_with') delete jsonSchema.format;
      },
    }) as JsonSchema;
  const { $schema, properties, ...spec } = schemaOf(fleetSpec);
  const { $schema: _same, ...name } = schemaOf(fleetName);
  return {
    $schema,
    title: "A fleet of Flotilla: the file of 'flotilla fleet apply'",
    $comment:
      'Written by node infra/write-pages.ts. What a schema cannot say the command does: weights that rise to 100, minimum ≤ desired ≤ maximum, five values of a rule.',
    ...withWords({ ...spec, properties: { $schema: { type: 'string' }, fleet: name, ...properties } }, ''),
  };
}
