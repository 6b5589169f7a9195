/**
 * The HTTP API's side of a function: an event of API Gateway (payload format 2.0) finds its route, its parts are
 * parsed with the operation's schemas, and whatever happens becomes an answer.
 *
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
import { Logger } from '@aws-lambda-powertools/logger';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import * as z from 'zod';
import { bePatientUntil } from '../aws/clients/patience.ts';
import {
  type ApiOperation,
  type BodyOf,
  type OperationName,
  operations,
  type ParamsOf,
  type QueryOf,
} from '../contracts/api.ts';
import type { Actor } from '../contracts/items.ts';
import { FlotillaError } from '../errors.ts';
import { systemClock } from './clock.ts';
import { type Config, readConfig } from './config.ts';
import type { Invocation } from './handler.ts';
import { invalid, problemOf, toApiError } from './problem.ts';

/** How long a request may ask on for what AWS throttles: a person waits for the answer, and API Gateway for 30 s. */
const patienceOfRequestMilliseconds = 8_000;

/** What is read of API Gateway's event. */
export const httpEvent = z.object({
  rawPath: z.string(),
  queryStringParameters: z.record(z.string(), z.string()).optional(),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().optional(),
  isBase64Encoded: z.boolean().default(false),
  requestContext: z.object({
    requestId: z.string(),
    stage: z.string().default('$default'),
    http: z.object({ method: z.string(), sourceIp: z.string().optional() }),
    authorizer: z.object({ iam: z.object({ userArn: z.string().min(1) }).optional() }).optional(),
  }),
});
export type HttpEvent = z.output<typeof httpEvent>;

/** What API Gateway wants back. */
export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One request, parsed. */
export interface ApiRequest<N extends OperationName> {
  readonly params: ParamsOf<N>;
  readonly query: QueryOf<N>;
  readonly body: BodyOf<N>;
  readonly actor: Actor;
}

/** What a route answers; `location` becomes the header of that name. */
export interface ApiAnswer {
  readonly status: 200 | 201 | 202;
  readonly body: object;
  readonly location?: string;
}

export interface Route<Deps> {
  readonly operation: ApiOperation;
  readonly run: (
    request: { params: unknown; query: unknown; body: unknown; actor: Actor },
    deps: Deps,
    invocation: Invocation,
  ) => Promise<ApiAnswer>;
}

/** A route with the types of its operation. */
export function route<N extends OperationName, Deps>(
  name: N,
  run: (request: ApiRequest<N>, deps: Deps, invocation: Invocation) => Promise<ApiAnswer>,
): Route<Deps> {
  // The router parses with the operation's own schemas right before it calls: the types hold there.
  return { operation: operations[name], run: run as Route<Deps>['run'] };
}

/**
 * The values in a path, or undefined where it is another path. `{id}` takes one segment, `{id+}` the rest.
 * Segments are decoded here, so that an id with a slash in it (`web%2Fv7`) stays one.
 */
export function matchPath(template: string, path: string): Record<string, string> | undefined {
  const wanted = template.split('/').slice(1);
  const given = path.split('/').slice(1);
  const values: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const greedy = /^\{(\w+)\+\}$/.exec(part)?.[1];
    if (greedy !== undefined) {
      const rest = given.slice(index).map(decoded).join('/');
      if (rest === '') return undefined;
      return { ...values, [greedy]: rest };
    }
    const segment = given[index];
    if (segment === undefined) return undefined;
    const name = /^\{(\w+)\}$/.exec(part)?.[1];
    if (name !== undefined) values[name] = decoded(segment);
    else if (part !== segment) return undefined;
  }
  return given.length === wanted.length ? values : undefined;
}

/** Some front doors decode the path before they hand it on; a stray per cent sign is then no mistake. */
function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function pathOf(event: HttpEvent): string {
  const { stage } = event.requestContext;
  const path =
    stage !== '$default' && event.rawPath.startsWith(`/${stage}`)
      ? event.rawPath.slice(stage.length + 1)
      : event.rawPath;
  return path.length > 1 ? path.replace(/\/$/, '') : '/';
}

/**
 * Who calls. API Gateway has checked the signature; a request without a caller means that a route lost its
 * authorizer, and is refused rather than served.
 */
