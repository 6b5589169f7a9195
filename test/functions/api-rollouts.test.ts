import { CopyObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import {
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  TransactWriteCommand,
} from '@aws-sdk/lib-dynamodb';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handler } from '../../functions/api-rollouts.ts';
import { awsError, giveEnvironment } from '../support/function-kit.ts';
import { mockClient } from '../support/mock-client.ts';
import { cancelled, digest, fleet, image, send } from './api-kit.ts';

const s3 = mockClient(S3Client);
const states = mockClient(SFNClient);
const table = mockClient(DynamoDBDocumentClient);
const execution = 'arn:aws:states:us-east-1:000000000000:execution:flotilla-swap-fleet:web-1';

/** What the table holds, by the start of the sort key. */
let items: Record<string, object>;

beforeAll(() => giveEnvironment());
beforeEach(() => {
  for (const mock of [s3, states, table]) mock.reset();
  items = { FLEET: fleet(), IMAGE: image };
  table.on(GetCommand).callsFake(({ Key }: { Key: { pk: string; sk: string } }) => {
    const found = Object.entries(items).find(([start]) => Key.sk.startsWith(start));
    return { Item: found?.[1] };
  });
  table.on(QueryCommand).resolves({ Items: [] });
  table.on(TransactWriteCommand).resolves({});
  states.on(StartExecutionCommand).resolves({ executionArn: execution });
});

const deploy = (body: object = { image: digest }) => send(handler, 'POST /fleets/web/rollouts', body);
const started = () => states.commandCalls(StartExecutionCommand).length;
const written = () => table.commandCalls(TransactWriteCommand).length;

describe('asking for a rollout', () => {
  it('writes release, rollout and fleet in one transaction, then starts the execution', async () => {
    const { status, headers, body } = await deploy();
    expect({ status, body }).toMatchObject({
      status: 202,
      body: { outcome: 'started', rollout: 'web-1', release: 1 },
    });
    expect(headers.location).toBe('/rollouts/web-1');
    expect([written(), started()]).toEqual([1, 1]);
  });

  it('starts nothing where the table asks to slow down, and asks to send it again', async () => {
    table.on(TransactWriteCommand).rejects(awsError('ThrottlingException'));
    const { status, headers, body } = await deploy();
    expect({ status, body }).toMatchObject({ status: 503, body: { name: 'AwsUnavailable' } });
    expect(body.advice).toBe('Send the request again in a few seconds.');
    expect(headers['retry-after']).toBe('2');
    expect(started()).toBe(0);
  });

  it('decides anew when somebody wrote the fleet in between', async () => {
    table
      .on(TransactWriteCommand)
      .callsFakeOnce(() => {
        items.FLEET = fleet({ revision: 2, nextRollout: 5, nextRelease: 4 });
        throw cancelled('ConditionalCheckFailed', 'None');
      })
      .resolves({});
    expect(await deploy()).toMatchObject({ status: 202, body: { rollout: 'web-5', release: 4 } });
    expect(started()).toBe(1);
  });

  it('gives up, starting nothing, when the fleet keeps changing', async () => {
    let revision = 1;
    table.on(TransactWriteCommand).callsFake(() => {
      revision += 1;
      items.FLEET = fleet({ revision });
      throw cancelled('ConditionalCheckFailed', 'None');
    });
    expect(await deploy()).toMatchObject({ status: 503, body: { name: 'AwsUnavailable' } });
    expect(started()).toBe(0);
  });

  it('tries again after a collision of two transactions', async () => {
    table.on(TransactWriteCommand).rejectsOnce(cancelled('TransactionConflict', 'None')).resolves({});
    expect(await deploy()).toMatchObject({ status: 202 });
    expect(written()).toBe(2);
  });

  it('says so when the execution cannot be started now; the sweeper starts what was written', async () => {
    states.on(StartExecutionCommand).rejects(awsError('ThrottlingException'));
    expect(await deploy()).toMatchObject({ status: 503, body: { name: 'AwsUnavailable' } });
    expect(written()).toBe(1);
  });

  it('names the code of a refusal, and keeps its words in the log', async () => {
    states
      .on(StartExecutionCommand)
      .rejects(Object.assign(awsError('AccessDeniedException'), { message: 'secret role' }));
    const { status, body } = await deploy();
    expect({ status, body }).toMatchObject({
      status: 502,
      body: { name: 'AwsDenied', details: { code: 'AccessDeniedException' } },
    });
    expect(JSON.stringify(body)).not.toContain('secret');
  });

  it('takes an execution of that name for the one that it wanted', async () => {
    states.on(StartExecutionCommand).rejects(awsError('ExecutionAlreadyExists'));
    expect(await deploy()).toMatchObject({ status: 202, body: { outcome: 'started' } });
  });

  const artifact = {
    type: 'artifact',
    sha256: digest,
    kind: 'go-elf',
    sizeBytes: 5 * 1_073_741_824,
    architecture: 'x86_64',
    program: '/bin/web',
    bucket: 'flotilla-uploads',
    key: 'web/web',
    versionId: 'v1',
    firstSeenAt: '2026-11-23T12:00:00.000Z',
  };

  it.each([true, false])('names an artifact that S3 does not copy (as a plan: %s)', async (plan) => {
    s3.rejects(awsError('NoSuchKey', 404));
    items.ARTIFACT = { ...artifact, sizeBytes: artifact.sizeBytes + 1 };
    expect(await deploy({ artifact: digest, plan })).toMatchObject({
      status: 422,
      body: { name: 'ArtifactTooLargeToCopy', advice: expect.stringContaining('Upload the file again') },
    });
    expect(s3.commandCalls(CopyObjectCommand)).toEqual([]);
  });

  it('does not ask to send again what S3 may still copy', async () => {
    items.ARTIFACT = artifact;
    s3.rejects(awsError('NoSuchKey', 404));
    s3.on(CopyObjectCommand).rejects(Object.assign(new Error('not answered'), { name: 'TimeoutError' }));
    const { status, body } = await deploy({ artifact: digest });
    expect({ status, body }).toMatchObject({
      status: 504,
      body: { name: 'ArtifactCopyUnderWay', details: { key: 'web/web' } },
    });
    expect(body.advice).toContain('GET /uploads');
    expect(s3.commandCalls(CopyObjectCommand)).toHaveLength(1);
  });

  it('names the artifact whose bytes are gone', async () => {
    items.ARTIFACT = artifact;
    s3.on(CopyObjectCommand).rejects(awsError('NoSuchVersion', 404));
    s3.rejects(awsError('NoSuchVersion', 404));
    expect(await deploy({ artifact: digest })).toMatchObject({ status: 404, body: { name: 'UploadGone' } });
    expect(written()).toBe(0);
  });
});

