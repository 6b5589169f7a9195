/** The measurements as a table for people. */
import type { ExecutionCost } from '../test/scenarios/kit/execution-cost.ts';
import type { BundleSize } from './bundles.ts';
import type { ColdStarts } from './cold-start.ts';
import type { Deltas } from './deltas.ts';
import type { ImageWriting } from './image-writing.ts';
import type { Machine } from './machine.ts';
import type { RegionCost } from './region-start.ts';
import { type RolloutMeasurements, rolloutReport } from './rollout-report.ts';
import type { Uploading } from './uploading.ts';
import { uploadingReport } from './uploading-report.ts';

export interface Measurements {
  readonly machine: Machine;
  readonly bundles: readonly BundleSize[];
  readonly coldStarts: ColdStarts;
  readonly executions: readonly ExecutionCost[];
  readonly rollouts: RolloutMeasurements;
  readonly imageWriting: ImageWriting;
  readonly deltas: Deltas;
  readonly uploading: Uploading;
  readonly region: RegionCost;
}

const kilobytes = (bytes: number): string => (bytes / 1000).toFixed(0);

/** The first column to the left, the others to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ');
  return rows.map((row) => `  ${line(row)}`.trimEnd()).join('\n');
}

export function report(measurements: Measurements): string {
  const { machine, bundles, coldStarts, executions, rollouts, imageWriting, deltas, uploading, region } =
    measurements;
  const { cores, processor, memoryGiB, kernel, node, loadAtStart } = machine;
  return [
    `Measured on ${cores} cores (${processor}), ${memoryGiB} GiB, Linux ${kernel}, Node ${node}; load ${loadAtStart} at the start.`,
    '',
    'Bundles and cold starts',
    '  zip, code, map: kB (1,000 bytes) of the zip that Lambda fetches, of the bundle in it, and of its source map.',
    `  init: Init Duration of the region's REPORT line in a fresh environment, from the start of the process until the`,
    `  handler is there; median of ${coldStarts.rounds}. ratio: init / init of the empty handler in the same rounds.`,
    '  The region gives every function a whole core and no network to fetch the zip through.',
    '',
    bundleTable(bundles, coldStarts),
    '',
    'Deploys',
    "  transitions: StateEntered events in the execution's history. invocations: functions that the execution called.",
    "  calls: calls of AWS's APIs by those functions, without polls. polls: calls of check-health, which looks again",
    '  after the stated interval until the candidate is healthy. seconds: from start to end, waits and bakes included.',
    '',
    executionTable(executions),
    '',
    ...executions.map((cost) => `  ${cost.what}: ${actions(cost)}`),
    '',
    ...rolloutReport(rollouts, table),
    '',
    'Writing an image',
    '  Plan the disk of a random program, read its blocks, leave zeros out, digest each: all but the network.',
    `  ratio: speed of that / speed of SHA-256 alone over the same ${(imageWriting.bytes / 1e6).toFixed(0)} MB; median of ${imageWriting.rounds}. Its limit is 1.`,
    '',
    table([
      ['', 'MB/s'],
      ['image writing', imageWriting.megabytesPerSecond.toFixed(0)],
      ['SHA-256 alone', imageWriting.sha256MegabytesPerSecond.toFixed(0)],
      ['ratio', imageWriting.ratio.toFixed(2)],
    ]),
    '',
    'Writing a difference',
    `  Blocks put over the parent, of an image with a program of ${(deltas.programBytes / 1e6).toFixed(0)} MB and a kernel of ${(deltas.kernelBytes / 1e6).toFixed(1)} MB, by what is new.`,
    '  limit: the blocks of what is new, and one of each log that names it; ratio: limit / put. Its limit is 1.',
    '',
    table([
      ['what is new', 'blocks', 'put', 'limit', 'ratio'],
      ...deltas.cases.map(({ what, blocks, put, limit }) => [
        what,
        String(blocks),
        String(put),
        String(limit),
        (limit / put).toFixed(2),
      ]),
    ]),
    '',
    ...uploadingReport(uploading, table),
    '',
    'Upload to registered image',
    `  ${executions[0]?.seconds.toFixed(1)} s: the first deploy's build, from its start to its end on the region's clock, which seals a`,
    '  snapshot in 2 s and sees an image as available when three looks, a second apart, say so.',
    '',
    'A local region',
    `  From the start of its process until it says where it is up; medians of ${region.rounds}. CPU and memory are that process's own.`,
    `  idle: with the stack and no fleet, over ${region.idle.seconds} s.`,
    '',
    table([
      ['', 'up s', 'CPU s', 'MB'],
      ...region.starts.map(({ what, seconds, cpuSeconds, megabytes }) => [
        what,
        seconds.toFixed(2),
        cpuSeconds.toFixed(2),
        megabytes.toFixed(0),
      ]),
      ['idle', '', `${(region.idle.cpuShare * 100).toFixed(2)} %`, region.idle.megabytes.toFixed(0)],
    ]),
  ].join('\n');
}

function bundleTable(bundles: readonly BundleSize[], { functions, emptyMilliseconds }: ColdStarts): string {
  const starts = new Map(functions.map((one) => [one.name, one]));
  return table([
    ['function', 'zip kB', 'code kB', 'map kB', 'init ms', 'ratio'],
    ['(empty handler)', '', '', '', emptyMilliseconds.toFixed(0), '1.00'],
    ...bundles.map(({ name, zipBytes, codeBytes, sourceMapBytes }) => {
      const start = starts.get(name);
      return [
        name,
        kilobytes(zipBytes),
        kilobytes(codeBytes),
        kilobytes(sourceMapBytes),
        start?.initMilliseconds.toFixed(0) ?? '',
        start?.ratio.toFixed(2) ?? '',
      ];
    }),
  ]);
}

function executionTable(executions: readonly ExecutionCost[]): string {
  return table([
    [
      'execution',
      'machine',
      'transitions',
      'invocations',
      'calls',
      'polls',
      'looks',
      'interval s',
      'seconds',
    ],
    ...executions.map(({ what, machine, transitions, invocations, calls, healthPolls, seconds }) => [
      what,
      machine,
      `${transitions}`,
      `${invocations}`,
      `${calls}`,
      `${healthPolls?.calls ?? '-'}`,
      `${healthPolls?.looks ?? '-'}`,
      `${healthPolls?.intervalSeconds ?? '-'}`,
      seconds.toFixed(1),
    ]),
  ]);
}

function actions({ byAction }: ExecutionCost): string {
  return Object.entries(byAction)
    .map(([action, count]) => `${action} ${count}`)
    .join(', ');
}
