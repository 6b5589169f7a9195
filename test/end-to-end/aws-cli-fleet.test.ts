/** The AWS CLI, unmodified, looks at a fleet that runs in the region. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRegion, type Region } from '../../local/region.ts';
import { pythonTool } from '../support/python.ts';
import { call, forward, healthy, makeGroup, makeImage, makeTargetGroup, until } from './echo-image.ts';

const tool = await pythonTool(['awscli==1.46.3']);
const name = 'skip' in tool ? `the AWS CLI and a fleet (skipped: ${tool.skip})` : 'the AWS CLI and a fleet';

describe.skipIf('skip' in tool)(name, { timeout: 60_000 }, () => {
  let region: Region;
  let folder: string;
  let env: NodeJS.ProcessEnv;
  let imageId: string;
  let blue: string;

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
    ({ imageId } = await makeImage(region, 'seen'));
    blue = await makeTargetGroup(region, 'blue');
    await call(region, 'elasticloadbalancing', 'CreateRule', {
      ListenerArn: region.parts.elbv2.defaultListener.arn,
      Priority: 1,
      Conditions: [{ Field: 'path-pattern', Values: ['/*'] }],
      Actions: [forward({ [blue]: 1 })],
    });
    await makeGroup(region, 'v1', imageId, blue);
    await until(async () => (await healthy(region, blue)) === 2);
  }, 60_000);

  afterAll(async () => {
    await region.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function aws(...args: string[]): Promise<unknown> {
    const bin = 'bin' in tool ? tool.bin : '';
    const { stdout } = await promisify(execFile)(join(bin, 'aws'), [...args, '--output', 'json'], { env });
    return stdout === '' ? undefined : JSON.parse(stdout);
  }

  test('finds the image, its instances and what they wrote', async () => {
    expect(await aws('ec2', 'describe-images', '--owners', 'self')).toMatchObject({
      Images: [{ ImageId: imageId, State: 'available', Architecture: 'x86_64' }],
    });
    const filter = 'Name=tag:flotilla:fleet,Values=echo';
    const ids = await aws(
      'ec2',
      'describe-instances',
      '--filters',
      filter,
      '--query',
      'Reservations[].Instances[].InstanceId',
    );
    expect(ids).toHaveLength(2);
    const [id = ''] = ids as string[]; // --query above selects ids
    const output = await aws('ec2', 'get-console-output', '--latest', '--instance-id', id);
    expect(output).toMatchObject({ Output: expect.stringContaining('listening, version seen') });
  });

  test('finds the group and its activities', async () => {
    expect(await aws('autoscaling', 'describe-auto-scaling-groups')).toMatchObject({
      AutoScalingGroups: [{ AutoScalingGroupName: 'v1', DesiredCapacity: 2, TargetGroupARNs: [blue] }],
    });
    const activities = await aws(
      'autoscaling',
      'describe-scaling-activities',
      '--auto-scaling-group-name',
      'v1',
    );
    expect(activities).toMatchObject({
      Activities: [{ StatusCode: 'Successful' }, { StatusCode: 'Successful' }],
    });
  });

  test('finds the targets healthy, and the requests counted', async () => {
    expect(await aws('elbv2', 'describe-target-health', '--target-group-arn', blue)).toMatchObject({
      TargetHealthDescriptions: [
        { TargetHealth: { State: 'healthy' } },
        { TargetHealth: { State: 'healthy' } },
      ],
    });
    await (await fetch(region.parts.elbv2.url())).text();
    const { Metrics: metrics } = (await aws(
      ...['cloudwatch', 'list-metrics', '--metric-name', 'RequestCountPerTarget'],
    )) as { Metrics: { Namespace: string; Dimensions: { Name: string }[] }[] };
    // By target group, and by target group and load balancer:
    // https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
    expect(metrics.map(({ Dimensions }) => Dimensions.map(({ Name }) => Name).sort())).toContainEqual([
      'TargetGroup',
    ]);
    expect(new Set(metrics.map(({ Namespace }) => Namespace))).toEqual(new Set(['AWS/ApplicationELB']));
  });
});
