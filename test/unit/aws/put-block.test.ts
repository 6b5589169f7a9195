/** The lean put against the SDK's own, on the wire: what is sent, and what becomes of each answer. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { EBSServiceException, PutSnapshotBlockCommand } from '@aws-sdk/client-ebs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ebsClient } from '../../../src/aws/clients/ebs.ts';
import { LeanPutSnapshotBlock } from '../../../src/aws/put-block.ts';

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly digest: string;
}

const bytes = Buffer.alloc(524_288, 'block');
const input = {
  SnapshotId: 'snap-0123456789abcdef0',
  BlockIndex: 7,
  BlockData: bytes,
  DataLength: bytes.length,
  Checksum: createHash('sha256').update(bytes).digest('base64'),
  ChecksumAlgorithm: 'SHA256',
} as const;
const commands = { sdk: PutSnapshotBlockCommand, lean: LeanPutSnapshotBlock } as const;

let server: Server;
let answer: (response: ServerResponse) => void;
let connections: number;
const seen: Seen[] = [];
let endpoint: string;

beforeEach(async () => {
  seen.length = 0;
  connections = 0;
  answer = (response) => response.writeHead(201, { 'x-amzn-requestid': 'r-1' }).end('{}');
  server = createServer((request, response) => {
    const hash = createHash('sha256');
    request.on('data', (chunk) => hash.update(chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      seen.push({ method, url, headers, digest: hash.digest('base64') });
      answer(response);
    });
  });
  server.on('connection', () => (connections += 1));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on TCP
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function client(
  at = endpoint,
  credentials = { accessKeyId: 'AKIA', secretAccessKey: 's', sessionToken: 't' },
) {
  return ebsClient({ endpoint: at, region: 'eu-central-1', credentials });
}

async function refusalOf(command: keyof typeof commands): Promise<Record<string, unknown>> {
  const error: unknown = await client()
    .send(new commands[command](input))
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  expect(error).toBeInstanceOf(EBSServiceException);
  const { name, message, $fault, $metadata, Reason } = error as EBSServiceException & { Reason?: string };
  const { httpStatusCode, requestId } = $metadata;
  return { name, message, $fault, httpStatusCode, requestId, Reason };
}

describe('a lean put', () => {
  it('sends what the SDK sends: the block at its place, and the same headers signed', async () => {
    for (const Command of Object.values(commands)) await client().send(new Command(input));
    const [sdk, lean] = seen.map(({ headers, ...rest }) => ({
      ...rest,
      signed: /SignedHeaders=([^,]+)/.exec(headers.authorization ?? '')?.[1]?.split(';'),
      scope: /Credential=([^,]+)/.exec(headers.authorization ?? '')?.[1]?.replace(/\/\d{8}\//, '/day/'),
      parts: Object.fromEntries(
        Object.entries(headers).filter(([name]) =>
          /^(host|content-|x-amz-(?!date|user-agent)|x-amz-security-token)/.test(name),
        ),
      ),
    }));
    expect(lean?.digest).toBe(input.Checksum);
    expect(lean?.scope).toBe('AKIA/day/eu-central-1/ebs/aws4_request');
    const ofTheCall = (names: readonly string[] = []) =>
      names.filter((name) => !/user-agent|^amz-sdk/.test(name));
    expect({ ...lean, signed: ofTheCall(lean?.signed) }).toEqual({ ...sdk, signed: ofTheCall(sdk?.signed) });
  });

  it('answers with what AWS said of the call', async () => {
    const { $metadata } = await client().send(new LeanPutSnapshotBlock(input));
    expect($metadata).toEqual({ httpStatusCode: 201, requestId: 'r-1' });
  });

  it('goes to a path below the endpoint, too', async () => {
    await client(`${endpoint}/proxied/`).send(new LeanPutSnapshotBlock(input));
    expect(seen[0]?.url).toBe('/proxied/snapshots/snap-0123456789abcdef0/blocks/7');
  });

  it('keeps its connection for the next one, whatever the answer', async () => {
    const one = client();
    await one.send(new LeanPutSnapshotBlock(input));
    answer = (response) => response.writeHead(500).end('{"Message":"busy"}');
    await expect(one.send(new LeanPutSnapshotBlock(input))).rejects.toThrow('busy');
    await expect(one.send(new LeanPutSnapshotBlock(input))).rejects.toThrow('busy');
    expect(connections).toBe(1);
  });

  it.each([
    [
      400,
      { 'x-amzn-errortype': 'RequestThrottledException' },
      '{"Message":"Slow down","Reason":"ACCOUNT_THROTTLED"}',
    ],
    [400, { 'x-amzn-errortype': 'ValidationException:http://internal/coral' }, '{"message":"short"}'],
    [
      404,
      { 'x-amzn-errortype': 'ResourceNotFoundException' },
      '{"Message":"no","Reason":"SNAPSHOT_NOT_FOUND"}',
    ],
    [403, {}, '{"__type":"com.amazonaws.ebs#AccessDeniedException","Message":"no"}'],
    [500, { 'x-amzn-errortype': 'InternalServerException' }, '{"Message":"oops"}'],
  ])('fails as the SDK does on %i with %j and %s', async (status, headers, body) => {
    answer = (response) => response.writeHead(status, { ...headers, 'x-amzn-requestid': 'r-9' }).end(body);
    const lean = await refusalOf('lean');
    expect(lean).toEqual(await refusalOf('sdk'));
    expect(lean.httpStatusCode).toBe(status);
  });

  it('is a failure of the server where a proxy answers with a page', async () => {
    answer = (response) => response.writeHead(502).end('<html>Bad Gateway</html>');
    expect(await refusalOf('lean')).toMatchObject({ $fault: 'server', httpStatusCode: 502 });
  });

  it('ends when it is given up', async () => {
    const stop = new AbortController();
    answer = () => stop.abort();
    const sent = client().send(new LeanPutSnapshotBlock(input), { abortSignal: stop.signal });
    await expect(sent).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('signs with the credentials of the moment, and asks again where there were none', async () => {
    let asked = 0;
    const provider = async () => {
      asked += 1;
      if (asked === 1) throw new Error('no credentials yet');
      return { accessKeyId: `AKIA${asked}`, secretAccessKey: 's', expiration: new Date(Date.now() + 1_000) };
    };
    const one = ebsClient({ endpoint, region: 'eu-central-1', credentials: provider });
    await expect(one.send(new LeanPutSnapshotBlock(input))).rejects.toThrow('no credentials yet');
    await one.send(new LeanPutSnapshotBlock(input));
    await one.send(new LeanPutSnapshotBlock(input));
    const keys = seen.map(({ headers }) => /AKIA\d/.exec(headers.authorization ?? '')?.[0]);
    expect(keys).toHaveLength(2);
    expect(keys[0]).not.toBe(keys[1]);
  });
});
