/** What a page, a stranger on the network, or a hostile name could try against a running region. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Sha256 } from '@smithy/core/checksum';
import { SignatureV4 } from '@smithy/signature-v4';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRegion, type Region } from '../../local/region.ts';
import { listeningAddresses } from '../support/listening.ts';
import { healthy, makeGroup, makeImage, makeTargetGroup, until } from './echo-image.ts';

let region: Region;
let port: number;
let outside: string;
let dataDir: string;
let keys: { accessKeyId: string; secretAccessKey: string };

beforeAll(async () => {
  outside = await mkdtemp(join(tmpdir(), 'flotilla-walls-'));
  dataDir = join(outside, 'a', 'b', 'data');
  await mkdir(dataDir, { recursive: true });
  await writeFile(join(outside, 'secret'), 'what lies outside');
  region = await createRegion({ seed: 5, dataDir });
  port = Number(new URL(await region.listen()).port);
  keys = region.createOperator();
  await region.call('s3', 'CreateBucket', { Bucket: 'walled' });
});
afterAll(async () => {
  await region.close();
  await rm(outside, { recursive: true, force: true });
});

/** Sends bytes as they are and reads until the region ends the connection, or has answered as much as asked. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('close', () => resolve(answer));
    socket.on('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ECONNRESET' || error.code === 'EPIPE' ? resolve(answer) : reject(error),
    );
  });
}
const statuses = (answer: string) => [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status);
const get = (head: string) => raw(`GET /_region HTTP/1.1\r\n${head}Connection: close\r\n\r\n`);

describe('a page in a browser', () => {
  test.each([
    'evil.example',
    'rebind.evil.example:80',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '127.0.0.1@evil.example',
    '0.0.0.0',
    '127.1',
    '2130706433',
    '0x7f.0.0.1',
    '[::ffff:127.0.0.1]',
    '192.168.1.7',
    'localhost:1:2',
    '',
  ])('is refused under the Host %j', async (host) => {
    expect(await get(`Host: ${host}\r\n`)).toMatch(/^HTTP\/1\.1 403 .*loopback names only/s);
  });

  test.each([
    'https://evil.example',
    'null',
    'http://127.0.0.1.evil.example',
    'file://',
    'chrome-extension://abc',
  ])('is refused with the Origin %s, and nothing tells the browser otherwise', async (origin) => {
    const answer = await get(`Host: 127.0.0.1\r\nOrigin: ${origin}\r\n`);
    expect(statuses(answer)).toEqual(['403']);
    expect(answer.toLowerCase()).not.toContain('access-control-');
  });

  test('gets no leave from a preflight', async () => {
    for (const origin of ['https://evil.example', 'http://localhost:3000']) {
      const answer = await raw(
        `OPTIONS /walled/a HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: ${origin}\r\nAccess-Control-Request-Method: PUT\r\nConnection: close\r\n\r\n`,
      );
      expect(Number(statuses(answer)[0])).toBeGreaterThanOrEqual(400);
      expect(answer.toLowerCase()).not.toContain('access-control-');
    }
  });

  const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
    existsSync,
  );
  test.skipIf(chromium === undefined)(
    `a real one reads nothing and changes nothing${chromium === undefined ? ' (skipped: there is no Chromium)' : ''}`,
    { timeout: 60_000 },
    async () => {
      const target = `http://127.0.0.1:${port}`;
      const page = `<pre id=out>waiting</pre><script>
        const tries = [
          fetch('${target}/_region?format=json').then((r) => r.text()),
          fetch('${target}/walled/from-page', { method: 'PUT', body: 'x' }).then((r) => r.text()),
          fetch('${target}/walled/simple', { method: 'POST', mode: 'no-cors', body: 'x' }).then((r) => r.type),
        ];
        Promise.allSettled(tries).then((all) => {
          document.getElementById('out').textContent =
            'done ' + all.map((one) => one.status === 'fulfilled' ? one.value : 'refused').join(' ');
        });</script>`;
      const server = createServer((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/html' });
        response.end(page);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        const { port: ofPage } = server.address() as AddressInfo;
        const { stdout } = await promisify(execFile)(chromium ?? '', [
          '--headless=new',
          '--no-sandbox',
          '--disable-gpu',
          `--user-data-dir=${join(outside, 'profile')}`,
          '--host-resolver-rules=MAP evil.example 127.0.0.1',
          '--virtual-time-budget=5000',
          '--dump-dom',
          `http://evil.example:${ofPage}/`,
        ]);
        expect(stdout).toContain('done refused refused opaque');
      } finally {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
      expect(await region.call('s3', 'ListObjectsV2', { Bucket: 'walled' })).toMatchObject({ KeyCount: 0 });
    },
  );
});

describe('a request that is no honest request', () => {
  const host = 'Host: 127.0.0.1\r\n';
  test.each([
    ['two lengths', `POST / HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`],
    [
      'a length and chunks',
      `POST / HTTP/1.1\r\n${host}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /_region HTTP/1.1\r\n${host}\r\n`,
    ],
    [
      'chunks that are not the last encoding',
      `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`,
    ],
    ['a folded header', `GET / HTTP/1.1\r\n${host}X: a\r\n b: c\r\nContent-Length : 3\r\n\r\nabc`],
    ['no Host', 'GET /_region HTTP/1.1\r\n\r\n'],
    ['headers without end', `GET /_region HTTP/1.1\r\n${host}X: ${'x'.repeat(200_000)}\r\n\r\n`],
  ])('is refused and the connection ended: %s', async (_what, text) => {
    const seen = statuses(await raw(text));
    expect(seen.length).toBeLessThanOrEqual(1);
    expect(Number(seen[0] ?? 400)).toBeGreaterThanOrEqual(400);
  });

  test.each(['http://evil.example/_region', 'http://127.0.0.1/_region', '*'])(
    'is refused with the target %s',
    async (target) => {
      const answer = await raw(`GET ${target} HTTP/1.1\r\n${host}Connection: close\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 403 .*no proxy/s);
    },
  );

  test('does not make the region a tunnel', async () => {
    expect(statuses(await raw(`CONNECT 127.0.0.1:${port} HTTP/1.1\r\n${host}\r\n`))).toEqual([]);
  });

  test('is refused unsigned, whatever its size, before its body is kept', async () => {
    const before = process.memoryUsage().rss;
    const answer = await fetch(`http://127.0.0.1:${port}/`, {
      method: 'POST',
      headers: { 'x-amz-target': 'DynamoDB_20120810.PutItem' },
      body: Buffer.alloc(100 * 1024 * 1024),
    });
    expect(answer.status).toBe(403);
    // The sender's own copy is in this process, too.
    expect(process.memoryUsage().rss - before).toBeLessThan(400 * 1024 * 1024);
  });
});

test('nothing listens beyond loopback, with a balancer, instances and a function at work', {
  timeout: 60_000,
}, async () => {
  const { imageId } = await makeImage(region, 'walls');
  const targetGroup = await makeTargetGroup(region, 'walls');
  await region.call('elasticloadbalancing', 'CreateRule', {
    ListenerArn: region.parts.elbv2.defaultListener.arn,
    Priority: 1,
    Conditions: [{ Field: 'path-pattern', Values: ['/*'] }],
    Actions: [{ Type: 'forward', TargetGroupArn: targetGroup }],
  });
  await makeGroup(region, 'walls', imageId, targetGroup);
  await until(async () => (await healthy(region, targetGroup)) === 2);
  const role = region.iam.createRole({
    name: 'function',
    assumeRolePolicy: {
      Statement: [
        { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'lambda.amazonaws.com' } },
      ],
    },
  });
  await region.call('lambda', 'CreateFunction', {
    FunctionName: 'works',
    Role: role.arn,
    Runtime: 'nodejs24.x',
    Handler: 'index.handler',
    Code: { ZipFile: zipSync({ 'index.mjs': Buffer.from('export const handler = async () => 1;') }) },
  });
  expect(await region.call('lambda', 'Invoke', { FunctionName: 'works' })).toMatchObject({ StatusCode: 200 });
  const addresses = await listeningAddresses(process.pid);
  // The front door, the load balancer, and two instances at least.
  expect(addresses.length).toBeGreaterThanOrEqual(4);
  expect(addresses.filter((address) => !address.startsWith('127.0.0.1:'))).toEqual([]);
});

/** Every file below a folder, apart from the region's own data. */
async function strays(): Promise<string[]> {
  const all = await readdir(outside, { recursive: true });
  return all.filter((path) => !path.startsWith(join('a', 'b', 'data')) && !path.startsWith('profile')).sort();
}

