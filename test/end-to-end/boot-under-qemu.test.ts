/**
 * An image of this project's own writer, with a real Nanos kernel, boots and serves.
 *
 * Wants a kernel bundle (`kernel.img`, `boot.img` and, for UEFI, `bootx64.efi`, as Ops keeps them in `~/.ops/<version>/`) in the folder
 * that FLOTILLA_KERNEL_BUNDLE names, `qemu-system-x86_64` and `go`. No acceleration is needed.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { BLOCK_BYTES, blockChecksum } from '../../src/image/blocks.ts';
import { planDisk, planSource } from '../../src/image/disk.ts';
import { efiLoaderFile } from '../../src/image/efi-system.ts';
import { nonZeroBlocks, readPlan } from '../../src/image/extents.ts';
import { BUILDER_VERSION, imageIdentity, kernelDigest } from '../../src/image/identity.ts';
import { requireKernelBundle } from '../../src/image/kernel-bundle.ts';
import { type ManifestSettings, makeManifest, programPath } from '../../src/image/manifest.ts';
import { recognise } from '../../src/image/recognise.ts';
import { bytesSource } from '../../src/image/source.ts';

const bundle = process.env.FLOTILLA_KERNEL_BUNDLE ?? '';
const isInstalled = (command: string, flag: string) => spawnSync(command, [flag]).status === 0;

function missing(firmware: Firmware): string | undefined {
  if (bundle === '') return 'FLOTILLA_KERNEL_BUNDLE names no kernel bundle';
  const wanted = ['kernel.img', 'boot.img', ...(firmware === 'UEFI' ? [efiLoaderFile.x86_64] : [])];
  const files = wanted.filter((file) => !existsSync(join(bundle, file)));
  if (files.length > 0) return `${bundle} lacks ${files.join(' and ')}`;
  if (!isInstalled('qemu-system-x86_64', '--version')) return 'qemu-system-x86_64 is not installed';
  if (firmware === 'UEFI' && !ovmf.some((path) => existsSync(path))) return 'OVMF is not installed';
  if (!isInstalled('go', 'version')) return 'go is not installed';
  return undefined;
}

const server = `package main

import (
	"encoding/json"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		path := os.Getenv("GREETING")
		if path == "" {
			path = "/etc/greeting"
		}
		file, err := os.ReadFile(path)
		if err == nil {
			// what the kernel can write, it can read back: the disk has room for its log
			err = os.WriteFile("/written", file, 0o644)
		}
		if err != nil {
			http.Error(w, err.Error(), 500)
			return
		}
		written, _ := os.ReadFile("/written")
		json.NewEncoder(w).Encode(map[string]any{"arguments": os.Args, "environment": os.Environ(), "file": string(written)})
	})
	if err := http.ListenAndServe(":"+os.Getenv("PORT"), nil); err != nil {
		panic(err)
	}
}
`;

const settings = {
  arguments: ['-v', 'two words', 'žluť'],
  environment: { PORT: '8080', RELEASE: 'v7', EMPTY: '' },
  files: { '/etc/greeting': 'hello\n' },
};
const volumeSizeGiB = 1;

let folder = '';
const machines: ChildProcess[] = [];

afterAll(async () => {
  for (const machine of machines) {
    if (machine.exitCode !== null || machine.signalCode !== null) continue;
    const ended = once(machine, 'exit');
    machine.kill('SIGKILL');
    await ended;
  }
  if (folder !== '') rmSync(folder, { recursive: true, force: true });
});

function buildServer(): Buffer {
  writeFileSync(join(folder, 'main.go'), server);
  writeFileSync(join(folder, 'go.mod'), 'module example.com/booted\n\ngo 1.21\n');
  const env = { ...process.env, CGO_ENABLED: '0', GOOS: 'linux', GOARCH: 'amd64', GOFLAGS: '' };
  execFileSync('go', ['build', '-o', 'program', '.'], { cwd: folder, env });
  return readFileSync(join(folder, 'program'));
}

type Firmware = 'BIOS' | 'UEFI';

/** Firmware for QEMU, as Debian and Fedora install it. */
const ovmf = ['/usr/share/ovmf/OVMF.fd', '/usr/share/edk2/ovmf/OVMF_CODE.fd'];

/**
 * Plans and writes the disk, block by block as into a snapshot, and gives the file's path. For UEFI it has an EFI
 * system partition, and boots by BIOS all the same.
 */
