/** What the person named, a file or an image, looked into. */
import { open } from 'node:fs/promises';
import { isFlotillaError } from '../src/errors.ts';
import { type Inspection, inspectImage } from '../src/image/inspect.ts';
import { type ByteSource, readableLength } from '../src/image/source.ts';
import { openSnapshotSource } from '../src/runtime/snapshot-source.ts';
import type { CommandContext } from './command.ts';
import { usageError } from './exit-codes.ts';
import { findImage, type ImageTarget } from './image-target.ts';

/** What names an image rather than a file: an AMI, a snapshot, an identity, a release. */
const imageIds = /^(ami-[0-9a-f]{8,17}|snap-[0-9a-f]{8,17}|[0-9a-f]{64}|[a-z][a-z0-9-]*\/v[1-9]\d*)$/;

export interface Inspected {
  readonly inspection: Inspection;
  /** Absent for a file. */
  readonly image?: ImageTarget;
}

/**
 * Looks into a file here, or into the blocks that an AMI would boot from.
 *
 * @throws CommandError usage where a file is neither a Go program nor a Nanos disk
 */
export async function inspectTarget(context: CommandContext, target: string): Promise<Inspected> {
  if (!imageIds.test(target)) return { inspection: await inspectFile(target) };
  const image = await findImage(context, target);
  context.output.progress(`  … reading ${image.bootsFrom}`, false);
  const inspection = await inspectImage(await openSnapshotSource(image.reader, image.bootsFrom));
  context.output.endProgress();
  return { inspection, image };
}

async function inspectFile(path: string): Promise<Inspection> {
  const handle = await open(path).catch((error: NodeJS.ErrnoException) => {
    throw usageError(
      `${path} cannot be read: ${error.message}.`,
      'Name a file, an AMI, or a release (web/v7).',
    );
  });
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw usageError(`${path} is no file.`);
    const { size } = stat;
    const source: ByteSource = {
      sizeBytes: size,
      async read(offset, length) {
        const bytes = new Uint8Array(readableLength(size, offset, length));
        const { bytesRead } = await handle.read(bytes, 0, bytes.length, offset);
        return bytes.subarray(0, bytesRead);
      },
    };
    return await inspectImage(source).catch((error: unknown) => {
      // The file is the person's own, and nothing was sent.
      throw isFlotillaError(error) ? usageError(`${path}: ${error.message}`, error.advice) : error;
    });
  } finally {
    await handle.close();
  }
}
