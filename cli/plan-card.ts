/** What a rollout would do, or all that stands against it, as a person reads it. */
import type { RolloutAnswer } from '../src/contracts/api.ts';
import { steps } from './event-words.ts';

/** Lines for an answer to `"plan": true`; none for any other. */
export function planCard({ outcome, plan, reasons = [], notes = [] }: RolloutAnswer): string[] {
  if (outcome === 'refused') {
    return [...reasons.map((reason) => `  ✗ ${reason}`), ...notes.map((note) => `  not checked  ${note}`)];
  }
  if (plan === undefined) return [];
  const { capacity, evict, groupName, pin, slot, way } = plan;
  return [
    `  release   v${plan.release} in slot ${slot}, ${way === 'warm' ? 'still warm' : 'launched'} as ${groupName}`,
    `  size      ${sizes(plan)} (minimum ${capacity.minimum}, maximum ${capacity.maximum})`,
    ...(pin === null
      ? []
      : [
          `  live      minimum of ${pin.groupName} held at ${pin.pinned} meanwhile, then back to ${pin.former}`,
        ]),
    ...(evict === null ? [] : [`  evicts    v${evict.release} (${evict.groupName}), warm until then`]),
    ...(plan.testTraffic ? ['  before    the test listener leads to it'] : []),
    ...(plan.smokeTest
      ? [`  before    a smoke test of each instance${plan.testTraffic ? ', and by the test listener' : ''}`]
      : []),
    ...(plan.hooks?.beforeTraffic === undefined ? [] : [`  before    ${plan.hooks.beforeTraffic} is asked`]),
    `  traffic   ${steps(plan.steps)}`,
    ...(plan.hooks?.afterTraffic === undefined ? [] : [`  after     ${plan.hooks.afterTraffic} is asked`]),
    ...plan.notes.map((note) => `  note      ${note}`),
  ];
}

function sizes({ capacity, mode, wholeSize }: NonNullable<RolloutAnswer['plan']>): string {
  return mode === 'full'
    ? `${capacity.desired}`
    : `${capacity.desired}, growing with the weights to ${wholeSize}`;
}