describe('an order', () => {
  const lease = {
    holder: execution,
    purpose: 'rollout',
    rollout: 1,
    release: 1,
    since: '2026-11-23T12:00:00.000Z',
    fence: 1,
    state: 'held',
  };
  const gate = {
    token: 'the-token',
    rollout: 1,
    step: 1,
    waitsFor: 'approval',
    since: '2026-11-23T12:00:00.000Z',
    until: '2026-11-23T13:00:00.000Z',
  };
  beforeEach(() => {
    items = {
      FLEET: fleet({ lease, gate }),
      ROLLOUT: {
        type: 'rollout',
        fleet: 'web',
        number: 1,
        kind: 'deploy',
        release: 1,
        from: 0,
        executionArn: execution,
        status: 'running',
        phase: 'waiting for approval',
        requestedAt: '2026-11-23T12:00:00.000Z',
        by: { principal: 'arn:aws:iam::000000000000:user/ada', through: 'api' },
      },
    };
    // The function reads what it wrote.
    table
      .on(TransactWriteCommand)
      .callsFake(({ TransactItems }: { TransactItems: { Put?: { Item: { type: string } } }[] }) => {
        const put = TransactItems.find((one) => one.Put?.Item.type === 'fleet');
        if (put?.Put !== undefined) items.FLEET = put.Put.Item;
        return {};
      });
    states.on(SendTaskSuccessCommand).resolves({});
    states.on(SendTaskFailureCommand).resolves({});
  });

  it('is kept, and said to be, when the gate closed at the same moment', async () => {
    states.on(SendTaskSuccessCommand).rejects(awsError('TaskTimedOut'));
    const { status, body } = await send(handler, 'POST /rollouts/web-1/approve', {});
    expect(status).toBe(202);
    expect(body.message).toContain('has left the gate');
  });

  it('never shows the token, whatever Step Functions answers', async () => {
    states
      .on(SendTaskFailureCommand)
      .rejects(Object.assign(awsError('InvalidToken'), { message: 'the-token' }));
    const { status, body } = await send(handler, 'POST /rollouts/web-1/abort', {});
    expect(status).toBe(502);
    expect(JSON.stringify(body)).not.toContain('the-token');
  });

  it('reaches no gate when it could not be written', async () => {
    table.on(TransactWriteCommand).rejects(awsError('ProvisionedThroughputExceededException'));
    expect(await send(handler, 'POST /rollouts/web-1/approve', {})).toMatchObject({ status: 503 });
    expect(states.commandCalls(SendTaskSuccessCommand)).toHaveLength(0);
  });
});
