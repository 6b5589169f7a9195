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
    ...(evict === null ? [] : [leaves(evict, plan.release)]),
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

/** A release does not evict itself: only what may be left of its warm group has to leave the slot. */
function leaves({ release, groupName }: { release: number; groupName: string }, planned: number): string {
  return release === planned
    ? `  replaces  ${groupName}, its warm group, which cannot be taken up`
    : `  evicts    v${release} (${groupName}), warm until then`;
}

function sizes({ capacity, mode, wholeSize }: NonNullable<RolloutAnswer['plan']>): string {
  return mode === 'full'
    ? `${capacity.desired}`
    : `${capacity.desired}, growing with the weights to ${wholeSize}`;
}
