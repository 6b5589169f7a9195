/** Each way in which a signature can be wrong, in each protocol, judged by the region's own clock. */
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../../local/clock.ts';
import { createRegion, type Region } from '../../../../local/region.ts';
import type { WireRequest, WireResponse } from '../../../../local/wire/http.ts';

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

interface Wrong {
  readonly keys?: Partial<Keys>;
  readonly offsetMinutes?: number;
  readonly region?: string;
  readonly service?: string;
}

let clock: VirtualClock;
let region: Region;
let operator: Keys;
let session: Keys;
const minute = 60_000;

beforeAll(async () => {
  clock = new VirtualClock();
  region = await createRegion({ clock, seed: 11 });
  operator = region.createOperator();
  region.iam.createRole({
    name: 'reader',
    assumeRolePolicy: {
      Statement: [
        { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'lambda.amazonaws.com' } },
      ],
    },
    policies: { all: { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] } },
  });
});
afterAll(() => region.close());
beforeEach(() => {
  const { accessKeyId, secretAccessKey, sessionToken } = region.iam.sessionFor(
    'arn:aws:iam::000000000000:role/reader',
    'test',
  );
  session = { accessKeyId, secretAccessKey, sessionToken };
});

interface Speech {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
const form = { 'content-type': 'application/x-www-form-urlencoded' };
const speeches = {
  s3: { method: 'GET', path: '/', headers: {}, body: '' },
  ec2: { method: 'POST', path: '/', headers: form, body: 'Action=DescribeVpcs&Version=2016-11-15' },
  sts: { method: 'POST', path: '/', headers: form, body: 'Action=GetCallerIdentity&Version=2011-06-15' },
  dynamodb: {
    method: 'POST',
    path: '/',
    headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'DynamoDB_20120810.ListTables' },
    body: '{}',
  },
  lambda: { method: 'GET', path: '/2015-03-31/functions', headers: {}, body: '' },
} as const satisfies Record<string, Speech>;
type ServiceId = keyof typeof speeches;

async function sent(service: ServiceId, wrong: Wrong = {}, change?: (request: WireRequest) => WireRequest) {
  const { method, path, headers, body }: Speech = speeches[service];
  const signer = new SignatureV4({
    service: wrong.service ?? service,
    region: wrong.region ?? 'us-east-1',
    credentials: { ...operator, ...wrong.keys },
    sha256: Sha256,
    uriEscapePath: service !== 's3',
  });
  const signed = await signer.sign(
    {
      protocol: 'http:',
      hostname: 'localhost',
      method,
      path,
      headers: { host: 'localhost', ...headers },
      body,
    },
    { signingDate: new Date(clock.now() + (wrong.offsetMinutes ?? 0) * minute) },
  );
  const request = { method, url: path, headers: signed.headers, body: Buffer.from(body) };
  return told(await region.handle(change?.(request) ?? request));
}

/** Status and code: `403 AccessDenied`. */
function told({ status, body }: WireResponse): string {
  const text = String(body);
  const code = /<Code>(\w+)</.exec(text)?.[1] ?? /"__type":"(?:[\w.]+#)?(\w+)"/.exec(text)?.[1];
  return code === undefined ? `${status}` : `${status} ${code}`;
}

const services = Object.keys(speeches) as ServiceId[];

