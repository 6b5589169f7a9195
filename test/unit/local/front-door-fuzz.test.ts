/** Whatever is sent to the front door, it answers, and never by breaking. */
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRegion, type Region } from '../../../local/region.ts';

let region: Region;
let keys: { accessKeyId: string; secretAccessKey: string };

beforeAll(async () => {
  region = await createRegion({ seed: 13 });
  keys = region.createOperator();
});

afterAll(() => region.close());

const key = fc.oneof(
  fc.constantFrom(
    'Action',
    'Version',
    'uploads',
    'versionId',
    'tagging',
    'list-type',
    'partNumber',
    'uploadId',
    'delete',
  ),
  fc.string({ maxLength: 6 }),
);
const body = fc.oneof(
  fc.string(),
  fc.json(),
  fc.constantFrom(
    'Action=GetCallerIdentity&Version=2011-06-15',
    'Action=AssumeRole&RoleArn.member.1=x',
    '<Delete><Object><Key>a</Key></Object></Delete>',
    '<!DOCTYPE a [<!ENTITY b "c">]><Delete>&b;</Delete>',
    '{"TableName":{"S":1}}',
    '{"TransactItems":[{"Put":{}}]}',
    '{"TransactItems":[null]}',
  ),
);
const request = fc.record({
  service: fc.constantFrom('s3', 'dynamodb', 'sts'),
  method: fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'HEAD', 'PATCH'),
  path: fc
    .array(fc.string({ maxLength: 8 }), { maxLength: 3 })
    .map((parts) => `/${parts.map(encodeURIComponent).join('/')}`),
  query: fc.dictionary(key, fc.oneof(fc.constant(''), fc.constant('2'), fc.string({ maxLength: 5 })), {
    maxKeys: 3,
  }),
  extra: fc.dictionary(
    fc.constantFrom(
      'range',
      'if-match',
      'x-amz-copy-source',
      'x-amz-tagging',
      'content-md5',
      'x-amz-checksum-crc32',
      'expires',
      'content-length',
    ),
    fc.stringMatching(/^[ -~]{0,8}$/),
    { maxKeys: 2 },
  ),
  target: fc.constantFrom(
    'PutItem',
    'TransactWriteItems',
    'CreateTable',
    'Query',
    'ListTables',
    'Nothing',
    '',
  ),
  body,
});

test('a signed request, however strange, is answered without breaking', { timeout: 30_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(request, async ({ service, method, path, query, extra, target, body: text }) => {
      const signer = new SignatureV4({
        service,
        region: 'us-east-1',
        credentials: keys,
        sha256: Sha256,
        uriEscapePath: service !== 's3',
      });
      const headers = {
        host: 'localhost',
        ...(service === 'dynamodb' ? { 'x-amz-target': `DynamoDB_20120810.${target}` } : {}),
        ...extra,
      };
      const signed = await signer.sign({
        protocol: 'http:',
        hostname: 'localhost',
        method,
        path,
        query,
        headers,
        body: text,
      });
      const encoded = Object.entries(query)
        .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
        .join('&');
      const response = await region.handle({
        method,
        url: encoded === '' ? path : `${path}?${encoded}`,
        headers: signed.headers,
        body: Buffer.from(text),
      });
      expect(response.status).not.toBe(500);
      // However the path is spelt, the signature over it is found to be right.
      expect(response.body).not.toContain('SignatureDoesNotMatch');
    }),
    { numRuns: 500 },
  );
});

test('an unsigned request, however strange, is answered and let nowhere', async () => {
  const strange = fc.record({
    method: fc.string({ minLength: 1, maxLength: 6 }),
    url: fc.oneof(fc.webPath(), fc.string()),
    headers: fc.dictionary(
      fc.constantFrom(
        'authorization',
        'x-amz-date',
        'x-amz-target',
        'content-type',
        'x-amz-content-sha256',
        'origin',
      ),
      fc.oneof(
        fc.string(),
        fc.constantFrom(
          'AWS4-HMAC-SHA256 ',
          'AWS4-HMAC-SHA256 Credential=a/b/c/d/e',
          'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        ),
      ),
    ),
  });
  await fc.assert(
    fc.asyncProperty(strange, async ({ method, url, headers }) => {
      fc.pre(!url.startsWith('/_region'));
      const response = await region.handle({
        method,
        url,
        headers: { host: 'localhost', ...headers },
        body: new Uint8Array(),
      });
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.status).not.toBe(500);
    }),
    { numRuns: 500 },
  );
});
