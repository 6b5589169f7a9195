/**
 * The files that take longest begin first, so that no core waits for one of them alone at the end. On a clean clone
 * vitest knows no durations yet and goes by the size of a file, which says nothing of how long it waits.
 */
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Of more than 35 s each, the longest first; seconds on two cores. */
const long = [
  'end-to-end/load', // 200
  'end-to-end/rollout-over-restarts', // 130
  'end-to-end/doors', // 105
  'end-to-end/broken-releases', // 80
  'end-to-end/large-disk', // 80
  'scenarios/iam-audit', // 95
  'scenarios/rollout-matrix', // 90
  'scenarios/schedules', // 60
  'scenarios/smoke-boot', // 55
  'end-to-end/tour', // 55
  'scenarios/late-copies', // 50
  'scenarios/pausing', // 45
  'scenarios/mutants', // 45
  'end-to-end/bench', // 45
  'scenarios/swap-fleet', // 45
  'scenarios/build-image', // 40
  'end-to-end/balancer', // 35
];

function rank({ moduleId }: TestSpecification): number {
  const at = long.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return at === -1 ? long.length : at;
}

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const group = ({ project }: TestSpecification): number => project.config.sequence.groupOrder;
    // A stable sort: what is not named keeps vitest's own order.
    return (await super.sort(files)).sort((a, b) => group(a) - group(b) || rank(a) - rank(b));
  }
}
