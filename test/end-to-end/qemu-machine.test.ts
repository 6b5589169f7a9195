/**
 * Images with a real kernel boot in a virtual machine of the region. The kernel here is the smallest that can be
 * told from the stand-in: its boot sector writes a line to the serial port, and halts.
 *
 * Wants `qemu-system-x86_64`; the last test also a real kernel bundle, in the folder that FLOTILLA_KERNEL_BUNDLE
 * names, and `go`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Region } from '../../local/region.ts';
import { createRegion } from '../../local/region.ts';
import { standInKernel } from '../../src/image/kernel-bundle.ts';
import { call, forward, healthy, makeGroup, makeImage, makeTargetGroup, until } from './echo-image.ts';

const line = 'hello from the boot sector';

function speakingKernel() {
  return standInKernel().files.map(({ name, bytes }) => {
    const made = Uint8Array.from(bytes);
    if (name === 'boot.img') {
      // xor ax,ax; mov ds,ax; mov dx,0x3f8; mov si,0x7c20; next: lodsb; test al,al; jz end; out dx,al; jmp next;
      // end: hlt; jmp end
      const code = [
        ...[0x31, 0xc0, 0x8e, 0xd8, 0xba, 0xf8, 0x03, 0xbe, 0x20, 0x7c],
        ...[0xac, 0x84, 0xc0, 0x74, 0x03, 0xee, 0xeb, 0xf8, 0xf4, 0xeb, 0xfd],
      ];
      made.set(code, 0);
      made.set(Buffer.from(`${line}\n\0`), 32);
    } else {
      // A kernel that names a segment is one that could be loaded.
      new DataView(made.buffer).setUint16(56, 1, true);
    }
    return { name, bytes: made };
  });
}

let region: Region;

beforeEach(async () => {
  region = await createRegion({ seed: 5 });
});

afterEach(() => region.close());

async function launch(): Promise<string> {
  const { imageId } = await makeImage(region, 'booted', speakingKernel());
  const run = { ImageId: imageId, InstanceType: 't3.nano', MinCount: 1, MaxCount: 1 };
  const { Instances } = await call(region, 'ec2', 'RunInstances', run);
  return Instances[0].InstanceId;
}

async function consoleOf(InstanceId: string): Promise<string> {
  const { Output } = await call(region, 'ec2', 'GetConsoleOutput', { InstanceId, Latest: true });
  return Buffer.from(Output, 'base64').toString();
}

/** Whether something takes connections there. */
async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

describe('an image with a real kernel', () => {
  it('boots in a virtual machine, whose console is kept, and which ends with its instance', async ({
    skip,
  }) => {
    if (spawnSync('qemu-system-x86_64', ['--version']).status !== 0)
      skip('qemu-system-x86_64 is not installed');
    const id = await launch();
    await until(async () => (await consoleOf(id)).includes(line), 60_000);
    const port = region.parts.ec2.instances.addressOf(id)?.port ?? 0;
    expect(await listens(port)).toBe(true);
    await call(region, 'ec2', 'TerminateInstances', { InstanceIds: [id] });
    await until(() => region.parts.ec2.instances.all.get(id)?.state === 'terminated');
    expect(await listens(port)).toBe(false);
    // The last words stay, as EC2 keeps them for an hour.
    expect(await consoleOf(id)).toContain(line);
  }, 90_000);

  it('says what is missing where there is no QEMU', async () => {
    const path = process.env.PATH;
    process.env.PATH = '';
    try {
      const id = await launch();
      await until(() => region.parts.ec2.instances.all.get(id)?.state === 'terminated');
      const { Reservations } = await call(region, 'ec2', 'DescribeInstances', { InstanceIds: [id] });
      expect(Reservations[0].Instances[0].StateReason).toEqual({
        Code: 'Client.InternalError',
        Message:
          'Client.InternalError: Client error on launch. The image has a real kernel, and qemu-system-x86_64 is not installed: install QEMU, or build the image with the stand-in kernel',
      });
      expect(await consoleOf(id)).toContain('qemu-system-x86_64 is not installed');
    } finally {
      process.env.PATH = path;
    }
  }, 30_000);
});

const bundleFolder = process.env.FLOTILLA_KERNEL_BUNDLE ?? '';

function missing(): string | undefined {
  if (bundleFolder === '') return 'FLOTILLA_KERNEL_BUNDLE names no kernel bundle';
  if (!['kernel.img', 'boot.img'].every((name) => existsSync(join(bundleFolder, name))))
    return `${bundleFolder} holds no kernel bundle`;
  const wanted: [string, string][] = [
    ['qemu-system-x86_64', '--version'],
    ['go', 'version'],
  ];
  const lacking = wanted.find(([command, flag]) => spawnSync(command, [flag]).status !== 0);
  return lacking === undefined ? undefined : `${lacking[0]} is not installed`;
}

function buildHello(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-hello-'));
  try {
    const out = join(folder, 'hello');
    execFileSync('go', ['build', '-o', out, '.'], {
      cwd: fileURLToPath(new URL('../../examples/hello', import.meta.url)),
      env: { ...process.env, CGO_ENABLED: '0', GOOS: 'linux', GOARCH: 'amd64', GOFLAGS: '' },
    });
    return readFileSync(out);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('a group of instances with a Nanos kernel', () => {
  it('boots, passes its health checks, and serves through the load balancer', { timeout: 240_000 }, async ({
    skip,
  }) => {
    const reason = missing();
    if (reason !== undefined) skip(reason);
    region.context.lag.off();
    await region.listen();
    const bundle = ['kernel.img', 'boot.img'].map((name) => ({
      name,
      bytes: new Uint8Array(readFileSync(join(bundleFolder, name))),
    }));
    const { imageId } = await makeImage(region, 'nanos', bundle, buildHello());
    const group = await makeTargetGroup(region, 'nanos');
    await call(region, 'elasticloadbalancing', 'CreateRule', {
      ListenerArn: region.parts.elbv2.defaultListener.arn,
      Priority: 1,
      Conditions: [{ Field: 'path-pattern', Values: ['/*'] }],
      Actions: [forward({ [group]: 100 })],
    });
    await makeGroup(region, 'nanos', imageId, group);
    await until(async () => (await healthy(region, group)) === 2, 180_000);
    const answer = await fetch(region.parts.elbv2.url());
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('hello');
  });
});
