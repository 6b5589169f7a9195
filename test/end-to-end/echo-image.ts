/** A machine image whose program is a small HTTP server, and the calls that bring it up as a fleet. */
import { createHash } from 'node:crypto';
import type { Region } from '../../local/region.ts';
import { planDisk } from '../../src/image/disk.ts';
import { nonZeroBlocks, readPlan } from '../../src/image/extents.ts';
import { kernelDigest } from '../../src/image/identity.ts';
import { type KernelBundleFile, standInKernel } from '../../src/image/kernel-bundle.ts';
import { makeManifest } from '../../src/image/manifest.ts';
import { bytesSource } from '../../src/image/source.ts';

const blockBytes = 524_288;

/** Tells its version, arguments, environment and headers; is slow on request; echoes what is upgraded. */
function program(version: string): Buffer {
  return Buffer.from(`#!${process.execPath}
const { createServer } = require('node:http');
const version = '${version}';
const server = createServer((request, response) => {
  const told = JSON.stringify({ version, pid: process.pid, argv: process.argv.slice(2), env: process.env, headers: request.headers });
  if (request.url === '/slow') setTimeout(() => response.end(told), 1500);
  else if (request.url === '/echo') request.pipe(response);
  else if (request.url === '/quit') process.exit(3);
  else response.end(told);
});
server.on('upgrade', (request, socket) => {
  socket.on('error', () => {});
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: echo\\r\\n\\r\\n');
  socket.pipe(socket);
});
server.listen(Number(process.env.PORT), process.env.HOST, () => console.log('listening, version ' + version));
`);
}

/** The disk of an image whose program tells this version: its plan, and its bytes at random. */
export function echoDisk(
  version: string,
  bundle: readonly KernelBundleFile[] = standInKernel().files,
  binary: Buffer = program(version),
) {
  const files = Object.fromEntries(bundle.map(({ name, bytes }) => [name, bytes]));
  const kernel = files['kernel.img'] ?? new Uint8Array();
  const plan = planDisk({
    kernel: {
      bootImg: files['boot.img'] ?? new Uint8Array(),
      kernelImgBytes: kernel.length,
      digest: kernelDigest([]),
    },
    programBytes: binary.length,
    manifest: makeManifest({ arguments: ['--quiet'], environment: { GREETING: 'hello' } }, '/echo'),
    volumeBytes: 1024 ** 3,
    identity: version,
  });
  return { plan, source: readPlan(plan, { program: bytesSource(binary), kernel: bytesSource(kernel) }) };
}

export interface EchoImage {
  readonly imageId: string;
  readonly snapshotId: string;
  /** Where the version's text lies on the disk. */
  readonly versionOffset: number;
}

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely by tests
type Answer = any;

export async function call(
  region: Region,
  service: string,
  operation: string,
  input: object,
): Promise<Answer> {
  return await region.call(service, operation, input);
}

