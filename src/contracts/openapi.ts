/** The API's description for machines (OpenAPI 3.1), made from the schemas that the router parses with. */
import * as z from 'zod';
import { type ApiOperation, operations } from './api.ts';
import { problem } from './api-views.ts';
import { rolloutEvent } from './rollout-event.ts';

type Json = Record<string, unknown>;

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _schema, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  return rest;
}

/** Each member of an object schema as a parameter. */
function parameters(schema: z.ZodType, place: 'path' | 'query'): Json[] {
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, member]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: member,
  }));
}

const meanings: Readonly<Record<string, string>> = {
  '200': 'Done, or found.',
  '201': 'Made.',
  '202': 'Accepted; the answer says what to follow.',
};

function describe(name: string, operation: ApiOperation): Json {
  const body = schemaOf(operation.body, 'input') as { properties?: object };
  const takesBody = Object.keys(body.properties ?? {}).length > 0;
  const answers = Object.entries(operation.answers).map(([status, schema]) => [
    status,
    {
      description: meanings[status] ?? 'Done.',
      content: { 'application/json': { schema: schemaOf(schema, 'output') } },
    },
  ]);
  return {
    operationId: name,
    summary: operation.summary,
    parameters: [...parameters(operation.params, 'path'), ...parameters(operation.query, 'query')],
    ...(takesBody
      ? { requestBody: { required: true, content: { 'application/json': { schema: body } } } }
      : {}),
    responses: {
      ...Object.fromEntries(answers),
      default: {
        description: 'Refused or failed (RFC 9457).',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

/** @param version of the project */
export function openApiDocument(version: string): Json {
  const paths: Record<string, Json> = {};
  for (const [name, operation] of Object.entries(operations)) {
    // OpenAPI has no notation for a greedy parameter; its value is encoded as one segment.
    const path = operation.path.replace('+}', '}');
    const entry = paths[path] ?? {};
    entry[operation.method.toLowerCase()] = describe(name, operation);
    paths[path] = entry;
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Flotilla', version, summary: 'A serverless control plane for unikernel fleets on AWS.' },
    security: [{ sigv4: [] }],
    paths,
    components: {
      securitySchemes: {
        sigv4: {
          type: 'apiKey',
          name: 'Authorization',
          in: 'header',
          description: 'AWS Signature Version 4 for the service execute-api.',
        },
      },
      schemas: {
        RolloutOutcomeEvent: schemaOf(rolloutEvent, 'output'),
        Problem: schemaOf(problem, 'output'),
      },
    },
  };
}