/** What each service answers, in the order s3, ec2, sts, dynamodb, lambda. */
const json = (code: string) => [code, code] as const;
const table: readonly (readonly [string, () => Wrong, readonly string[]])[] = [
  ['nothing', () => ({}), ['200', '200', '200', '200', '200']],
  ['nothing, with a session', () => ({ keys: session }), ['200', '200', '200', '200', '200']],
  [
    'a clock that is off by fourteen minutes',
    () => ({ offsetMinutes: -14 }),
    ['200', '200', '200', '200', '200'],
  ],
  [
    'the secret',
    () => ({ keys: { secretAccessKey: 'wrong' } }),
    [
      '403 SignatureDoesNotMatch',
      '401 AuthFailure',
      '403 SignatureDoesNotMatch',
      ...json('403 InvalidSignatureException'),
    ],
  ],
  [
    'the key, which nobody has',
    () => ({ keys: { accessKeyId: 'AKIANOBODY' } }),
    [
      '403 InvalidAccessKeyId',
      '401 AuthFailure',
      '403 InvalidClientTokenId',
      ...json('403 UnrecognizedClientException'),
    ],
  ],
  [
    'a session without its token',
    () => ({ keys: { accessKeyId: session.accessKeyId, secretAccessKey: session.secretAccessKey } }),
    [
      '400 InvalidToken',
      '401 AuthFailure',
      '403 InvalidClientTokenId',
      ...json('403 UnrecognizedClientException'),
    ],
  ],
  [
    'a token of another session',
    () => ({ keys: { ...session, sessionToken: 'other' } }),
    [
      '400 InvalidToken',
      '401 AuthFailure',
      '403 InvalidClientTokenId',
      ...json('403 UnrecognizedClientException'),
    ],
  ],
  ...[-16, 16].map(
    (offsetMinutes) =>
      [
        `a clock that is off by ${offsetMinutes} minutes`,
        () => ({ offsetMinutes }),
        [
          '403 RequestTimeTooSkewed',
          '400 RequestExpired',
          '403 SignatureDoesNotMatch',
          ...json('403 InvalidSignatureException'),
        ],
      ] as const,
  ),
  [
    'the region',
    () => ({ region: 'eu-west-1' }),
    [
      '400 AuthorizationHeaderMalformed',
      '401 AuthFailure',
      '403 SignatureDoesNotMatch',
      ...json('403 InvalidSignatureException'),
    ],
  ],
];

describe.each(table)('a request that is wrong in %s', (_what, wrong, answers) => {
  test.each(services.map((service, index) => [service, answers[index] ?? ''] as const))(
    'is answered by %s with %s',
    async (service, answer) => {
      expect(await sent(service, wrong())).toBe(answer);
    },
  );
});

test('a session is refused when its time is over on the region’s clock', async () => {
  const keys = session;
  await clock.advance(60 * minute);
  const answers = await Promise.all(services.map((service) => sent(service, { keys })));
  expect(answers).toEqual([
    '400 ExpiredToken',
    '400 RequestExpired',
    '403 ExpiredToken',
    '403 ExpiredTokenException',
    '403 ExpiredTokenException',
  ]);
});

test('a target of one service signed for another is refused', async () => {
  expect(await sent('dynamodb', { service: 'states' })).toBe('403 InvalidSignatureException');
});

test.each(services)('%s takes no body, path or header other than what was signed', async (service) => {
  const refused = /SignatureDoesNotMatch|AuthFailure|InvalidSignature|SHA256Mismatch/;
  expect(await sent(service, {}, (one) => ({ ...one, body: Buffer.from('other') }))).toMatch(refused);
  expect(await sent(service, {}, (one) => ({ ...one, url: `${one.url}?a=b` }))).toMatch(refused);
  expect(
    await sent(service, {}, (one) => ({ ...one, headers: { ...one.headers, host: 'localhost:1' } })),
  ).toMatch(refused);
});

describe('a presigned URL', () => {
  /** Its answer `afterSeconds` later. */
  async function visited(expiresIn: number, afterSeconds: number, change = (url: string) => url) {
    const signer = new SignatureV4({
      service: 's3',
      region: 'us-east-1',
      credentials: operator,
      sha256: Sha256,
      uriEscapePath: false,
    });
    const { query = {} } = await signer.presign(
      {
        protocol: 'http:',
        hostname: 'localhost',
        method: 'GET',
        path: '/',
        headers: { host: 'localhost', 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
      },
      { signingDate: new Date(clock.now() - afterSeconds * 1000), expiresIn },
    );
    const url = `/?${Object.entries(query)
      .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`)
      .join('&')}`;
    return told(
      await region.handle({
        method: 'GET',
        url: change(url),
        headers: { host: 'localhost' },
        body: new Uint8Array(),
      }),
    );
  }

  test('holds until its time is over, however old it is', async () => {
    expect(await visited(7200, 7199)).toBe('200');
    expect(await visited(7200, 7201)).toBe('403 AccessDenied');
  });

  test('does not hold before it was made', async () => {
    expect(await visited(60, -16 * 60)).toBe('403 AccessDenied');
  });

  test('cannot be given more time, nor more than a week', async () => {
    expect(await visited(60, 61, (url) => url.replace('Expires=60', 'Expires=90'))).toBe(
      '403 SignatureDoesNotMatch',
    );
    for (const seconds of ['604801', '0', '-1', '1.5', 'x'])
      expect(await visited(60, 0, (url) => url.replace('Expires=60', `Expires=${seconds}`))).toBe(
        '400 AuthorizationQueryParametersError',
      );
  });
});
