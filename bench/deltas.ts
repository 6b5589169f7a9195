/** How many blocks an image puts over its parent, by what has changed: counted on the plans, nothing is timed. */
import { randomBytes } from 'node:crypto';
import type { FleetSpec } from '../src/contracts/fleet-spec.ts';
import { BLOCK_BYTES, blockChecksum, blockCount } from '../src/image/blocks.ts';
import { beneath, mustPut, zeroChecksum } from '../src/image/delta.ts';
import { planDisk, planSource } from '../src/image/disk.ts';
import { nonZeroBlocks, readPlan } from '../src/image/extents.ts';
import { standInKernel } from '../src/image/kernel-bundle.ts';
import { makeManifest } from '../src/image/manifest.ts';
import { candidateBlocks } from '../src/image/segments.ts';
import { bytesSource } from '../src/image/source.ts';

export interface DeltaCase {
  readonly what: string;
  /** That are not zero. */
  readonly blocks: number;
  readonly put: number;
  /** The fewest that could be put: the changed bytes' own blocks, and the logs of the file systems that name them. */
  readonly limit: number;
}

export interface Deltas {
  readonly programBytes: number;
  readonly kernelBytes: number;
  readonly cases: readonly DeltaCase[];
}

const programBytes = 20_000_000;
const kernelBytes = 2_600_000;

interface Parts {
  readonly program: Uint8Array;
  readonly kernel: Uint8Array;
  readonly environment: FleetSpec['image']['environment'];
}

export async function measureDeltas(): Promise<Deltas> {
  const base: Parts = {
    program: randomBytes(programBytes),
    kernel: randomBytes(kernelBytes),
    environment: {},
  };
  const parent = await checksumsOf(base, '0');
  const counted = async (what: string, changed: Partial<Parts>, limit: number): Promise<DeltaCase> => {
    const own = await checksumsOf({ ...base, ...changed }, what);
    const indexes = candidateBlocks(planOf({ ...base, ...changed }, what), false, parent);
    const put = indexes.filter((index) =>
      mustPut(own.get(index) ?? zeroChecksum, beneath(index, false, parent)),
    );
    return { what, blocks: own.size, put: put.length, limit };
  };
  return {
    programBytes,
    kernelBytes,
    cases: [
      await counted('environment', { environment: { GREETING: 'hello' } }, 1),
      await counted('program', { program: randomBytes(programBytes) }, blockCount(programBytes) + 1),
      await counted('kernel', { kernel: randomBytes(kernelBytes) }, blockCount(kernelBytes) + 2),
    ],
  };
}

function planOf({ program, kernel, environment }: Parts, identity: string) {
  const boot = standInKernel().files.find(({ name }) => name === 'boot.img');
  if (boot === undefined) throw new Error('the stand-in has a boot.img');
  return planDisk({
    kernel: {
      bootImg: boot.bytes,
      kernelImgBytes: kernel.length,
      digest: blockChecksum(kernel),
    },
    programBytes: program.length,
    manifest: makeManifest({ environment }, '/bench'),
    volumeBytes: 1_073_741_824,
    identity: Buffer.from(identity.padEnd(32)).toString('hex'),
  });
}

/** Of the blocks that are not zero, by index. */
async function checksumsOf(parts: Parts, identity: string): Promise<Map<number, string>> {
  const plan = planOf(parts, identity);
  const disk = readPlan(plan, {
    [planSource.program]: bytesSource(parts.program),
    [planSource.kernel]: bytesSource(parts.kernel),
  });
  const checksums = new Map<number, string>();
  for (const index of nonZeroBlocks(plan)) {
    const checksum = blockChecksum(await disk.read(index * BLOCK_BYTES, BLOCK_BYTES));
    if (checksum !== zeroChecksum) checksums.set(index, checksum);
  }
  return checksums;
}
