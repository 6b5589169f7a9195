import type { Uploading } from './uploading.ts';

type Table = (rows: readonly (readonly string[])[]) => string;

/** The rows about uploading, with the formulas of what limits them. */
export function uploadingReport(
  { rounds, writerCount, whole, small, large }: Uploading,
  table: Table,
): string[] {
  const row = (
    what: string,
    { seconds, cpuSeconds, endpointCpuSeconds, coldsnap }: Uploading['small' | 'whole'],
    ideal: string,
  ): string[] => [
    what,
    seconds.toFixed(2),
    cpuSeconds.toFixed(2),
    endpointCpuSeconds.toFixed(2),
    ideal,
    coldsnap?.seconds.toFixed(2) ?? '-',
    coldsnap?.ratio.toFixed(2) ?? '-',
  ];
  const settings = (what: string, { coldsnap }: Uploading['small' | 'whole']): string =>
    `  coldsnap's best for ${what}: ${coldsnap?.settings ?? 'not installed'}`;
  return [
    'Uploading into a snapshot',
    '  To an endpoint at 40 ms that takes 1,000 puts a second, over sockets of this machine, which has to bear both ends.',
    `  ideal: ideal schedule / seconds, where the schedule is blocks / 1,000 + 0.04 s = ${whole.idealSeconds.toFixed(2)} s for the ${whole.blocks}`,
    '  blocks of 1 GiB. Its limit is 1; for this writer, which stays 4 % below the quota so that no second exceeds it',
    `  and waits for the snapshot's start and seal too, ${(whole.idealSeconds / leastSeconds(whole.blocks)).toFixed(2)} = schedule / (blocks / 960 + 3 * 0.04 s).`,
    `  coldsnap: its seconds, at the best of three settings. ratio: its seconds / ours, in turns; medians of ${rounds}.`,
    `  Our segments are written by ${writerCount} processes, one for each core, that have written before; in AWS each has a`,
    '  function. CPU s: of these processes and of the endpoint, user and system. The machine allows no less time than',
    `  (CPU s + endpoint CPU s) / cores, which here is ${machineSeconds(whole, writerCount).toFixed(2)} s for 1 GiB.`,
    '  coldsnap reads and digests the whole volume, ours what the plan says is not zero.',
    ...(small.coldsnap === undefined
      ? []
      : [
          `  The limit of the ratio for 20 MB is ${(small.coldsnap.seconds / answersSeconds).toFixed(1)} = coldsnap's seconds / (3 * 0.04 s): start, puts all at once, seal.`,
        ]),
    '',
    table([
      ['', 'seconds', 'CPU s', 'endpoint CPU s', 'ideal', 'coldsnap s', 'ratio'],
      row('1 GiB, random', whole, whole.ratio.toFixed(2)),
      row(`20 MB on 1 GiB (${small.blocks} blocks)`, small, '-'),
    ]),
    '',
    settings('1 GiB', whole),
    settings('20 MB', small),
    ...(whole.coldsnap === undefined
      ? []
      : [
          `  the endpoint's CPU s while coldsnap uploads 1 GiB: ${whole.coldsnap.endpointCpuSeconds.toFixed(2)}`,
        ]),
    `  peak memory of one writer that takes ${large.blocks} blocks (4 GiB) alone: ${large.peakMegabytes} MB; its function has 512 MiB. The blocks it`,
    '  holds are at most (24 + 4) reads * 4 MiB = 112 MiB, whatever the size of the disk.',
  ];
}

/** The snapshot's start, the last put, its seal: each takes an answer of 40 ms. */
const answersSeconds = 3 * 0.04;

function leastSeconds(blocks: number): number {
  return blocks / 960 + answersSeconds;
}

/** What the cores need for both ends of an upload, if they are never idle. */
function machineSeconds({ cpuSeconds, endpointCpuSeconds }: Uploading['whole'], cores: number): number {
  return (cpuSeconds + endpointCpuSeconds) / cores;
}
