import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRegion, type Region } from '../../../../local/region.ts';

let region: Region;
let apiId: string;
beforeAll(async () => {
  region = await createRegion({ seed: 1 });
  const { httpApis } = region.parts;
  ({ apiId } = httpApis.createApi({ name: 'test', protocolType: 'HTTP', disabled: false }));
  const integrationId = httpApis.createIntegration(apiId, {
    integrationType: 'AWS_PROXY',
    integrationUri: 'arn:aws:lambda:us-east-1:000000000000:function:nobody',
    payloadFormatVersion: '2.0',
    timeoutMs: 30_000,
  });
  httpApis.createRoute(apiId, {
    routeKey: 'GET /fleets/{fleet}',
    target: `integrations/${integrationId}`,
    authorizationType: 'AWS_IAM',
  });
  httpApis.createStage(apiId, { stageName: '$default', autoDeploy: true, burst: 4, perSecond: 0.001 });
});
afterAll(() => region.close());

async function get(path: string, keys?: { accessKeyId: string; secretAccessKey: string }) {
  const url = `/_api/${apiId}${path}`;
  const plain = {
    method: 'GET',
    protocol: 'http:',
    hostname: '127.0.0.1',
    path: url,
    headers: { host: '127.0.0.1' },
  };
  const signed =
    keys === undefined
      ? plain
      : await new SignatureV4({
          service: 'execute-api',
          region: 'us-east-1',
          credentials: keys,
          sha256: Sha256,
        }).sign(plain);
  const { status, body } = await region.handle({
    method: 'GET',
    url,
    headers: signed.headers as Record<string, string>,
    body: new Uint8Array(),
  });
  return { status, body: String(body) };
}

describe('an HTTP API with a route for signed requests', () => {
  it('has nothing elsewhere', async () => {
    expect(await get('/nothing')).toEqual({ status: 404, body: '{"message":"Not Found"}' });
  });

  it('refuses whoever does not sign', async () => {
    expect((await get('/fleets/web')).status).toBe(403);
  });

  it('refuses whoever may not invoke this very path', async () => {
    const arn = `arn:aws:execute-api:us-east-1:000000000000:${apiId}/$default/GET/fleets/other`;
    const keys = region.iam.createUser('other', [
      { Statement: [{ Effect: 'Allow', Action: 'execute-api:Invoke', Resource: arn }] },
    ]);
    expect(await get('/fleets/web', keys)).toEqual({ status: 403, body: '{"message":"Forbidden"}' });
  });

  it('lets in whoever may; a function that cannot be called is an error of the server', async () => {
    expect(await get('/fleets/web', region.createOperator())).toEqual({
      status: 500,
      body: '{"message":"Internal Server Error"}',
    });
  });

  it('brakes callers gone wild', async () => {
    await get('/fleets/web');
    expect(await get('/fleets/web')).toEqual({ status: 429, body: '{"message":"Too Many Requests"}' });
  });
});
