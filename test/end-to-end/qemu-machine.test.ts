/**
 * Images with a real kernel boot in a virtual machine of the region. The kernel here is the smallest that can be
 * told from the stand-in: its boot sector writes a line to the serial port, and halts.
 *
 * Wants `qemu-system-x86_64`; that a Nanos kernel boots from such a disk is another test's (boot-under-qemu).
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Region } from '../../local/region.ts';
import { createRegion } from '../../local/region.ts';
import { standInKernel } from '../../src/image/kernel-bundle.ts';
import { call, makeImage, until } from './echo-image.ts';

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
