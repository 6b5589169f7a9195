/** `GET /_region`: what exists, what runs, what was called, for a person or as JSON. It changes nothing. */
import type { Context } from '../context.ts';
import { view } from '../faults/door.ts';
import type { Faults } from '../faults/faults.ts';
import type { Iam } from '../iam/iam.ts';
import type { Service } from '../service.ts';
import type { Throttles } from '../throttling/throttles.ts';
import { traceRoot } from '../trace.ts';
import type { Front } from '../wire/front-door.ts';
import { namesNoBucket, queryPairs, splitUrl } from '../wire/http.ts';
import { executionView, renderExecution } from './execution-view.ts';
import { renderPage } from './html.ts';
import type { CallLog, LoggedCall } from './log.ts';
import { type Ask, asker, historyOf, type Survey, survey } from './survey.ts';

/** What the page tells; `?format=json` gives it as it is. */
export interface Look {
  readonly region: string;
  readonly account: string;
  readonly now: string;
  /** Executions that run, instances that are up: what would be lost if the region ended now. */
  readonly runs: Survey;
  readonly exists: Survey;
  /** What single services tell besides: buckets with their keys, tables, users and roles, HTTP APIs, what throttles. */
  readonly services: Readonly<Record<string, unknown>>;
  readonly faults: readonly ReturnType<typeof view>[];
  /** The steps of the executions that were asked for by name, as the console would draw them; without their data. */
  readonly executions: readonly { readonly arn: string; readonly steps: string }[];
  readonly callsSinceStart: number;
  /** Newest first, as filtered. */
  readonly calls: readonly (Omit<LoggedCall, 'at'> & { readonly when: string })[];
}

export interface LookedAt {
  readonly context: Context;
  readonly iam: Iam;
  readonly services: ReadonlyMap<string, Service>;
  readonly log: CallLog;
  readonly faults: Faults;
  readonly throttles: Throttles;
}

/** How many calls the page shows. */
const shown = 500;

/**
 * The region's own page. `?format=json` or `Accept: application/json` gives data. `?who=` and `?q=` filter the calls
 * by caller and by any text, `?outcome=denied|error|ok` by how they ended (`?denied` for short), and `?rollout=web-3`
 * keeps what the execution of that name caused, the functions' calls included (`?execution=` is the same, and takes
 * an ARN, too).
 */
export function createLook(looked: LookedAt): Front {
  const { context } = looked;
  return {
    matches: (request) => namesNoBucket(request) && splitUrl(request.url).path === '/_region',
    handle: async (request) => {
      if (request.method !== 'GET')
        return { status: 405, headers: { allow: 'GET', 'content-type': 'text/plain' }, body: 'Read only.\n' };
      const query = new Map(queryPairs(splitUrl(request.url).query, true));
      const look = await context.clock.hold(takeLook(looked, query));
      const json = query.get('format') === 'json' || request.headers.accept?.includes('application/json');
      return json
        ? {
            status: 200,
            headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
            body: JSON.stringify(look, null, 2),
          }
        : { status: 200, headers: pageHeaders, body: renderPage(look, query) };
    },
  };
}

const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
  'cache-control': 'no-store',
};

async function takeLook(looked: LookedAt, query: ReadonlyMap<string, string>): Promise<Look> {
  const { context, iam, services, log, faults, throttles } = looked;
  const ask = asker(services, iam.root);
  const found = await survey(ask);
  const { executions = [], instances = [], ...rest } = found;
  const told: Record<string, unknown> = { iam: iam.look(), throttling: throttles.list() };
  for (const service of services.values()) {
    const what = service.look?.();
    if (what !== undefined) told[service.id] = what;
  }
  const wanted = query.get('outcome') || (query.has('denied') ? 'denied' : '');
  const asked = askedFor(query.get('rollout') || query.get('execution') || '', executions);
  const roots = asked?.map((arn) => traceRoot(arn));
  const calls = log
    .list({ who: query.get('who'), q: query.get('q') })
    .filter((call) => wanted === '' || call.outcome === wanted)
    .filter((call) => roots?.some((root) => call.trace?.includes(root)) ?? true)
    .slice(-shown)
    .reverse()
    .map(({ at, ...call }) => ({ when: new Date(at).toISOString(), ...call }));
  return {
    region: context.regionName,
    account: context.accountId,
    now: new Date(context.clock.now()).toISOString(),
    runs: {
      executions: executions.filter(({ status }) => status === 'RUNNING'),
      instances: instances.filter(({ state }) => state === 'running' || state === 'pending'),
    },
    exists: { executions, instances, ...rest },
    services: told,
    faults: faults.list().map(view),
    executions: await stepsOf(ask, asked ?? []),
    callsSinceStart: log.total,
    calls,
  };
}

/** The executions of that name or ARN; undefined where none is asked for. */
function askedFor(wanted: string, executions: Survey[string]): readonly string[] | undefined {
  if (wanted === '') return undefined;
  return executions
    .filter(({ name, arn }) => name === wanted || arn === wanted)
    .map(({ arn }) => String(arn));
}

async function stepsOf(ask: Ask, arns: readonly string[]): Promise<Look['executions']> {
  return await Promise.all(
    arns.map(async (arn) => ({ arn, steps: renderExecution(executionView(await historyOf(ask, arn))) })),
  );
}