describe('a name from outside', () => {
  const hostile = [
    '../../../secret',
    '..%2f..%2f..%2fsecret',
    '/../../../secret',
    '..\\..\\secret',
    '%00',
    'a/../../../../secret',
  ];

  /** A signed request over a socket, its path sent as it is. */
  async function signed(
    service: string,
    method: string,
    path: string,
    body = '',
    extra = {},
  ): Promise<string> {
    const signer = new SignatureV4({
      service,
      region: 'us-east-1',
      credentials: keys,
      sha256: Sha256,
      uriEscapePath: service !== 's3',
    });
    const { headers } = await signer.sign({
      protocol: 'http:',
      hostname: '127.0.0.1',
      method,
      path,
      headers: { host: '127.0.0.1', 'content-length': String(body.length), ...extra },
      body,
    });
    const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return raw(`${method} ${path} HTTP/1.1\r\n${head.join('')}connection: close\r\n\r\n${body}`);
  }

  test.each(hostile)('stays a key of its bucket: %j', async (key) => {
    const large = 'x'.repeat(300_000);
    await signed('s3', 'PUT', `/walled/${key}`, large);
    await region.call('s3', 'PutObject', { Bucket: 'walled', Key: key, Body: Buffer.from(large) });
    expect(await signed('s3', 'GET', `/walled/${key}`)).not.toContain('what lies outside');
    await signed('s3', 'PUT', `/${key}`);
    expect(await strays()).toEqual(['a', join('a', 'b'), 'secret']);
  });

  test.each(hostile)('leads to no snapshot, function or log group: %j', async (name) => {
    const encoded = encodeURIComponent(name);
    for (const path of [`/snapshots/${encoded}/blocks/0?blockToken=a`, `/snapshots/${name}/blocks`])
      expect(await signed('ebs', 'GET', path)).toMatch(/^HTTP\/1\.1 4/);
    expect(await signed('lambda', 'GET', `/2015-03-31/functions/${encoded}`)).toMatch(/^HTTP\/1\.1 4/);
    const made = await signed('logs', 'POST', '/', JSON.stringify({ logGroupName: name }), {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'Logs_20140328.CreateLogGroup',
    });
    expect(made).not.toContain('HTTP/1.1 5');
    expect(await strays()).toEqual(['a', join('a', 'b'), 'secret']);
  });

  test.each(['../../../evil', '/tmp/../evil', 'a/../../evil', '..\\evil'])(
    'is refused as a file of a function’s package: %j',
    async (name) => {
      const ZipFile = zipSync({
        'index.mjs': Buffer.from('export const handler = () => 1;'),
        [name]: Buffer.from('evil'),
      });
      const role = region.iam.createRole({
        name: `r${Buffer.from(name).toString('hex')}`,
        assumeRolePolicy: {
          Statement: [
            { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'lambda.amazonaws.com' } },
          ],
        },
      });
      const input = {
        FunctionName: 'evil',
        Role: role.arn,
        Runtime: 'nodejs24.x',
        Handler: 'index.handler',
        Code: { ZipFile },
      };
      await expect(region.call('lambda', 'CreateFunction', input)).rejects.toMatchObject({
        code: 'InvalidParameterValueException',
        message: expect.stringContaining('outside'),
      });
      expect(await strays()).toEqual(['a', join('a', 'b'), 'secret']);
      expect((await readdir(dataDir, { recursive: true })).filter((path) => path.includes('evil'))).toEqual(
        [],
      );
    },
  );
});