async function writeDisk(
  program: Buffer,
  firmware: Firmware,
  name: string,
  more: ManifestSettings = {},
): Promise<string> {
  const kernelImg = readFileSync(join(bundle, 'kernel.img'));
  const bootImg = readFileSync(join(bundle, 'boot.img'));
  const loader = firmware === 'UEFI' ? readFileSync(join(bundle, efiLoaderFile.x86_64)) : undefined;
  requireKernelBundle({
    architecture: 'x86_64',
    kernelImgStart: kernelImg,
    kernelImgBytes: kernelImg.length,
    bootImg,
    efiLoader: loader && { start: loader, sizeBytes: loader.length },
  });
  const recognised = await recognise(bytesSource(program));
  if (recognised.kind !== 'go-elf') throw new Error('the server is no Go program');
  const manifest = makeManifest(
    { ...settings, ...more, files: { ...settings.files, ...more.files } },
    programPath(recognised.buildInfo),
  );
  const klibs = manifest.klibs.map((klib) => ({
    name: klib,
    bytes: readFileSync(join(bundle, 'klibs', klib)),
  }));
  const digest = kernelDigest([
    { name: 'kernel.img', sha256: blockChecksum(kernelImg) },
    { name: 'boot.img', sha256: blockChecksum(bootImg) },
  ]);
  const identity = imageIdentity({
    artifactSha256: blockChecksum(program),
    kernelDigest: digest,
    manifest,
    builderVersion: BUILDER_VERSION,
    volumeSizeGiB,
  });
  const volumeBytes = volumeSizeGiB * 2 ** 30;
  const plan = planDisk({
    kernel: {
      bootImg,
      kernelImgBytes: kernelImg.length,
      klibs: klibs.map(({ name: klib, bytes }) => ({ name: klib, sizeBytes: bytes.length })),
      digest,
      efiLoader: loader && { architecture: 'x86_64', sizeBytes: loader.length },
    },
    programBytes: program.length,
    manifest,
    volumeBytes,
    identity,
  });
  const disk = readPlan(plan, {
    [planSource.program]: bytesSource(program),
    [planSource.kernel]: bytesSource(kernelImg),
    ...Object.fromEntries(klibs.map(({ name: klib, bytes }) => [planSource.klib(klib), bytesSource(bytes)])),
    ...(loader && { [planSource.efiLoader]: bytesSource(loader) }),
  });
  const path = join(folder, `${name}.img`);
  await using file = await open(path, 'w');
  await file.truncate(volumeBytes);
  for (const index of nonZeroBlocks(plan)) {
    await file.write(await disk.read(index * BLOCK_BYTES, BLOCK_BYTES), 0, undefined, index * BLOCK_BYTES);
  }
  return path;
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  listener.close();
  await once(listener, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function boot(
  disk: string,
  port: number,
  firmware: Firmware,
): { machine: ChildProcess; console: () => string } {
  const machine = spawn(
    'qemu-system-x86_64',
    ['-machine', 'q35', '-m', '256', '-display', 'none', '-serial', 'stdio', '-no-reboot'].concat(
      firmware === 'UEFI' ? ['-bios', ovmf.find((path) => existsSync(path)) ?? ''] : [],
      ['-drive', `file=${disk},format=raw,if=virtio`],
      ['-netdev', `user,id=n,hostfwd=tcp:127.0.0.1:${port}-:8080`, '-device', 'virtio-net-pci,netdev=n'],
    ),
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  machines.push(machine);
  let text = '';
  for (const stream of [machine.stdout, machine.stderr]) stream.on('data', (data) => (text += data));
  return { machine, console: () => text };
}

/** Asks until the machine answers, as a health check does; an end of the machine ends the waiting. */
async function answerFrom(port: number, { machine, console }: ReturnType<typeof boot>): Promise<Response> {
  for (let attempt = 0; attempt < 240; attempt += 1) {
    if (machine.exitCode !== null) break;
    try {
      return await fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(2000) });
    } catch {
      await delay(250); // the machine is another computer: there is nothing to wait for but its answer
    }
  }
  throw new Error(`the machine did not answer; its console:\n${console()}`);
}

describe('an image under QEMU', () => {
  it.for<[Firmware, Firmware]>([
    ['BIOS', 'BIOS'],
    ['UEFI', 'UEFI'],
    ['UEFI', 'BIOS'],
  ])(
    'made for %s boots by %s, and serves with the arguments, environment and files of its manifest',
    { timeout: 180_000 },
    async ([made, booted], { skip }) => {
      const reason = missing(made);
      if (reason !== undefined) skip(reason);
      if (folder === '') folder = mkdtempSync(join(tmpdir(), 'flotilla-boot-'));
      const disk = await writeDisk(buildServer(), made, `${made}-by-${booted}`);
      const port = await freePort();
      const response = await answerFrom(port, boot(disk, port, booted));
      const answer: unknown = await response.json();
      expect(response.status).toBe(200);
      expect(answer).toEqual({
        arguments: ['/bin/booted', '-v', 'two words', 'žluť'],
        environment: expect.arrayContaining(['PORT=8080', 'RELEASE=v7', 'EMPTY=']),
        file: 'hello\n',
      });
    },
  );

  it('whose log takes several parts boots, with a module of the kernel and a volume that is not there', {
    timeout: 180_000,
  }, async ({ skip }) => {
    const klib = join(bundle, 'klibs', 'ntp');
    const reason = missing('BIOS') ?? (existsSync(klib) ? undefined : `${klib} is missing`);
    if (reason !== undefined) skip(reason);
    if (folder === '') folder = mkdtempSync(join(tmpdir(), 'flotilla-boot-'));
    // Some 300 bytes of the log for each: four parts, beside the first.
    const many = Array.from({ length: 6000 }, (_, i) => [
      `/many/${i % 50}/${'long '.repeat(40)}${i}`,
      `${i}`,
    ]);
    // the last name of all is asked for: whoever finds it has read the log to its end
    const files = { ...Object.fromEntries(many), '/zz/greeting': 'from the end\n' };
    const disk = await writeDisk(buildServer(), 'BIOS', 'many', {
      environment: { PORT: '8080', GREETING: '/zz/greeting' },
      files,
      klibs: ['ntp'],
      attributes: { mounts: { nothing: '/mnt/nothing' } },
    });
    const port = await freePort();
    const response = await answerFrom(port, boot(disk, port, 'BIOS'));
    expect(await response.json()).toMatchObject({ file: 'from the end\n' });
  });
});
