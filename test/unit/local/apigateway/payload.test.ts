import { describe, expect, it } from 'vitest';
import { type ProxyRequest, proxyAnswer, proxyEvent } from '../../../../local/services/apigateway/payload.ts';
import { listen } from '../../../../local/wire/server.ts';

const request: ProxyRequest = {
  apiId: 'api1',
  accountId: '000000000000',
  stage: '$default',
  domainName: 'api1.execute-api.us-east-1.amazonaws.com',
  requestId: 'id=',
  nowMs: Date.UTC(2026, 2, 12, 19, 3, 58),
  routeKey: 'POST /fleets/{fleet}/rollouts',
  method: 'POST',
  path: '/fleets/web/rollouts',
  query: 'a=1&a=2&b=x%20y',
  headers: {
    'content-type': 'application/json',
    authorization: 'AWS4-HMAC-SHA256 …',
    'x-amz-security-token': 'secret',
    'user-agent': 'test',
    cookie: 'one=1; two=2',
  },
  pathParameters: { fleet: 'web' },
  body: Buffer.from('{"release":1}'),
  sourceIp: '127.0.0.1',
  caller: {
    accessKey: 'AKIA1',
    principal: { kind: 'user', arn: 'arn:aws:iam::000000000000:user/me', userId: 'AIDA1', policies: [] },
  },
};

describe('the event of an HTTP API', () => {
  it('has payload format 2.0', () => {
    expect(proxyEvent(request)).toEqual({
      version: '2.0',
      routeKey: 'POST /fleets/{fleet}/rollouts',
      rawPath: '/fleets/web/rollouts',
      rawQueryString: 'a=1&a=2&b=x%20y',
      cookies: ['one=1', 'two=2'],
      headers: { 'content-type': 'application/json', 'user-agent': 'test' },
      queryStringParameters: { a: '1,2', b: 'x y' },
      requestContext: {
        accountId: '000000000000',
        apiId: 'api1',
        authorizer: {
          iam: {
            accessKey: 'AKIA1',
            accountId: '000000000000',
            callerId: 'AIDA1',
            cognitoIdentity: null,
            principalOrgId: null,
            userArn: 'arn:aws:iam::000000000000:user/me',
            userId: 'AIDA1',
          },
        },
        domainName: 'api1.execute-api.us-east-1.amazonaws.com',
        domainPrefix: 'api1',
        http: {
          method: 'POST',
          path: '/fleets/web/rollouts',
          protocol: 'HTTP/1.1',
          sourceIp: '127.0.0.1',
          userAgent: 'test',
        },
        requestId: 'id=',
        routeKey: 'POST /fleets/{fleet}/rollouts',
        stage: '$default',
        time: '12/Mar/2026:19:03:58 +0000',
        timeEpoch: Date.UTC(2026, 2, 12, 19, 3, 58),
      },
      pathParameters: { fleet: 'web' },
      body: '{"release":1}',
      isBase64Encoded: false,
    });
  });

  it('leaves out what has no value', () => {
    const event = proxyEvent({
      ...request,
      headers: {},
      query: '',
      pathParameters: {},
      body: new Uint8Array(),
      caller: undefined,
    });
    for (const name of ['cookies', 'queryStringParameters', 'pathParameters', 'body'])
      expect(event).not.toHaveProperty(name);
    expect(event).not.toHaveProperty('requestContext.authorizer');
  });

  it.each([
    ['application/x-www-form-urlencoded', true],
    ['application/octet-stream', true],
    [undefined, true],
    ['text/plain; charset=utf-8', false],
    ['application/problem+json', false],
  ])('with a body of type %s comes in base64: %s', (type, encoded) => {
    const event = proxyEvent({ ...request, headers: type === undefined ? {} : { 'content-type': type } });
    expect(event).toMatchObject({
      isBase64Encoded: encoded,
      body: encoded ? Buffer.from('{"release":1}').toString('base64') : '{"release":1}',
    });
  });
});

describe('the answer of a function', () => {
  it('with a status is taken as it is', () => {
    const answer = { statusCode: 201, headers: { Location: '/x' }, body: 'made', cookies: ['a=1'] };
    expect(proxyAnswer(JSON.stringify(answer))).toEqual({
      status: 201,
      headers: { 'content-type': 'text/plain;charset=UTF-8', location: '/x', 'set-cookie': ['a=1'] },
      body: 'made',
    });
  });

  it('sets each of its cookies by a header of its own', async () => {
    const cookies = ['a=1; Expires=Thu, 12 Mar 2026 19:03:58 GMT', 'b=2'];
    const answer = proxyAnswer(JSON.stringify({ statusCode: 200, cookies }));
    const server = await listen(() => Promise.resolve(answer), 0);
    const { headers } = await fetch(`http://127.0.0.1:${server.port}/`);
    expect(headers.getSetCookie()).toEqual(cookies);
    await server.close();
  });

  it('without one is the body', () => {
    expect(proxyAnswer('{"a":1}')).toMatchObject({ status: 200, body: '{"a":1}' });
    expect(proxyAnswer('"hello"')).toMatchObject({ status: 200, body: 'hello' });
  });

  it('in base64 is bytes', () => {
    const answer = proxyAnswer(JSON.stringify({ statusCode: 200, body: 'AQI=', isBase64Encoded: true }));
    expect(answer.body).toEqual(Buffer.from([1, 2]));
  });

  it.each(['{"statusCode":"soon"}', '{"statusCode":200,"body":{}}', '{"statusCode":99}', 'no json'])(
    '%s is the function’s failure',
    (payload) => {
      expect(proxyAnswer(payload)).toMatchObject({
        status: 500,
        body: '{"message":"Internal Server Error"}',
      });
    },
  );
});
