/**
 * Which route of an HTTP API a request takes.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
 */
import { AwsError } from '../../service.ts';

export interface Route {
  /** `GET /fleets/{fleet}`, or `$default`. */
  readonly routeKey: string;
  readonly integrationId: string;
  readonly authorizationType: 'NONE' | 'AWS_IAM';
}

export interface RouteMatch {
  readonly route: Route;
  /** Decoded. */
  readonly pathParameters: Readonly<Record<string, string>>;
}

const methods = ['ANY', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'];

/** @throws AwsError BadRequestException for a key that API Gateway would not take. */
export function checkRouteKey(routeKey: string): void {
  if (routeKey === '$default') return;
  const [method = '', path = '', ...rest] = routeKey.split(' ');
  const segments = path.split('/').slice(1);
  const wellFormed = segments.every((segment, index) =>
    /[{}]/.test(segment)
      ? /^\{[^{}+]+\}$/.test(segment) || (/^\{[^{}+]+\+\}$/.test(segment) && index === segments.length - 1)
      : true,
  );
  if (!methods.includes(method) || !path.startsWith('/') || rest.length > 0 || !wellFormed)
    throw new AwsError(
      'BadRequestException',
      `The provided route key is not formatted properly: ${routeKey}`,
    );
}

/** How well a path fits: a text beats a variable, which beats the rest of the path. Lower is better. */
function rank(segment: string): number {
  if (segment.endsWith('+}')) return 2;
  return segment.startsWith('{') ? 1 : 0;
}

function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/').slice(1);
  const given = path.split('/').slice(1);
  const parameters: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    const value = given[index];
    // A variable takes no empty segment, and a greedy one takes at least one.
    if (segment.endsWith('+}')) {
      const rest = given.slice(index).join('/');
      if (rest === '') return undefined;
      parameters[segment.slice(1, -2)] = rest;
      return parameters;
    }
    if (value === undefined) return undefined;
    if (segment.startsWith('{')) {
      if (value === '') return undefined;
      parameters[segment.slice(1, -1)] = value;
    } else if (segment !== value) return undefined;
  }
  return wanted.length === given.length ? parameters : undefined;
}

/** @param path decoded, as API Gateway matches it. */
export function matchRoute(routes: readonly Route[], method: string, path: string): RouteMatch | undefined {
  const found: { match: RouteMatch; ranks: string }[] = [];
  for (const route of routes) {
    if (route.routeKey === '$default') {
      found.push({ match: { route, pathParameters: {} }, ranks: '9' });
      continue;
    }
    const [wanted = '', pattern = ''] = route.routeKey.split(' ');
    if (wanted !== method && wanted !== 'ANY') continue;
    const pathParameters = matchPath(pattern, path);
    if (pathParameters === undefined) continue;
    const ranks = pattern.split('/').slice(1).map(rank).join('') + (wanted === 'ANY' ? '1' : '0');
    found.push({ match: { route, pathParameters }, ranks });
  }
  found.sort((a, b) => (a.ranks < b.ranks ? -1 : a.ranks > b.ranks ? 1 : 0));
  return found[0]?.match;
}