/** Asks until the answer is the wanted one; for things that take their time in wall time. */
export async function until(wanted: () => Promise<boolean> | boolean, withinMs = 20_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await wanted())) {
    if (performance.now() > end) throw new Error('It did not come to pass in time');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function makeImage(
  region: Region,
  version: string,
  bundle?: readonly KernelBundleFile[],
  binary?: Buffer,
): Promise<EchoImage> {
  const { plan, source } = echoDisk(version, bundle, binary);
  const { SnapshotId } = await call(region, 'ebs', 'StartSnapshot', { VolumeSize: 1 });
  const blocks = nonZeroBlocks(plan);
  let versionOffset = -1;
  for (const BlockIndex of blocks) {
    const BlockData = Buffer.alloc(blockBytes);
    BlockData.set(await source.read(BlockIndex * blockBytes, blockBytes));
    const found = BlockData.indexOf(`const version = '${version}'`);
    if (found >= 0) versionOffset = BlockIndex * blockBytes + found + "const version = '".length;
    const Checksum = createHash('sha256').update(BlockData).digest('base64');
    const put = {
      SnapshotId,
      BlockIndex,
      BlockData,
      DataLength: blockBytes,
      Checksum,
      ChecksumAlgorithm: 'SHA256',
    };
    await call(region, 'ebs', 'PutSnapshotBlock', put);
  }
  await call(region, 'ebs', 'CompleteSnapshot', { SnapshotId, ChangedBlocksCount: blocks.length });
  await until(async () => {
    const found = await call(region, 'ec2', 'DescribeSnapshots', { SnapshotIds: [SnapshotId] });
    return found.Snapshots[0].State === 'completed';
  });
  const { ImageId } = await call(region, 'ec2', 'RegisterImage', {
    Name: `echo-${version}-${SnapshotId}`,
    Architecture: 'x86_64',
    RootDeviceName: '/dev/xvda',
    VirtualizationType: 'hvm',
    EnaSupport: true,
    BlockDeviceMappings: [{ DeviceName: '/dev/xvda', Ebs: { SnapshotId } }],
  });
  await until(async () => {
    const found = await call(region, 'ec2', 'DescribeImages', { ImageIds: [ImageId] });
    return found.Images[0].State === 'available';
  });
  return { imageId: ImageId, snapshotId: SnapshotId, versionOffset };
}

/** @returns the ARN of a target group that drains for three seconds. */
export async function makeTargetGroup(region: Region, name: string): Promise<string> {
  const made = await call(region, 'elasticloadbalancing', 'CreateTargetGroup', {
    Name: name,
    Protocol: 'HTTP',
    Port: 8080,
    VpcId: region.parts.ec2.network.vpcId,
    HealthCheckIntervalSeconds: 5,
    HealthCheckTimeoutSeconds: 2,
    HealthyThresholdCount: 2,
    UnhealthyThresholdCount: 2,
  });
  const { TargetGroupArn } = made.TargetGroups[0];
  await call(region, 'elasticloadbalancing', 'ModifyTargetGroupAttributes', {
    TargetGroupArn,
    Attributes: [{ Key: 'deregistration_delay.timeout_seconds', Value: '3' }],
  });
  return TargetGroupArn;
}

export async function makeGroup(
  region: Region,
  name: string,
  imageId: string,
  targetGroupArn: string,
): Promise<void> {
  const template = await call(region, 'ec2', 'CreateLaunchTemplate', {
    LaunchTemplateName: `echo-${name}`,
    LaunchTemplateData: { ImageId: imageId, InstanceType: 't3.nano' },
  });
  await call(region, 'autoscaling', 'CreateAutoScalingGroup', {
    AutoScalingGroupName: name,
    LaunchTemplate: { LaunchTemplateId: template.LaunchTemplate.LaunchTemplateId, Version: '1' },
    AvailabilityZones: ['us-east-1a', 'us-east-1b'],
    MinSize: 0,
    MaxSize: 2,
    DesiredCapacity: 2,
    TargetGroupARNs: [targetGroupArn],
    Tags: [
      { Key: 'flotilla:fleet', Value: 'echo', PropagateAtLaunch: true },
      { Key: 'flotilla:release', Value: name, PropagateAtLaunch: true },
    ],
  });
}

/** How many targets are healthy, those of machines that are known to be gone not counted. */
export async function healthy(
  region: Region,
  targetGroupArn: string,
  gone: readonly (string | undefined)[] = [],
): Promise<number> {
  const input = { TargetGroupArn: targetGroupArn };
  const found = await call(region, 'elasticloadbalancing', 'DescribeTargetHealth', input);
  return found.TargetHealthDescriptions.filter(
    (one: Answer) => one.TargetHealth.State === 'healthy' && !gone.includes(one.Target.Id),
  ).length;
}

export function forward(weights: Readonly<Record<string, number>>): object {
  const TargetGroups = Object.entries(weights).map(([TargetGroupArn, Weight]) => ({
    TargetGroupArn,
    Weight,
  }));
  return { Type: 'forward', ForwardConfig: { TargetGroups } };
}
