/**
 * The order of test files: those in wall time, which mostly wait, in turns with scenarios, which mostly compute, and in
 * each kind the longest first; what takes no time at all is last, and fills the gaps. So the cores are never idle
 * while something waits, and at the end no core waits for one long file alone. On a clean clone vitest knows no
 * durations yet and goes by the size of a file, which says nothing of how long it waits.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Of more than 35 s each, the longest first; seconds on two cores. */
const long = [
  'scenarios/schedules', // 240
  'end-to-end/load', // 155
  'end-to-end/rollout-over-restarts', // 150
  'end-to-end/bench', // 150
  'end-to-end/doors', // 105
  'scenarios/iam-audit', // 95
  'scenarios/rollout-matrix', // 90
  'end-to-end/broken-releases', // 90
  'end-to-end/large-disk', // 50
  'end-to-end/tour', // 70
  'scenarios/smoke-boot', // 55
  'scenarios/late-copies', // 50
  'scenarios/pausing', // 45
  'scenarios/mutants', // 45
  'scenarios/swap-fleet', // 45
  'scenarios/build-image', // 40
  'end-to-end/balancer', // 35
];

function rank({ moduleId }: TestSpecification): number {
  const at = long.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return at === -1 ? long.length : at;
}

export class MixedLongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // A stable sort: what is not named keeps vitest's own order.
    const sorted = (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
    const { 'wall time': waiting = [], scenarios = [], ...rest } = Object.groupBy(sorted, projectOf);
    return [...inTurns(waiting, scenarios), ...Object.values(rest).flatMap((others) => others ?? [])];
  }
}

function projectOf({ project }: TestSpecification): string {
  return project.name;
}

function inTurns<T>(one: readonly T[], other: readonly T[]): T[] {
  const turns = Array.from({ length: Math.max(one.length, other.length) }, (_, at) => [one[at], other[at]]);
  return turns.flat().filter((file) => file !== undefined);
}
