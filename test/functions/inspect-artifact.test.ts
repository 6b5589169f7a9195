import { Readable } from 'node:stream';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { DynamoDBDocumentClient, GetCommand, TransactWriteCommand } from '@aws-sdk/lib-dynamodb';
import { sdkStreamMixin } from '@smithy/core/serde';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handler } from '../../functions/inspect-artifact.ts';
import { planDisk } from '../../src/image/disk.ts';
import { readPlan } from '../../src/image/extents.ts';
import { standInKernel } from '../../src/image/kernel-bundle.ts';
import { makeManifest } from '../../src/image/manifest.ts';
import { bytesSource } from '../../src/image/source.ts';
import { keys } from '../../src/lineage/keys.ts';
import { uploadId } from '../../src/lineage/upload.ts';
import { giveEnvironment, lambdaContext } from '../support/function-kit.ts';
import { mockClient } from '../support/mock-client.ts';
import { makeGoElf, withSection } from '../unit/image/elf-maker.ts';
import { fleet } from './api-kit.ts';

const s3 = mockClient(S3Client);
const table = mockClient(DynamoDBDocumentClient);
const by = { principal: 'somebody', through: 's3' } as const;

/** The event of an upload of these bytes to a fleet of this image, which S3 and the table then know. */
function uploaded(bytes: Uint8Array, { image = {}, known = new Map<string, object>() } = {}) {
  const upload = {
    bucket: 'flotilla-uploads',
    key: 'web/app',
    versionId: 'v1',
    sequencer: '01',
    sizeBytes: bytes.length,
  };
  const id = uploadId(upload);
  const item = {
    ...upload,
    type: 'upload',
    id,
    fleet: 'web',
    number: 1,
    state: 'received',
    executionArn: 'arn:self',
    receivedAt: '2026-11-23T12:00:00.000Z',
    by,
  };
  known.set(JSON.stringify(keys.upload(id)), item);
  known.set(JSON.stringify(keys.fleet('web')), { ...fleet(), spec: { ...fleet().spec, image } });
  table.on(GetCommand).callsFake(({ Key }) => ({ Item: known.get(JSON.stringify(Key)) }));
  s3.on(HeadObjectCommand).resolves({ ContentLength: bytes.length });
  s3.on(GetObjectCommand).callsFake(({ Range }: { Range?: string }) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(Range ?? '') ?? [];
    const part = from === undefined ? bytes : bytes.subarray(Number(from), Number(to) + 1);
    return { Body: sdkStreamMixin(Readable.from([part])) };
  });
  return { upload: { ...upload, uploader: by }, executionArn: 'arn:self' };
}

beforeAll(() => giveEnvironment());
beforeEach(() => {
  for (const client of [s3, table]) client.reset();
  s3.on(PutObjectCommand).resolves({});
  table.on(TransactWriteCommand).resolves({});
});

/** The advice that was kept with the upload. */
function given(): { readonly name: string }[] {
  const items = table.commandCalls(TransactWriteCommand)[0]?.args[0].input.TransactItems ?? [];
  return items.flatMap(({ Put }) => Put?.Item?.advice ?? []);
}

const asked = () => s3.commandCalls(GetObjectCommand).map((call) => call.args[0].input.Range);

it.each([
  ['recognised', () => true],
  ['read whole', () => asked().includes(undefined)],
])('ends by a name of its own where the time is over while a file is %s', async (_, isOver) => {
  const event = uploaded(makeGoElf('path\texample.com/app\n'));
  const context = lambdaContext();
  context.getRemainingTimeInMillis = () => (isOver() ? 19_000 : 900_000);
  await expect(handler(event, context)).rejects.toMatchObject({
    name: 'ArtifactTooSlow',
    message: expect.stringContaining('Make it smaller'),
  });
  expect(s3.commandCalls(PutObjectCommand)).toEqual([]);
});

it('refuses an upload whose uploader heard that it failed while it was read', async () => {
  const known = new Map<string, object>();
  const event = uploaded(makeGoElf('path\texample.com/app\n'), { known });
  const key = JSON.stringify(keys.upload(uploadId(event.upload)));
  s3.on(PutObjectCommand).callsFake(() => {
    known.set(key, { ...known.get(key), state: 'failed', endedAt: '2026-11-23T18:00:00.000Z' });
    return {};
  });
  await expect(handler(event, lambdaContext(900_000))).rejects.toMatchObject({ name: 'UploadEnded' });
  expect(table.commandCalls(TransactWriteCommand)).toEqual([]);
});

/** A disk that boots this program. */
async function diskOf(
  program: Uint8Array,
  settings: Parameters<typeof makeManifest>[0],
): Promise<Uint8Array> {
  const [kernelImg, bootImg] = standInKernel().files.map(({ bytes }) => bytes) as [Uint8Array, Uint8Array];
  const plan = planDisk({
    kernel: { bootImg, kernelImgBytes: kernelImg.length, digest: 'd'.repeat(64) },
    programBytes: program.length,
    manifest: makeManifest(settings, '/app'),
    volumeBytes: 20 * 1_048_576,
    identity: 'e'.repeat(64),
  });
  const source = readPlan(plan, { program: bytesSource(program), kernel: bytesSource(kernelImg) });
  return await source.read(0, plan.sizeBytes);
}

it('tells of files that a disk lacks, and not of those that it holds', async () => {
  const environment = { RESOLVER: '/etc/resolv.conf', CONFIG: '/etc/absent.yml' };
  const disk = await diskOf(makeGoElf('path\texample.com/app\n'), { environment });
  await handler(uploaded(disk), lambdaContext(900_000));
  expect(given()).toMatchObject([{ name: 'MissingFile', message: expect.stringContaining('absent.yml') }]);
});

describe('a program that connects by TLS', () => {
  const functions = Buffer.from('\0main.main\0net/http.(*Transport).dialConn\0');
  const program = withSection(makeGoElf('path\texample.com/app\n'), '.gopclntab', functions);

  it('is told that the image holds no root certificates', async () => {
    await handler(uploaded(program), lambdaContext(900_000));
    expect(given()).toMatchObject([{ name: 'NoRootCertificates' }]);
  });

  it('is told nothing where the fleet gives it some', async () => {
    await handler(
      uploaded(program, { image: { files: { '/etc/ssl/certs/own.pem': '…' } } }),
      lambdaContext(900_000),
    );
    expect(given()).toEqual([]);
  });

  it('is told nothing where its disk holds some', async () => {
    const some = await diskOf(program, { files: { '/etc/ssl/certs/ca-certificates.crt': '…' } });
    await handler(uploaded(some), lambdaContext(900_000));
    expect(given()).toEqual([]);
  });

  it('is told of a disk that holds none', async () => {
    await handler(uploaded(await diskOf(program, {})), lambdaContext(900_000));
    expect(given()).toMatchObject([{ name: 'NoRootCertificates' }]);
  });
});
