/** What is fuzzed, and what must hold of it whatever it is given. */

import { readBootPlan, readKernelStart } from '../../local/machines/disk-reader.ts';
import { DiskUnreadable } from '../../local/machines/tfs-log.ts';
import { FlotillaError } from '../../src/errors.ts';
import { readPartitions } from '../../src/image/layout.ts';
import { recognise } from '../../src/image/recognise.ts';
import { type ByteSource, readableLength, slice } from '../../src/image/source.ts';
import { openFile, readFileSystem, walk } from '../../src/image/tfs/file-system.ts';
import { type Case, readCase } from './mutate.ts';

/**
 * What one case may cost beside its own size, each part of it read a few times: a log of 32 MiB in 256 parts for either
 * file system, and a program in 4,096 pieces that each fetch a piece of the cache.
 */
const most = { reads: 16_384, timesItsSize: 8, moreBytes: 96 * 2 ** 20, oneReadBytes: 33 * 2 ** 20 };

export interface Work {
  reads: number;
  bytes: number;
}

export class Broken extends Error {
  override readonly name = 'Broken';
}

/** The case as a source that counts, and that refuses what no caller may ask. */
function counted(one: Case, work: Work): ByteSource {
  return {
    sizeBytes: one.sizeBytes,
    read: async (offset, length) => {
      const size = readableLength(one.sizeBytes, offset, length);
      work.reads += 1;
      work.bytes += size;
      if (size > most.oneReadBytes) throw new Broken(`${size} bytes read at once`);
      if (work.reads > most.reads) throw new Broken(`more than ${most.reads} reads`);
      if (work.bytes > most.timesItsSize * one.sizeBytes + most.moreBytes)
        throw new Broken(`${work.bytes} bytes read of a file of ${one.sizeBytes}`);
      return readCase(one, offset, size);
    },
  };
}

const families = /^(?:Artifact|Disk|Manifest|Kernel)/;

/** @returns the outcome's name: of the error, or what was recognised. @throws Broken where a promise is broken */
async function outcomeOf(
  perform: () => Promise<string>,
  isNamed: (error: unknown) => boolean,
): Promise<string> {
  try {
    return await perform();
  } catch (error) {
    if (isNamed(error)) return (error as Error).name;
    if (error instanceof Broken) throw error;
    throw new Broken(
      `an error without a name of ours: ${error instanceof Error ? error.stack : String(error)}`,
    );
  }
}

const isOurs = (error: unknown) => error instanceof FlotillaError && families.test(error.name);

/** Reads all that there is, as an inspection does. */
async function walkDisk(source: ByteSource): Promise<string> {
  const linux = readPartitions(await source.read(0, 512)).filter(({ type }) => type === 0x83);
  let nodes = 0;
  for (const { startSector } of linux) {
    const offset = startSector * 512;
    if (offset >= source.sizeBytes) continue;
    const fs = await readFileSystem(slice(source, offset, source.sizeBytes - offset));
    for (const node of walk(fs)) {
      nodes += 1;
      // the ends of a file tell whether its extents are within the disk; whole, a sparse one could be endless
      if (node.kind === 'file' && nodes < 64) {
        await openFile(fs, node).read(0, 512);
        await openFile(fs, node).read(Math.max(0, node.sizeBytes - 512), 512);
      }
    }
  }
  return 'walked';
}

async function bootOf(source: ByteSource): Promise<string> {
  await readKernelStart(source);
  const plan = await readBootPlan(source);
  let given = 0;
  for await (const piece of plan.programPieces()) given += piece.length;
  if (given !== plan.programBytes) throw new Broken(`a program of ${plan.programBytes} bytes gave ${given}`);
  return 'boots';
}

/** Everything that looks into what strangers make, with what it may end in. */
const subjects: readonly [string, (source: ByteSource) => Promise<string>, (error: unknown) => boolean][] = [
  ['recognise', async (source) => (await recognise(source)).kind, isOurs],
  ['walk', walkDisk, isOurs],
  ['region', bootOf, (error) => error instanceof DiskUnreadable],
];

/**
 * Gives one case to everything that reads uploads.
 *
 * @returns each reader's outcome, `reader: name`, and the most that one of them read
 * @throws Broken an error without a name of ours, or more work than is allowed
 */
export async function examine(one: Case): Promise<{ outcomes: string[]; work: Work }> {
  const outcomes: string[] = [];
  const largest: Work = { reads: 0, bytes: 0 };
  for (const [name, perform, isNamed] of subjects) {
    if (name !== 'recognise' && one.sizeBytes < 512) continue;
    const work: Work = { reads: 0, bytes: 0 };
    outcomes.push(`${name}: ${await outcomeOf(() => perform(counted(one, work)), isNamed)}`);
    largest.reads = Math.max(largest.reads, work.reads);
    largest.bytes = Math.max(largest.bytes, work.bytes);
  }
  return { outcomes, work: largest };
}
