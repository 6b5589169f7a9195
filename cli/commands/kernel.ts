/** `flotilla kernel add` and `flotilla kernel list`: kernel bundles in the store, with the operator's own rights. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { type Objects, openObjects } from '../../src/aws/objects.ts';
import { operatorS3 } from '../../src/aws/operator.ts';
import { architecture as architectures } from '../../src/contracts/ids.ts';
import { kernelBundle, kernelKeys, kernelVersion, latestKernel } from '../../src/contracts/kernel-bundle.ts';
import { FlotillaError } from '../../src/errors.ts';
import { efiLoaderFile } from '../../src/image/efi-system.ts';
import { elfArchitecture } from '../../src/image/elf.ts';
import {
  describeBundle,
  isStandIn,
  type KernelBundleFile,
  kernelFile,
  klibFolder,
  requireKernelBundle,
} from '../../src/image/kernel-bundle.ts';
import type { Command, CommandContext } from '../command.ts';
import { CommandError, exitCodes, usageError } from '../exit-codes.ts';
import { table } from '../output.ts';

/** The boot file system of an image has 12 MiB: what is larger can be no part of a release. */
const mostFileBytes = 12 * 1024 ** 2;

function read(path: string): Uint8Array {
  const { size } = statSync(path);
  if (size > mostFileBytes)
    throw usageError(`${path} has ${size} bytes, and no file of a kernel is that large.`);
  return new Uint8Array(readFileSync(path));
}

/**
 * The files of a release that an image can need, and its modules; anything else in the folder is left where it is.
 * boot.img is for x86-64 alone; the loaders for UEFI are taken where they are there.
 */
export function readBundle(folder: string): KernelBundleFile[] {
  const files: KernelBundleFile[] = [];
  const optional = [kernelFile.boot, ...Object.values(efiLoaderFile)];
  for (const name of [kernelFile.kernel, ...optional]) {
    try {
      files.push({ name, bytes: read(join(folder, name)) });
    } catch (error) {
      if (error instanceof CommandError) throw error;
      if (name !== kernelFile.kernel && (error as NodeJS.ErrnoException).code === 'ENOENT') continue;
      throw usageError(
        `${join(folder, name)} cannot be read: ${(error as Error).message}.`,
        'Name the folder of an Ops release, for example ~/.ops/0.1.54.',
      );
    }
  }
  let modules: string[] = [];
  try {
    modules = readdirSync(join(folder, klibFolder)).sort();
  } catch {
    // A release without modules is one, too.
  }
  for (const module of modules) {
    const path = join(folder, klibFolder, module);
    if (!statSync(path).isFile() || !/^[0-9A-Za-z_.-]+$/.test(module)) continue;
    const bytes = read(path);
    if (bytes.length > 0) files.push({ name: `${klibFolder}${module}`, bytes });
  }
  return files;
}

async function json(objects: Objects, bucket: string, key: string): Promise<unknown> {
  const bytes = await objects.bytes({ bucket, key });
  return bytes === undefined ? undefined : JSON.parse(Buffer.from(bytes).toString('utf8'));
}

async function openStore(context: CommandContext): Promise<{ objects: Objects; bucket: string }> {
  const api = await context.api();
  const { storeBucket } = await api.call('describeStack');
  return { objects: openObjects(operatorS3(api.connection)), bucket: storeBucket };
}

export const addKernel: Command = async (context) => {
  const { invocation, output } = context;
  const folder = resolve(invocation.positionals[0] ?? '');
  const version = kernelVersion.safeParse(invocation.values.version ?? basename(folder));
  if (!version.success) {
    throw usageError(`${basename(folder)} is no version of a kernel.`, 'Give it with --version VERSION.');
  }
  const files = readBundle(folder);
  const bytesOf = (name: string) => files.find((file) => file.name === name)?.bytes;
  const kernel = bytesOf(kernelFile.kernel) ?? new Uint8Array();
  const architecture = elfArchitecture(kernel) ?? 'x86_64';
  const loader = bytesOf(efiLoaderFile[architecture]);
  requireKernelBundle({
    architecture,
    kernelImgStart: kernel,
    kernelImgBytes: kernel.length,
    bootImg: bytesOf(kernelFile.boot),
    efiLoader: loader && { start: loader, sizeBytes: loader.length },
  });
  const bundle = describeBundle(version.data, architecture, files);

  const { objects, bucket } = await openStore(context);
  const key = kernelKeys.bundle(bundle.version);
  const present = kernelBundle.safeParse(await json(objects, bucket, key));
  if (present.success && present.data.digest !== bundle.digest) {
    // Images name their kernel by version: other bytes under it would make lineage lie.
    throw new CommandError(exitCodes.refused, `The store has another kernel under ${bundle.version}.`, {
      advice: 'Give this one a version of its own with --version.',
    });
  }
  if (!present.success) {
    for (const { name, bytes } of files) {
      output.progress(`  … ${name}`, false);
      await objects.put(
        { bucket, key: kernelKeys.file(bundle.version, name) },
        bytes,
        'application/octet-stream',
      );
    }
    // Written last: who finds it finds the files that it names.
    await objects.put({ bucket, key }, JSON.stringify(bundle, null, 2), 'application/json');
  }
  const latest = !invocation.flags.has('not-latest');
  if (latest) {
    await objects.put(
      { bucket, key: kernelKeys.latest(architecture) },
      JSON.stringify({ version: bundle.version }),
      'application/json',
    );
  }
  output.endProgress();
  const what = present.success ? 'is in the store already' : 'was added';
  output.line(
    `Kernel ${bundle.version} ${what}${latest ? `, and is what fleets on ${architecture} get by themselves` : ''}.`,
  );
  if (isStandIn(kernel)) output.line('It is the stand-in, which boots nowhere but in a local region.');
  output.result({
    version: bundle.version,
    architecture,
    digest: bundle.digest,
    added: !present.success,
    latest,
  });
  return exitCodes.ok;
};

export const listKernels: Command = async (context) => {
  const { output } = context;
  const { objects, bucket } = await openStore(context);
  const newest = new Set<string>();
  for (const wanted of architectures.options) {
    const latest = latestKernel.safeParse(await json(objects, bucket, kernelKeys.latest(wanted)));
    if (latest.success) newest.add(latest.data.version);
  }
  const found = (await objects.list(bucket, 'kernels/')).filter((key) => key.endsWith('/bundle.json'));
  const kernels = [];
  for (const key of found) {
    const bundle = kernelBundle.safeParse(await json(objects, bucket, key));
    if (!bundle.success) throw new FlotillaError('KernelInvalid', `${key} does not describe a bundle.`);
    const { version, architecture, digest, files } = bundle.data;
    kernels.push({
      version,
      architecture,
      digest,
      latest: newest.has(version),
      files: files.map(({ name }) => name),
    });
  }
  if (kernels.length === 0) output.line('No kernels: flotilla kernel add ~/.ops/<version> adds one.');
  else {
    output.line(
      table(
        ['VERSION', 'FOR', 'DIGEST', ''],
        kernels.map((one) => [
          one.version,
          one.architecture,
          one.digest.slice(0, 12),
          one.latest ? 'latest' : '',
        ]),
      ),
    );
  }
  output.result({ kernels });
  return exitCodes.ok;
};
