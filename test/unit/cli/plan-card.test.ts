import { expect, it } from 'vitest';
import { planCard } from '../../../cli/plan-card.ts';
import { rolloutPlan } from '../../../src/contracts/rollout.ts';

const plan = rolloutPlan.parse({
  way: 'launch',
  release: 8,
  imageId: 'ami-8',
  slot: 'green',
  groupName: 'flt-web-v8-r12',
  capacity: { minimum: 4, desired: 4, maximum: 6 },
  pin: { groupName: 'flt-web-v7-r11', former: 1, pinned: 4 },
  steps: [
    { weight: 10, bakeSeconds: 60, approval: false, approvalSeconds: 60 },
    { weight: 100, bakeSeconds: 0, approval: true, approvalSeconds: 60 },
  ],
  evict: { release: 6, groupName: 'flt-web-v6-r10' },
  smokeTest: true,
  notes: ['Auto Scaling groups were not checked'],
});

it('shows slot, sizes, pin, what is evicted, steps and notes of a plan', () => {
  expect(planCard({ outcome: 'planned', message: '', plan })).toEqual([
    '  release   v8 in slot green, launched as flt-web-v8-r12',
    '  size      4 (minimum 4, maximum 6)',
    '  live      minimum of flt-web-v7-r11 held at 4 meanwhile, then back to 1',
    '  evicts    v6 (flt-web-v6-r10), warm until then',
    '  before    a smoke test of each instance',
    '  traffic   10 % for 60 s, then 100 % until approved',
    '  note      Auto Scaling groups were not checked',
  ]);
  expect(
    planCard({ outcome: 'planned', message: '', plan: { ...plan, pin: null, evict: null } }),
  ).toHaveLength(5);
});

it('says of a release whose warm group is gone that it replaces that, not that it evicts itself', () => {
  const again = { ...plan, release: 6, groupName: 'flt-web-v6-r12' };
  const lines = planCard({ outcome: 'planned', message: '', plan: again });
  expect(lines).toContain('  replaces  flt-web-v6-r10, its warm group, which cannot be taken up');
  expect(lines.join()).not.toContain('evicts');
});

it('shows how a candidate grows that follows the weights', () => {
  const capacity = { minimum: 1, desired: 1, maximum: 6 };
  expect(
    planCard({ outcome: 'planned', message: '', plan: { ...plan, mode: 'follow', wholeSize: 4, capacity } }),
  ).toContain('  size      1, growing with the weights to 4 (minimum 1, maximum 6)');
});

it('shows every reason of a refusal', () => {
  expect(planCard({ outcome: 'refused', message: '', reasons: ['one', 'two'], notes: ['three'] })).toEqual([
    '  ✗ one',
    '  ✗ two',
    '  not checked  three',
  ]);
});

it('shows nothing of a rollout that was started', () => {
  expect(planCard({ outcome: 'started', message: '' })).toEqual([]);
});
