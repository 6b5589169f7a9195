import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handler } from '../../functions/api-uploads.ts';
import { awsError, giveEnvironment } from '../support/function-kit.ts';
import { mockClient } from '../support/mock-client.ts';
import { digest, fleet, send } from './api-kit.ts';

const table = mockClient(DynamoDBDocumentClient);
beforeAll(() => giveEnvironment());
beforeEach(() => {
  table.reset();
  table.on(GetCommand).resolves({ Item: fleet() });
});

const ask = (body: object = { name: 'hello' }) => send(handler, 'POST /fleets/web/uploads', body);

describe('a URL for an upload', () => {
  it('is signed for the person, the size and the bytes', async () => {
    const { status, body } = await ask({ name: 'hello', sizeBytes: 12, sha256: digest });
    expect(status).toBe(201);
    expect(body.headers).toEqual({
      'content-length': '12',
      'x-amz-checksum-sha256': Buffer.from(digest, 'hex').toString('base64'),
      'x-amz-meta-flotilla-by': 'arn:aws:iam::000000000000:user/ada',
    });
    const signed = new URL(body.url).searchParams.get('X-Amz-SignedHeaders')?.split(';');
    expect(signed).toEqual(expect.arrayContaining(Object.keys(body.headers)));
    expect(body).toMatchObject({ method: 'PUT', key: 'web/hello' });
  });

  it('is not given for a fleet that is not there', async () => {
    table.on(GetCommand).resolves({});
    expect(await ask()).toMatchObject({ status: 404, body: { name: 'FleetNotFound' } });
  });

  it('is asked for again when the table is slow', async () => {
    table.on(GetCommand).rejects(awsError('InternalServerError', 500));
    expect(await ask()).toMatchObject({ status: 503, headers: { 'retry-after': '2' } });
  });

  it('is refused for a name that would lead elsewhere', async () => {
    for (const name of ['../shop/hello', 'a/b', '', '.hidden']) {
      expect(await ask({ name })).toMatchObject({ status: 400, body: { name: 'RequestInvalid' } });
    }
  });
});
