/** The AWS CLI, unmodified, against the region: a client that none of us wrote. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRegion, type Region } from '../../local/region.ts';
import { pythonTool } from '../support/python.ts';

const tool = await pythonTool(['awscli==1.46.3']);
const name = 'skip' in tool ? `the AWS CLI (skipped: ${tool.skip})` : 'the AWS CLI';

describe.skipIf('skip' in tool)(name, { timeout: 60_000 }, () => {
  let region: Region;
  let folder: string;
  let env: NodeJS.ProcessEnv;

  beforeAll(async () => {
    region = await createRegion();
    // What this file asks is what the region knows, not when each copy of it knows.
    region.context.lag.off();
    region.throttles.off();
    folder = await mkdtemp(join(tmpdir(), 'flotilla-aws-cli-'));
    const { accessKeyId, secretAccessKey } = region.createOperator();
    env = {
      PATH: process.env.PATH,
      // A home of its own: the person's settings must not take part.
      HOME: folder,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_DEFAULT_REGION: 'us-east-1',
      AWS_ENDPOINT_URL: await region.listen(),
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_PAGER: '',
    };
  });

  afterAll(async () => {
    await region.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs one command; what it says, read as JSON where it is JSON. */
  async function aws(...args: string[]): Promise<unknown> {
    const bin = 'bin' in tool ? tool.bin : '';
    const { stdout } = await promisify(execFile)(join(bin, 'aws'), args, { env, maxBuffer: 1 << 26 });
    return stdout.trimStart().startsWith('{') ? JSON.parse(stdout) : stdout;
  }

  test('starts an execution of a state machine, and finds it in the list', async () => {
    const { arn: roleArn } = region.iam.createRole({
      name: 'machine',
      assumeRolePolicy: {
        Statement: [
          { Effect: 'Allow', Principal: { Service: 'states.amazonaws.com' }, Action: 'sts:AssumeRole' },
        ],
      },
    });
    const definition = JSON.stringify({
      QueryLanguage: 'JSONata',
      StartAt: 'Done',
      States: { Done: { Type: 'Succeed' } },
    });
    const created = (await aws(
      ...['stepfunctions', 'create-state-machine', '--name', 'short'],
      ...['--definition', definition, '--role-arn', roleArn],
    )) as { stateMachineArn: string };
    const machine = ['--state-machine-arn', created.stateMachineArn];
    await aws('stepfunctions', 'start-execution', ...machine, '--name', 'first');
    expect(await aws('stepfunctions', 'list-executions', ...machine)).toMatchObject({
      executions: [{ name: 'first', status: 'SUCCEEDED', stateMachineArn: created.stateMachineArn }],
    });
  });

  test('says who calls', async () => {
    expect(await aws('sts', 'get-caller-identity')).toMatchObject({
      Account: '000000000000',
      Arn: 'arn:aws:iam::000000000000:user/operator',
    });
  });

  test.each([
    ['a small file', 1000],
    ['a file that it sends in parts', 9 * 1024 * 1024 + 17],
  ])('copies %s up and down', async (_what, size) => {
    const bucket = `cli-${size}`;
    const up = join(folder, `up-${size}`);
    const down = join(folder, `down-${size}`);
    const bytes = randomBytes(size);
    await writeFile(up, bytes);
    await aws('s3', 'mb', `s3://${bucket}`);
    await aws('s3', 'cp', up, `s3://${bucket}/web/a file+1`);
    expect(await aws('s3', 'ls', `s3://${bucket}/web/`)).toContain(` ${size} a file+1`);
    await aws('s3', 'cp', `s3://${bucket}/web/a file+1`, down);
    expect((await readFile(down)).equals(bytes)).toBe(true);
    expect(
      await aws(
        's3api',
        'head-object',
        '--bucket',
        bucket,
        '--key',
        'web/a file+1',
        '--checksum-mode',
        'ENABLED',
      ),
    ).toMatchObject({ ContentLength: size });
  });

  test('queries a table', async () => {
    const create =
      'dynamodb create-table --table-name fleets --billing-mode PAY_PER_REQUEST' +
      ' --attribute-definitions AttributeName=pk,AttributeType=S --key-schema AttributeName=pk,KeyType=HASH';
    await aws(...create.split(' '));
    await aws('dynamodb', 'wait', 'table-exists', '--table-name', 'fleets');
    const item = { pk: { S: 'web' }, live: { N: '7' } };
    await aws('dynamodb', 'put-item', '--table-name', 'fleets', '--item', JSON.stringify(item));
    const query = 'dynamodb query --table-name fleets --key-condition-expression pk=:pk';
    const values = JSON.stringify({ ':pk': { S: 'web' } });
    const found = await aws(...query.split(' '), '--expression-attribute-values', values);
    expect(found).toMatchObject({ Count: 1, Items: [item] });
  });

  test('is told by name what went wrong', async () => {
    await expect(
      aws('s3api', 'get-object', '--bucket', 'nowhere', '--key', 'a', join(folder, 'x')),
    ).rejects.toThrow('NoSuchBucket');
    await expect(aws('dynamodb', 'describe-table', '--table-name', 'nothing')).rejects.toThrow(
      'ResourceNotFoundException',
    );
  });
});
