import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FlotillaError } from '../../../src/errors.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { dispatch, httpEvent, matchPath, route } from '../../../src/runtime/http.ts';
import { problemOf, toApiError } from '../../../src/runtime/problem.ts';

const seen: unknown[] = [];
const note = (name: string) => async (request: object) => {
  seen.push({ name, ...request });
  return { status: 200 as const, body: {} };
};
const routes = [
  route('getFleet', note('getFleet')),
  route('applyFleet', note('applyFleet')),
  route('getLineage', note('getLineage')),
  route('requestRollout', note('requestRollout')),
  route('listUploads', note('listUploads')),
];

interface Sent {
  readonly query?: Record<string, string>;
  readonly body?: string;
  readonly signed?: boolean;
  readonly agent?: string;
  readonly stage?: string;
}

function send(
  method: string,
  path: string,
  { query, body, signed = true, agent = 'curl', stage = '$default' }: Sent = {},
) {
  seen.length = 0;
  const event = httpEvent.parse({
    rawPath: path,
    ...(query === undefined ? {} : { queryStringParameters: query }),
    headers: { 'user-agent': agent },
    ...(body === undefined ? {} : { body }),
    requestContext: {
      requestId: 'r',
      stage,
      http: { method, sourceIp: '192.0.2.1' },
      ...(signed ? { authorizer: { iam: { userArn: 'arn:aws:iam::1:user/ann' } } } : {}),
    },
  });
  const invocation = {
    clock: systemClock,
    config: undefined as never, // no route of this table looks at it
    requestId: 'r',
    remainingMilliseconds: () => 10_000,
    log: { info: () => {}, warn: () => {} } as never, // nor at the log
  };
  return dispatch(routes, event, {}, invocation);
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable(),
    (error: FlotillaError) => error,
  );

describe('a path', () => {
  it('gives its values, decoded', () => {
    expect(matchPath('/fleets/{fleet}', '/fleets/web')).toEqual({ fleet: 'web' });
    expect(matchPath('/lineage/{id+}', '/lineage/web%2Fv7')).toEqual({ id: 'web/v7' });
    expect(matchPath('/lineage/{id+}', '/lineage/web/v7')).toEqual({ id: 'web/v7' });
    expect(matchPath('/lineage/{id+}', '/lineage/50%')).toEqual({ id: '50%' });
    expect(matchPath('/fleets/{fleet}', '/fleets/web/releases')).toBeUndefined();
    expect(matchPath('/fleets/{fleet}', '/uploads/web')).toBeUndefined();
  });

  it('of any kind is matched or not, and never breaks', () => {
    fc.assert(fc.property(fc.string(), (path) => void matchPath('/lineage/{id+}', `/${path}`)));
  });
});

describe('a request', () => {
  it('reaches its route with the caller as actor', async () => {
    await send('GET', '/fleets/web');
    expect(seen).toMatchObject([
      {
        name: 'getFleet',
        params: { fleet: 'web' },
        actor: { principal: 'arn:aws:iam::1:user/ann', sourceIp: '192.0.2.1', through: 'api' },
      },
    ]);
    await send('GET', '/live/fleets/web/', { agent: 'flotilla/0.1.0', stage: 'live' });
    expect(seen).toMatchObject([{ name: 'getFleet', actor: { through: 'command' } }]);
  });

  it('without a caller is refused, whatever the gateway let through', async () => {
    expect((await failure(send('GET', '/fleets/web', { signed: false }))).name).toBe('NotAuthorised');
    expect(seen).toEqual([]);
  });

  it('to another address is told that there is none', async () => {
    expect((await failure(send('GET', '/flets'))).name).toBe('RouteNotFound');
    expect((await failure(send('PATCH', '/fleets/web'))).name).toBe('RouteNotFound');
  });

  it('with a wrong spec names every wrong field, unknown ones too', async () => {
    const body = JSON.stringify({ rule: { hosts: [] }, healthCheck: { path: 'x', intervalSecond: 5 } });
    const error = await failure(send('PUT', '/fleets/web', { body }));
    expect(error.name).toBe('SpecInvalid');
    const { fields } = error.details as { fields: string[] };
    expect(fields.join('\n')).toMatch(/^rule: name at least one/m);
    expect(fields.join('\n')).toMatch(/^healthCheck\.path: /m);
    expect(fields.join('\n')).toMatch(/^healthCheck\.intervalSecond: there is no such field/m);
  });

  it('with a body that is no JSON, a wrong name or an unknown query is RequestInvalid', async () => {
    expect((await failure(send('PUT', '/fleets/web', { body: '{' }))).name).toBe('RequestInvalid');
    expect((await failure(send('GET', '/fleets/Web'))).name).toBe('RequestInvalid');
    expect((await failure(send('GET', '/uploads', { query: { flet: 'web' } }))).name).toBe('RequestInvalid');
    expect((await failure(send('GET', '/uploads', { query: { limit: '1000' } }))).name).toBe(
      'RequestInvalid',
    );
  });

  it('for a rollout names exactly one thing to deploy; v7 and 7 are the same release', async () => {
    const ask = (body: object) => send('POST', '/fleets/web/rollouts', { body: JSON.stringify(body) });
    expect((await failure(ask({}))).name).toBe('RequestInvalid');
    expect((await failure(ask({ release: 7, image: 'ami-12345678' }))).name).toBe('RequestInvalid');
    await ask({ release: 'v7' });
    expect(seen).toMatchObject([{ body: { release: 7, force: false, plan: false } }]);
  });

  it('with any body is answered by the route or by a named error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), async (body) => {
        const error = await send('PUT', '/fleets/web', { body }).catch((thrown: FlotillaError) => thrown);
        expect(['SpecInvalid', 'RequestInvalid', undefined]).toContain((error as FlotillaError).name);
      }),
      { numRuns: 100 },
    );
  });
});

describe('a problem document', () => {
  it('has what RFC 9457 asks for, and what to do', async () => {
    const error = await failure(send('GET', '/flets'));
    expect(problemOf(error, 'r-1')).toEqual({
      type: 'urn:flotilla:error:RouteNotFound',
      title: 'The API has no such address',
      status: 404,
      detail: 'There is no GET /flets.',
      instance: 'urn:flotilla:request:r-1',
      name: 'RouteNotFound',
      advice: expect.stringContaining('docs/api.md'),
      details: {},
    });
  });

  it('tells a stranger nothing of a fault of ours', () => {
    const document = problemOf(toApiError(new TypeError('secret words')), 'r');
    expect(document).toMatchObject({ name: 'InternalError', status: 500 });
    expect(JSON.stringify(document)).not.toContain('secret');
  });

  it('asks to try again where AWS was busy', () => {
    const busy = Object.assign(new Error('slow down'), { name: 'ThrottlingException' });
    expect(problemOf(toApiError(busy), 'r')).toMatchObject({
      status: 503,
      advice: expect.stringContaining('again'),
    });
  });
});
