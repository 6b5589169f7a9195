/** The front door without a socket: signed chunks, calls from inside, and what the log keeps. */
import { createHash, createHmac } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../local/clock.ts';
import { createRegion, type Region } from '../../../local/region.ts';

let region: Region;
let keys: { accessKeyId: string; secretAccessKey: string };
const timestamp = '20260101T000000Z';
const scope = '20260101/us-east-1/s3/aws4_request';

beforeEach(async () => {
  region = await createRegion({ clock: new VirtualClock(), seed: 5 });
  keys = region.createOperator();
  await region.call('s3', 'CreateBucket', { Bucket: 'chunks' });
});

afterEach(() => region.close());

const hash = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex');
const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest();

function signingKey(): Buffer {
  let key = hmac(`AWS4${keys.secretAccessKey}`, '20260101');
  for (const part of ['us-east-1', 's3', 'aws4_request']) key = hmac(key, part);
  return key;
}

/** A put whose head is signed, with the body given; signatures written down by hand, after AWS's page. */
function signedPut(key: string, declared: string, length: number, extra: Record<string, string> = {}) {
  const headers: Record<string, string> = {
    host: 'localhost:4566',
    'x-amz-content-sha256': declared,
    'x-amz-date': timestamp,
    'x-amz-decoded-content-length': String(length),
    ...extra,
  };
  const names = Object.keys(headers).sort();
  const canonical = [
    'PUT',
    `/chunks/${key}`,
    '',
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    declared,
  ].join('\n');
  const text = ['AWS4-HMAC-SHA256', timestamp, scope, hash(canonical)].join('\n');
  const signature = hmac(signingKey(), text).toString('hex');
  headers.authorization = `AWS4-HMAC-SHA256 Credential=${keys.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return { headers, signature, url: `/chunks/${key}` };
}

/** The chunks with their chain of signatures. */
function signedChunks(seed: string, chunks: readonly string[], trailer?: string): string {
  let previous = seed;
  let body = '';
  for (const chunk of [...chunks, '']) {
    const text = ['AWS4-HMAC-SHA256-PAYLOAD', timestamp, scope, previous, hash(''), hash(chunk)].join('\n');
    previous = hmac(signingKey(), text).toString('hex');
    body += `${chunk.length.toString(16)};chunk-signature=${previous}\r\n${chunk}`;
    if (chunk !== '') body += '\r\n';
  }
  if (trailer === undefined) return `${body}\r\n`;
  const text = ['AWS4-HMAC-SHA256-TRAILER', timestamp, scope, previous, hash(`${trailer}\n`)].join('\n');
  return `${body}${trailer}\r\nx-amz-trailer-signature:${hmac(signingKey(), text).toString('hex')}\r\n\r\n`;
}

/** The body in pieces of odd sizes, as a socket brings them. */
function inPieces(text: string): Readable {
  const pieces = text.match(/[\s\S]{1,7}/g) ?? [];
  return Readable.from(pieces.map((piece) => Buffer.from(piece)));
}

async function stored(key: string): Promise<string | undefined> {
  try {
    const output = (await region.call('s3', 'GetObject', { Bucket: 'chunks', Key: key })) as {
      Body: Uint8Array;
    };
    return Buffer.from(output.Body).toString();
  } catch {
    return undefined;
  }
}

describe('signed chunks', () => {
  const declared = 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD';

  test('are put together when every signature in the chain is right', async () => {
    const { headers, signature, url } = signedPut('a', declared, 11);
    const body = inPieces(signedChunks(signature, ['hello ', 'world']));
    const response = await region.handle({ method: 'PUT', url, headers, body });
    expect(response).toMatchObject({ status: 200 });
    expect(await stored('a')).toBe('hello world');
  });

  test('are refused when one byte was changed on the way', async () => {
    const { headers, signature, url } = signedPut('a', declared, 11);
    const body = inPieces(signedChunks(signature, ['hello ', 'world']).replace('world', 'wOrld'));
    const response = await region.handle({ method: 'PUT', url, headers, body });
    expect(response.status).toBe(403);
    expect(response.body).toContain('SignatureDoesNotMatch');
    expect(await stored('a')).toBeUndefined();
  });

  test('carry a signed checksum behind them, which must be that of the bytes', async () => {
    const kind = `${declared}-TRAILER`;
    const { headers, signature, url } = signedPut('a', kind, 5, { 'x-amz-trailer': 'x-amz-checksum-crc32' });
    const right = signedChunks(signature, ['hello'], 'x-amz-checksum-crc32:NhCmhg==');
    expect((await region.handle({ method: 'PUT', url, headers, body: inPieces(right) })).status).toBe(200);
    const wrong = signedChunks(signature, ['hello'], 'x-amz-checksum-crc32:AAAAAA==');
    const refused = await region.handle({ method: 'PUT', url, headers, body: inPieces(wrong) });
    expect(refused.body).toContain('BadDigest');
    const forged = right.replace('NhCmhg==', 'AAAAAA==');
    const refusedToo = await region.handle({ method: 'PUT', url, headers, body: inPieces(forged) });
    expect(refusedToo.body).toContain('SignatureDoesNotMatch');
  });
});

describe('unsigned chunks', () => {
  const declared = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
  const put = async (text: string, length: number) => {
    const { headers, url } = signedPut('a', declared, length, { 'x-amz-trailer': 'x-amz-checksum-crc32' });
    return region.handle({ method: 'PUT', url, headers, body: inPieces(text) });
  };

  test('are put together, with their checksum', async () => {
    const response = await put('5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n', 5);
    expect(response.status).toBe(200);
    expect(response.headers['x-amz-checksum-crc32']).toBe('NhCmhg==');
    expect(await stored('a')).toBe('hello');
  });

  test.each([
    ['of a wrong checksum', '5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n', 5, 'BadDigest'],
    ['of another length than was said', '5\r\nhello\r\n0\r\n\r\n', 6, 'IncompleteBody'],
    ['that end too early', '5\r\nhel', 5, 'IncompleteBody'],
    ['that are no chunks', 'hello', 5, 'IncompleteBody'],
    ['whose size is no number', 'zz\r\nhello\r\n', 5, 'InvalidRequest'],
  ])('%s are refused and leave nothing', async (_what, text, length, code) => {
    const response = await put(text, length);
    expect(response.body).toContain(`<Code>${code}</Code>`);
    expect(await stored('a')).toBeUndefined();
  });
});

test('a body other than the one that was signed is refused', async () => {
  const { headers, url } = signedPut('a', hash('hello'), 5);
  const good = await region.handle({
    method: 'PUT',
    url,
    headers,
    body: Readable.from([Buffer.from('hello')]),
  });
  expect(good.status).toBe(200);
  for (const body of [Readable.from([Buffer.from('hullo')]), Buffer.from('hullo')]) {
    const bad = await region.handle({ method: 'PUT', url, headers, body });
    expect(bad.body).toContain('XAmzContentSHA256Mismatch');
  }
  expect(await stored('a')).toBe('hello');
});

test('a call from inside has the rights of who makes it, and stands in the log', async () => {
  const role = region.iam.createRole({
    name: 'writer',
    path: '/flotilla/',
    assumeRolePolicy: {
      Statement: [
        { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'states.amazonaws.com' } },
      ],
    },
    policies: {
      own: { Statement: [{ Effect: 'Allow', Action: 's3:PutObject', Resource: 'arn:aws:s3:::chunks/*' }] },
    },
  });
  expect(region.iam.trusts(role.arn, { service: 'states.amazonaws.com' })).toBe(true);
  expect(region.iam.trusts(role.arn, { service: 'lambda.amazonaws.com' })).toBe(false);
  const as = region.iam.rolePrincipal(role.arn, 'run');
  await region.call('s3', 'PutObject', { Bucket: 'chunks', Key: 'k', Body: 'x' }, as);
  await expect(region.call('s3', 'DeleteObject', { Bucket: 'chunks', Key: 'k' }, as)).rejects.toMatchObject({
    code: 'AccessDenied',
  });
  expect(region.log.list({ who: 'writer/run' })).toMatchObject([
    { action: 's3:PutObject', resource: 'arn:aws:s3:::chunks/k', outcome: 'ok' },
    { action: 's3:DeleteObject', outcome: 'denied', errorCode: 'AccessDenied' },
  ]);
});

test('sessions end when their hour is over', async () => {
  const role = region.iam.createRole({
    name: 'short',
    assumeRolePolicy: { Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: '*' } }] },
  });
  const { accessKeyId, sessionToken } = region.iam.sessionFor(role.arn, 'run');
  expect(region.iam.lookUp(accessKeyId, sessionToken)).toMatchObject({ accessKeyId });
  expect(region.iam.lookUp(accessKeyId, undefined)).toBe('bad-token');
  await (region.context.clock as VirtualClock).advance(3_600_000);
  expect(region.iam.lookUp(accessKeyId, sessionToken)).toBe('expired');
});

test('a managed policy that the region does not know is refused', () => {
  const create = () =>
    region.iam.createRole({
      name: 'managed',
      assumeRolePolicy: {
        Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: '*' } }],
      },
      managedPolicyArns: ['arn:aws:iam::aws:policy/PowerUserAccess'],
    });
  expect(create).toThrow('PowerUserAccess');
});
