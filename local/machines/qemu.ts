/** Boots the disk itself, kernel and all, in a virtual machine. https://www.qemu.org/docs/master/system/invocation.html */
import { access, constants, open } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { ReadableDisk } from '../services/ebs/snapshots.ts';
import { readBootPlan } from './disk-reader.ts';
import { CannotBoot } from './machine.ts';
import type { PrepareMachine } from './process-machine.ts';

const emulator = 'qemu-system-x86_64';
/** Where a program listens that does not say otherwise in its manifest's PORT. */
const usualGuestPort = 8080;
/** What a guest gets at most, whatever its type has: this is one host for all of them. */
const mostMemoryMiB = 1024;
const pieceBytes = 524_288;

/**
 * Copies the snapshot into a sparse file and boots from it, with the serial console on standard output and one
 * loopback port that leads to the guest's.
 * @throws CannotBoot naming what is missing
 */
export const prepareQemu: PrepareMachine = async (launch, { folder, port }) => {
  if (launch.architecture !== 'x86_64')
    throw new CannotBoot(`The local region boots no ${launch.architecture} image that has a real kernel`);
  const command = await findEmulator(process.env.PATH ?? '');
  if (command === undefined) {
    throw new CannotBoot(
      `The image has a real kernel, and ${emulator} is not installed: install QEMU, or build the image with the stand-in kernel`,
    );
  }
  const { environment } = await readBootPlan(launch.disk);
  const guestPort = Number(environment.PORT ?? usualGuestPort);
  const disk = join(folder, 'disk.raw');
  await writeSparse(launch.disk, disk);
  return {
    command,
    arguments: [
      // Nanos boots in a second without KVM, and a nested KVM may be there and yet fail at an instruction of its start.
      ...['-accel', 'tcg'],
      ...['-machine', 'q35', '-m', `${Math.min(launch.memoryMiB, mostMemoryMiB)}`],
      // Nothing of the guest is on a screen, and a reset ends it, as Nanos does after a crash.
      ...['-display', 'none', '-serial', 'stdio', '-monitor', 'none', '-no-reboot'],
      ...['-drive', `file=${disk},format=raw,if=virtio,cache=unsafe`],
      ...['-netdev', `user,id=n,restrict=off,hostfwd=tcp:127.0.0.1:${port}-:${guestPort}`],
      ...['-device', 'virtio-net-pci,netdev=n'],
    ],
    environment: {},
  };
};

/** The first of that name on the path that may be run. */
async function findEmulator(path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    if (folder === '') continue;
    const candidate = join(folder, emulator);
    try {
      await access(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** Zeros are left out: the file takes as much room as the snapshot has blocks. */
async function writeSparse(disk: ReadableDisk, path: string): Promise<void> {
  const zeros = Buffer.alloc(pieceBytes);
  await using file = await open(path, 'wx', 0o600);
  await file.truncate(disk.sizeBytes);
  for (let offset = 0; offset < disk.sizeBytes; offset += pieceBytes) {
    const length = Math.min(pieceBytes, disk.sizeBytes - offset);
    const piece = await disk.read(offset, length);
    if (!zeros.subarray(0, length).equals(piece)) await file.write(piece, 0, length, offset);
  }
}
