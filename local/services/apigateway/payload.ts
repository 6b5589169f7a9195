/**
 * What a function gets from an HTTP API and what its answer becomes: payload format 2.0.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
 */
import type { Principal } from '../../service.ts';
import { queryPairs, type WireResponse } from '../../wire/http.ts';

export interface ProxyRequest {
  readonly apiId: string;
  readonly accountId: string;
  readonly stage: string;
  readonly domainName: string;
  readonly requestId: string;
  readonly nowMs: number;
  readonly routeKey: string;
  readonly method: string;
  /** Decoded: https://github.com/middleapi/standard-server/pull/93 */
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly pathParameters: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly sourceIp: string;
  readonly caller: { readonly principal: Principal; readonly accessKey: string } | undefined;
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `12/Mar/2020:19:03:58 +0000` */
function commonLogTime(nowMs: number): string {
  const at = new Date(nowMs);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(at.getUTCDate())}/${months[at.getUTCMonth()]}/${at.getUTCFullYear()}:${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} +0000`;
}

/** Bodies of these types arrive as text; all others, forms among them, in base64. */
function isText(contentType: string | undefined): boolean {
  return /^(text\/|application\/(json|javascript|xml|[^;]+\+(json|xml))\b)/i.test(contentType ?? '');
}

/** Repeated parameters come joined by commas. */
function joined(pairs: readonly (readonly [string, string])[]): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, value] of pairs) {
    const before = values[name];
    values[name] = before === undefined ? value : `${before},${value}`;
  }
  return values;
}

/** The event; members without a value are left out, as API Gateway does. */
export function proxyEvent(request: ProxyRequest): object {
  // The signature is API Gateway's business; a function that read it would depend on more than is documented.
  const { authorization: _, 'x-amz-security-token': __, cookie, ...headers } = request.headers;
  const query = joined(queryPairs(request.query, true));
  const { principal, accessKey } = request.caller ?? {};
  const text = isText(headers['content-type']);
  return {
    version: '2.0',
    routeKey: request.routeKey,
    rawPath: request.path,
    rawQueryString: request.query,
    ...(cookie === undefined ? {} : { cookies: cookie.split(/;\s*/) }),
    headers,
    ...(Object.keys(query).length === 0 ? {} : { queryStringParameters: query }),
    requestContext: {
      accountId: request.accountId,
      apiId: request.apiId,
      ...(principal === undefined
        ? {}
        : {
            authorizer: {
              iam: {
                accessKey,
                accountId: request.accountId,
                callerId: principal.userId,
                cognitoIdentity: null,
                principalOrgId: null,
                userArn: principal.arn,
                userId: principal.userId,
              },
            },
          }),
      domainName: request.domainName,
      domainPrefix: request.apiId,
      http: {
        method: request.method,
        path: request.path,
        protocol: 'HTTP/1.1',
        sourceIp: request.sourceIp,
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: request.requestId,
      routeKey: request.routeKey,
      stage: request.stage,
      time: commonLogTime(request.nowMs),
      timeEpoch: request.nowMs,
    },
    ...(Object.keys(request.pathParameters).length === 0 ? {} : { pathParameters: request.pathParameters }),
    ...(request.body.length === 0
      ? {}
      : { body: Buffer.from(request.body).toString(text ? 'utf8' : 'base64') }),
    isBase64Encoded: request.body.length > 0 && !text,
  };
}

/** An answer in API Gateway's own words. */
export function message(status: number, text: string): WireResponse {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ message: text }),
  };
}

/** What the caller gets for a function's result (JSON text). A malformed one is the function's failure. */
export function proxyAnswer(payload: string): WireResponse {
  let result: unknown;
  try {
    result = JSON.parse(payload);
  } catch {
    return message(500, 'Internal Server Error');
  }
  if (typeof result !== 'object' || result === null || !('statusCode' in result)) {
    // A bare result: 200, and the result is the body.
    const body = typeof result === 'string' ? result : JSON.stringify(result);
    return { status: 200, headers: { 'content-type': 'application/json' }, body };
  }
  const { statusCode, headers, body, cookies, isBase64Encoded } = result as Record<string, unknown>;
  const status = Number(statusCode);
  const wellFormed =
    Number.isInteger(status) &&
    status >= 200 &&
    status <= 599 &&
    (body === undefined || body === null || typeof body === 'string') &&
    (headers === undefined || headers === null || typeof headers === 'object');
  if (!wellFormed) return message(500, 'Internal Server Error');
  const lowered = Object.fromEntries(
    Object.entries((headers ?? {}) as object).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
  const bytes = typeof body === 'string' ? body : '';
  return {
    status,
    headers: {
      'content-type': 'text/plain;charset=UTF-8',
      ...lowered,
      // "In the response to the client, each cookie becomes a set-cookie header."
      ...(Array.isArray(cookies) && cookies.length > 0 ? { 'set-cookie': cookies.map(String) } : {}),
    },
    body: isBase64Encoded === true ? Buffer.from(bytes, 'base64') : bytes,
  };
}
