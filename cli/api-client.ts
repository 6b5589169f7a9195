/** Signed calls to the HTTP API; what it refuses becomes an error with an exit code. */
import { setTimeout } from 'node:timers/promises';
import * as z from 'zod';
import { type AnswerOf, type OperationName, operations } from '../src/contracts/api.ts';
import { type Problem, problem } from '../src/contracts/api-views.ts';
import type { Connection } from './connection.ts';
import { CommandError, type ExitCode, exitCodes } from './exit-codes.ts';
import { openSigner } from './signing.ts';

export interface Parts {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: object;
}

export interface ApiClient {
  /** @throws ApiRefusal for an answer of the API, CommandError where there is none */
  call<N extends OperationName>(name: N, parts?: Parts): Promise<AnswerOf<N>>;
  readonly connection: Connection;
}

/** The API answered with a problem document. */
export class ApiRefusal extends CommandError {
  readonly problem: Problem;

  constructor(document: Problem) {
    super(exitCodeOf(document.status), document.detail, { advice: document.advice, details: document });
    this.problem = document;
  }
}

/** Of API Gateway or the function behind it: another try may be answered. 502 may also be a refusal of AWS's that stays. */
const busy = new Set([429, 503, 504]);

function exitCodeOf(status: number): ExitCode {
  if (status === 401 || status === 403) return exitCodes.forbidden;
  if (busy.has(status)) return exitCodes.unreachable;
  return status >= 500 ? exitCodes.internal : exitCodes.refused;
}

/** Longer than the API's own 30 s, so that its answer decides. */
const timeoutMilliseconds = 35_000;
/** A long poll is a GET: it may be asked again without harm when the line drops or the service is busy. */
const triesOfGet = 4;

export interface ClientOptions {
  /** `flotilla/1.2.3`: lineage tells by it that the command asked. */
  readonly userAgent: string;
  readonly fetch?: typeof fetch;
  readonly sleep?: (milliseconds: number) => Promise<void>;
}

export function openApi(
  connection: Connection,
  { userAgent, fetch: send = fetch, sleep = setTimeout }: ClientOptions,
): ApiClient {
  const sign = openSigner('execute-api', connection);

  async function once(method: string, url: URL, body: string | undefined): Promise<Response> {
    const headers = await sign({
      method,
      url,
      headers: {
        'user-agent': userAgent,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body,
    });
    return await send(url, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(timeoutMilliseconds),
      redirect: 'error',
    });
  }

  return {
    connection,
    async call(name, { params = {}, query = {}, body } = {}) {
      const operation = operations[name];
      const path = operation.path.replaceAll(/\{(\w+)\+?\}/g, (_, key: string) =>
        encodeURIComponent(params[key] ?? ''),
      );
      const url = new URL(`${connection.apiUrl}${path}`);
      for (const [key, value] of Object.entries(query)) {
        if (value !== undefined) url.searchParams.set(key, String(value));
      }
      const text = body === undefined ? undefined : JSON.stringify(body);
      for (let attempt = 1; ; attempt += 1) {
        const last = operation.method !== 'GET' || attempt === triesOfGet;
        let response: Response;
        try {
          response = await once(operation.method, url, text);
        } catch (error) {
          if (!last) {
            await sleep(pauseMilliseconds(attempt));
            continue;
          }
          throw unreachable(connection.apiUrl, error);
        }
        if (!last && busy.has(response.status)) {
          await response.arrayBuffer();
          await sleep(pauseMilliseconds(attempt));
          continue;
        }
        const answer = await parsed(response);
        const schema: z.ZodType | undefined = (operation.answers as Record<number, z.ZodType>)[
          response.status
        ];
        if (schema === undefined) throw refusal(response.status, answer);
        // The schema at this status is one of the operation's own.
        return schema.parse(answer) as AnswerOf<typeof name>;
      }
    },
  };
}

/** 0.25, 0.5 and 1 s: a person waits for it. */
function pauseMilliseconds(attempt: number): number {
  return 125 * 2 ** attempt;
}

async function parsed(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    return { message: text.slice(0, 500) };
  }
}

function refusal(status: number, answer: unknown): CommandError {
  const document = problem.safeParse(answer);
  if (document.success) return new ApiRefusal(document.data);
  // API Gateway's own refusals are `{"message": "Forbidden"}`.
  const said = z.object({ message: z.string() }).safeParse(answer);
  const words = said.success ? said.data.message : JSON.stringify(answer);
  return new CommandError(exitCodeOf(status), `The API answered ${status}: ${words}`, {
    ...(status === 403 ? { advice: 'Check the credentials, and their right to execute-api:Invoke.' } : {}),
    details: { status },
  });
}

function unreachable(url: string, error: unknown): CommandError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new CommandError(exitCodes.unreachable, `${url} does not answer: ${why}`, {
    advice: 'Check the URL and the network, or start a local region with flotilla up.',
  });
}
