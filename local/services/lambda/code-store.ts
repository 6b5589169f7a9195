import { createHash } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { AwsError } from '../../service.ts';
import type { FunctionCode } from './executor.ts';
import { readZip, type ZipEntry } from './zip.ts';

// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const directUploadBytes = 50 * 1024 * 1024;
const unpackedBytes = 262_144_000;

/** Where the code with this digest (base64) lies. */
export function codeFolder(directory: string, sha256: string): string {
  return join(directory, Buffer.from(sha256, 'base64').toString('hex'));
}

/**
 * Unpacks a deployment package below `directory`, once per digest.
 * @param sharedDir where other regions may have unpacked the same package, and the next ones find it. Its files are
 *   linked, not used in place: a region goes on where the folder is emptied.
 */
export function storeCode(directory: string, zip: Uint8Array, sharedDir?: string): FunctionCode {
  if (zip.byteLength > directUploadBytes) {
    throw new AwsError(
      'RequestEntityTooLargeException',
      `Request must be smaller than ${directUploadBytes} bytes for the CreateFunction operation`,
      413,
    );
  }
  const sha256 = createHash('sha256').update(zip).digest('base64');
  const folder = codeFolder(directory, sha256);
  if (!existsSync(folder)) {
    const shared = sharedDir === undefined ? undefined : codeFolder(sharedDir, sha256);
    if (shared === undefined || !linked(zip, shared, folder)) unpack(zip, folder);
  }
  return { sha256, sizeBytes: zip.byteLength, directory: folder };
}

function unpack(zip: Uint8Array, folder: string): void {
  const unreadable = (): AwsError =>
    new AwsError(
      'InvalidParameterValueException',
      'Could not unzip uploaded file. Please check your file, then try to upload again.',
    );
  let files: ZipEntry[];
  try {
    files = readZip(zip);
  } catch {
    throw unreadable();
  }
  const total = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (total > unpackedBytes) {
    throw new AwsError(
      'InvalidParameterValueException',
      `Unzipped size must be smaller than ${unpackedBytes} bytes`,
    );
  }
  const stray = files.find(
    ({ name }) => name.startsWith('/') || name.includes('\\') || name.split('/').includes('..'),
  );
  if (stray !== undefined) {
    throw new AwsError(
      'InvalidParameterValueException',
      `The package names a file outside itself: ${stray.name}`,
    );
  }
  // Into a folder beside it first: a half-unpacked package must never be taken for a whole one.
  const draft = `${folder}.draft-${process.pid}`;
  mkdirSync(draft, { recursive: true });
  for (const file of files) {
    const { name } = file;
    const path = join(draft, name);
    if (name.endsWith('/')) {
      mkdirSync(path, { recursive: true });
      continue;
    }
    mkdirSync(dirname(path), { recursive: true });
    let bytes: Uint8Array;
    try {
      bytes = file.read();
    } catch {
      rmSync(draft, { recursive: true });
      throw unreadable();
    }
    writeFileSync(path, bytes);
  }
  settle(draft, folder);
}

/** @returns whether the files could be linked: the shared folder may lie on another disk, or be emptied meanwhile. */
function linked(zip: Uint8Array, from: string, folder: string): boolean {
  const draft = `${folder}.draft-${process.pid}`;
  try {
    if (!existsSync(from)) unpack(zip, from);
    mkdirSync(draft, { recursive: true });
    for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      const to = join(draft, relative(from, path));
      mkdirSync(entry.isDirectory() ? to : dirname(to), { recursive: true });
      if (!entry.isDirectory()) linkSync(path, to);
    }
  } catch {
    rmSync(draft, { recursive: true, force: true });
    return false;
  }
  settle(draft, folder);
  return true;
}

function settle(draft: string, folder: string): void {
  try {
    renameSync(draft, folder);
  } catch (error) {
    // Another process that shares the folder was quicker: the same digest is the same package.
    rmSync(draft, { recursive: true });
    if (!existsSync(folder)) throw error;
  }
}
