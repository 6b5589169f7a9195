/** How fast an image is written, without the network, against SHA-256 over the same bytes. */
import { createHash, randomBytes } from 'node:crypto';
import { BLOCK_BYTES, blockChecksum, isZero, linearChecksum } from '../src/image/blocks.ts';
import { planDisk, planSource } from '../src/image/disk.ts';
import { nonZeroBlocks, readPlan } from '../src/image/extents.ts';
import { standInKernel } from '../src/image/kernel-bundle.ts';
import { makeManifest } from '../src/image/manifest.ts';
import { bytesSource } from '../src/image/source.ts';
import { median } from './median.ts';

export interface ImageWriting {
  readonly rounds: number;
  /** Of the blocks that are written. */
  readonly bytes: number;
  readonly megabytesPerSecond: number;
  readonly sha256MegabytesPerSecond: number;
  /** Of the two speeds, each round's two runs side by side; the median. */
  readonly ratio: number;
}

const programBytes = 128 * 1_048_576;

export async function measureImageWriting(rounds: number): Promise<ImageWriting> {
  const program = randomBytes(programBytes);
  const [kernelImg, bootImg] = standInKernel().files.map(({ bytes }) => bytes);
  if (kernelImg === undefined || bootImg === undefined) throw new Error('the stand-in has two files');
  const sources = { [planSource.program]: bytesSource(program), [planSource.kernel]: bytesSource(kernelImg) };

  /** All that write-blocks does but the puts: plan, read, leave zeros out, a digest a block, one over all. */
  async function write(): Promise<Uint8Array[]> {
    const plan = planDisk({
      kernel: {
        bootImg: bootImg as Uint8Array, // checked above
        kernelImgBytes: (kernelImg as Uint8Array).length,
        digest: 'd'.repeat(64),
      },
      programBytes,
      manifest: makeManifest({}, '/bench'),
      volumeBytes: 1_073_741_824,
      identity: 'e'.repeat(64),
    });
    const disk = readPlan(plan, sources);
    const written: Uint8Array[] = [];
    const checksums: string[] = [];
    for (const index of nonZeroBlocks(plan)) {
      const block = await disk.read(index * BLOCK_BYTES, BLOCK_BYTES);
      if (isZero(block)) continue;
      checksums.push(blockChecksum(block));
      written.push(block);
    }
    linearChecksum(checksums);
    return written;
  }

  const blocks = await write();
  const bytes = blocks.length * BLOCK_BYTES;
  const writing: number[] = [];
  const hashing: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const began = performance.now();
    await write();
    const between = performance.now();
    const hash = createHash('sha256');
    for (const block of blocks) hash.update(block);
    hash.digest();
    writing.push(between - began);
    hashing.push(performance.now() - between);
  }
  const speed = (times: readonly number[]): number => bytes / 1_000 / median(times);
  return {
    rounds,
    bytes,
    megabytesPerSecond: speed(writing),
    sha256MegabytesPerSecond: speed(hashing),
    ratio: median(writing.map((time, round) => (hashing[round] ?? 0) / time)),
  };
}
