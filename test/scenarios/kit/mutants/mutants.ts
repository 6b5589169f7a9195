/** Mistakes that the product must not make, each as a change of its source: the checker has to see every one of them. */
import type { Invariant } from '../invariants/violation.ts';
import type { MatrixCase } from '../rollout-matrix/faults.ts';
import type { ScenarioName } from '../rollout-matrix/scenarios.ts';

interface Edit {
  /** Below the root. */
  readonly file: string;
  /** Stands there once. */
  readonly text: string;
  readonly instead: string;
}

export interface Mutant {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Whose bundles are made anew. */
  readonly functions: readonly string[];
  /** The run that shows it. `weights by hand` is none of the matrix: somebody gives a warm release traffic. */
  readonly scenario: ScenarioName | 'weights by hand';
  readonly fault?: Pick<MatrixCase, 'fault' | 'point'>;
  /** By which it is caught. */
  readonly invariant: Invariant;
  /** What the checker says of it. */
  readonly words: RegExp;
}

const undoing = ['roll-back', 'recover-rollout', 'sweep', 'empty-slot', 'remove-group'];

export const mutants: readonly Mutant[] = [
  {
    name: 'rollback in the wrong order',
    edits: [
      {
        file: 'src/fleet/undo.ts',
        text: '  if (moved && misdirected) {',
        instead: `  const first = nextRemoval(world);
  if (first.do !== 'done') return first;
  if (moved && misdirected) {`,
      },
      // The guard, which alone would hold it back.
      {
        file: 'src/fleet/undo.ts',
        text: 'if (refused.length > 0) return',
        instead: 'if (refused.length < 0) return',
      },
    ],
    functions: undoing,
    scenario: 'abort at a gate',
    invariant: 3,
    words: /was shrunk from 2 to 0/,
  },
  {
    name: 'an unpinned minimum',
    edits: [
      {
        file: 'src/runtime/rollout/launch.ts',
        text: 'await groups.resize(pin.groupName, { minimum: pin.pinned });',
        instead: '',
      },
      // Where a pin that was lost is seen.
      {
        file: 'src/runtime/rollout/grow.ts',
        text: '  if (liveGroup !== undefined) await keepPinned(liveGroup, hold, deps.groups);\n',
        instead: '',
      },
    ],
    functions: ['launch-candidate', 'shift-traffic'],
    scenario: 'second deploy',
    invariant: 3,
    words: /live's minimum is not pinned: 1 of 2/,
  },
  {
    name: 'a minimum pinned before its undo is written',
    edits: [
      {
        file: 'src/runtime/rollout/make-plan.ts',
        text: "    { kind: 'minimum-pinned', groupName: pin.groupName, former, pinned: pin.pinned, deadline },\n",
        instead: '',
      },
    ],
    functions: ['plan-rollout'],
    scenario: 'abort at a gate',
    invariant: 5,
    words: /was raised before its undo was written/,
  },
  {
    name: 'a guard left out',
    edits: [
      { file: 'src/fleet/guard.ts', text: '    if (weight > 0) {', instead: '    if (weight < 0) {' },
      // Where the same is asked before.
      { file: 'src/fleet/retirement.ts', text: '  if (weight > 0) {', instead: '  if (weight < 0) {' },
    ],
    functions: ['check-retirement', ...undoing],
    scenario: 'weights by hand',
    invariant: 3,
    words: /was shrunk from 2 to 0/,
  },
  {
    name: 'a fence not read',
    edits: [
      {
        file: 'src/runtime/rollout/hold.ts',
        text: '  if (fleet.lease?.fence === fence) return;',
        instead: '  if (fence > 0) return;',
      },
    ],
    functions: ['launch-candidate'],
    scenario: 'second deploy',
    fault: {
      fault: 'fenced off meanwhile',
      point: { kind: 'call', by: 'launch-candidate', action: 'ec2:CreateLaunchTemplateVersion', nth: 1 },
    },
    invariant: 4,
    words: /launch-candidate called without holding the fleet/,
  },
  {
    name: 'recovery that does not wait for the last call',
    edits: [
      {
        file: 'src/runtime/rollout/recover.ts',
        text: 'const lastCallSeconds = 2 * longestFunctionSeconds;',
        instead: 'const lastCallSeconds = 0;',
      },
    ],
    functions: ['recover-rollout', 'sweep'],
    scenario: 'second deploy',
    fault: {
      fault: 'lands after recovery began',
      point: { kind: 'call', by: 'launch-candidate', action: 'autoscaling:UpdateAutoScalingGroup', nth: 1 },
    },
    invariant: 5,
    words: /live's minimum is 2, the spec's 1/,
  },
];