function actorOf(event: HttpEvent): Actor {
  const principal = event.requestContext.authorizer?.iam?.userArn;
  if (principal === undefined) throw new FlotillaError('NotAuthorised', 'The request names no caller.');
  const { sourceIp } = event.requestContext.http;
  const agent = event.headers['user-agent'] ?? '';
  return {
    principal,
    through: agent.startsWith('flotilla/') ? 'command' : 'api',
    ...(sourceIp === undefined ? {} : { sourceIp }),
  };
}

function bodyOf(event: HttpEvent): unknown {
  if (event.body === undefined || event.body === '') return {};
  const text = event.isBase64Encoded ? Buffer.from(event.body, 'base64').toString('utf8') : event.body;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new FlotillaError('RequestInvalid', `The body is not JSON: ${(error as Error).message}.`);
  }
}

/** Finds the route and runs it. @throws FlotillaError */
export async function dispatch<Deps>(
  routes: readonly Route<Deps>[],
  event: HttpEvent,
  deps: Deps,
  invocation: Invocation,
): Promise<ApiAnswer> {
  const actor = actorOf(event);
  const path = pathOf(event);
  const { method } = event.requestContext.http;
  const found = routes
    .map((candidate) => ({ candidate, params: matchPath(candidate.operation.path, path) }))
    .find(({ candidate, params }) => params !== undefined && candidate.operation.method === method);
  if (found === undefined) throw new FlotillaError('RouteNotFound', `There is no ${method} ${path}.`);

  const { operation, run } = found.candidate;
  const params = operation.params.safeParse(found.params);
  if (!params.success) throw invalid('RequestInvalid', 'The address is not valid', params.error);
  const query = operation.query.safeParse(event.queryStringParameters ?? {});
  if (!query.success) throw invalid('RequestInvalid', 'The query is not valid', query.error);
  const body = operation.body.safeParse(bodyOf(event));
  if (!body.success) {
    const name = operation.invalidBody ?? 'RequestInvalid';
    throw invalid(
      name,
      name === 'SpecInvalid' ? 'The spec is not valid' : 'The body is not valid',
      body.error,
    );
  }
  return await run({ params: params.data, query: query.data, body: body.data, actor }, deps, invocation);
}

export interface ApiDefinition<Deps> {
  /** The file's stem: `api-read`. */
  readonly name: string;
  /** Builds the clients, at the first request: importing a function needs no environment. */
  readonly deps: (config: Config) => Deps;
  readonly routes: readonly Route<Deps>[];
}

const noStore = { 'cache-control': 'no-store' };

/** A Lambda handler for some of the API's routes. It answers every failure, and logs it once. */
export function apiFunction<Deps>(
  definition: ApiDefinition<Deps>,
): (event: unknown, context: Context) => Promise<HttpAnswer> {
  const logger = new Logger({ serviceName: definition.name });
  let prepared: { config: Config; deps: Deps } | undefined;

  return middy<unknown, HttpAnswer, Error, Context>()
    .use({
      onError: (request) => {
        const error = toApiError(request.error);
        const line = { errorName: error.name, details: error.details, error: request.error as Error };
        if (error.status >= 500) logger.error(error.message, line);
        else logger.info(error.message, { errorName: error.name, details: error.details });
        request.response = {
          statusCode: error.status,
          headers: {
            ...noStore,
            'content-type': 'application/problem+json',
            ...(error.status === 503 ? { 'retry-after': '2' } : {}),
          },
          body: JSON.stringify(problemOf(error, request.context.awsRequestId)),
        };
      },
    })
    .handler(async (input, context) => {
      const event = httpEvent.parse(input);
      if (prepared === undefined) {
        const config = readConfig(process.env);
        prepared = { config, deps: definition.deps(config) };
      }
      bePatientUntil(systemClock.now().getTime() + patienceOfRequestMilliseconds);
      const answer = await dispatch(definition.routes, event, prepared.deps, {
        clock: systemClock,
        config: prepared.config,
        requestId: context.awsRequestId,
        remainingMilliseconds: () => context.getRemainingTimeInMillis(),
        log: logger,
      });
      return {
        statusCode: answer.status,
        headers: {
          ...noStore,
          'content-type': 'application/json',
          ...(answer.location === undefined ? {} : { location: answer.location }),
        },
        body: JSON.stringify(answer.body),
      };
    }) as (event: unknown, context: Context) => Promise<HttpAnswer>; // middy also types the callback form, which nothing uses
}
