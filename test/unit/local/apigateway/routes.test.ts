import { describe, expect, it } from 'vitest';
import { checkRouteKey, matchRoute, type Route } from '../../../../local/services/apigateway/routes.ts';

const routes: Route[] = [
  'GET /fleets/{fleet}',
  'GET /fleets/all',
  'ANY /fleets/{fleet}',
  'GET /lineage/{id+}',
  'GET /',
  'GET /fleets',
].map((routeKey) => ({ routeKey, integrationId: routeKey, authorizationType: 'AWS_IAM' }));

describe('the route of a request', () => {
  it.each([
    ['GET', '/fleets/all', 'GET /fleets/all', {}],
    ['GET', '/fleets/web', 'GET /fleets/{fleet}', { fleet: 'web' }],
    ['DELETE', '/fleets/web', 'ANY /fleets/{fleet}', { fleet: 'web' }],
    ['GET', '/lineage/web/v7', 'GET /lineage/{id+}', { id: 'web/v7' }],
    ['GET', '/', 'GET /', {}],
    ['GET', '/fleets', 'GET /fleets', {}],
  ])('%s %s is %s', (method, path, routeKey, pathParameters) => {
    expect(matchRoute(routes, method, path)).toMatchObject({ route: { routeKey }, pathParameters });
  });

  it.each([
    ['POST', '/'],
    ['GET', '/fleets/'],
    ['GET', '/fleets/web/more'],
    ['GET', '/lineage/'],
    ['GET', '/nothing'],
  ])('%s %s has none', (method, path) => {
    expect(matchRoute(routes, method, path)).toBeUndefined();
  });

  it('is the default where there is one and nothing else fits', () => {
    const fallback: Route = { routeKey: '$default', integrationId: 'x', authorizationType: 'NONE' };
    expect(matchRoute([fallback, ...routes], 'GET', '/nothing')?.route).toBe(fallback);
    expect(matchRoute([fallback, ...routes], 'GET', '/fleets')?.route.routeKey).toBe('GET /fleets');
  });

  it.each(['GET fleets', 'FETCH /x', 'GET /{id+}/more', 'GET /a{b}', 'GET /x y'])('%s is no key', (key) => {
    expect(() => checkRouteKey(key)).toThrow(/not formatted properly/);
  });
});
