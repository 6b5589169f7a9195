/** Reading the world for src/fleet/plan.ts, and writing down the candidate that it names. */
import type { Alarms } from '../../aws/alarms.ts';
import type { Groups } from '../../aws/groups.ts';
import type { LoadBalancer } from '../../aws/load-balancer.ts';
import type { Table } from '../../aws/table.ts';
import { imageItem, releaseItem, rolloutItem } from '../../contracts/items.ts';
import type { HeldCall, RolloutPlan } from '../../contracts/rollout.ts';
import { FlotillaError } from '../../errors.ts';
import { phases } from '../../fleet/phases.ts';
import { planRollout } from '../../fleet/plan.ts';
import { keys } from '../../lineage/keys.ts';
import type { Hold } from './hold.ts';
import { refuseIfStale, slotArns } from './look.ts';
import { refuseIfEnded } from './orders.ts';
import { fleetEvent, rolloutKey, updateRelease, updateRollout } from './record.ts';

export interface PlanDeps {
  readonly table: Table;
  readonly balancer: LoadBalancer;
  readonly groups: Groups;
  readonly alarms: Alarms;
}

/**
 * Plans the rollout and records its candidate, before anything is made: whoever undoes it knows what to look for.
 * @throws FlotillaError `PlanRefused` with every reason, `GateAborted`, `ReleaseNotFound`, `LeaseLost`.
 */
export async function makePlan(
  call: HeldCall,
  hold: Hold,
  deps: PlanDeps,
  stack: string,
): Promise<RolloutPlan> {
  const { table, balancer } = deps;
  const { fleet } = hold;
  refuseIfEnded(fleet, call.rollout);
  const slots = slotArns(fleet);
  const number = fleet.lease?.release ?? 0;
  const [release, rollout, rule, settings, blue, green, groups, alarms] = await Promise.all([
    table.get(keys.release(fleet.fleet, number), releaseItem),
    table.get(keys.rollout(fleet.fleet, call.rollout), rolloutItem),
    balancer.rule(fleet.fixed.ruleArn, slots),
    balancer.settings(slots),
    balancer.targets(slots.blue),
    balancer.targets(slots.green),
    deps.groups.ofFleet(stack, fleet.fleet),
    deps.alarms.describe(fleet.spec.rollout.alarms.map(({ name }) => name)),
  ]);
  if (release === undefined) {
    throw new FlotillaError('ReleaseNotFound', `${fleet.fleet} has no release v${number}`, {
      fleet: fleet.fleet,
    });
  }
  if (rule !== undefined) refuseIfStale(rule, fleet, hold.now());
  const image = await table.get(keys.image(release.identity), imageItem);
  const verdict = planRollout({
    fleet,
    release,
    image,
    rollout: call.rollout,
    force: rollout?.force === true,
    rule,
    settings,
    slots: { blue: { targets: blue }, green: { targets: green } },
    groups,
    alarms,
  });
  if (verdict.verdict === 'refused') {
    throw new FlotillaError('PlanRefused', verdict.reasons.join('; '), {
      fleet: fleet.fleet,
      rollout: call.rollout,
      reasons: verdict.reasons,
    });
  }
  const { plan } = verdict;
  await hold.change((item, now) => ({
    fleet: {
      ...item,
      candidate: { release: plan.release, slot: plan.slot, groupName: plan.groupName },
      // The warm release is the candidate now: it has one role at a time.
      warm: plan.way === 'warm' ? null : item.warm,
    },
    writes: [
      updateRelease(item.fleet, plan.release, { state: 'candidate' }),
      updateRollout(item.fleet, call.rollout, {
        phase: plan.evict === null ? phases.launching : phases.emptying,
      }),
      ...item.spec.rollout.alarms.map(({ name }) => ({
        kind: 'put' as const,
        key: keys.ref(`alarm/${name}`, 'fleet', item.fleet),
        item: { type: 'ref', id: `alarm/${name}`, toType: 'fleet', to: item.fleet, at: now },
      })),
    ],
    events: [
      fleetEvent({
        fleet: item.fleet,
        key: rolloutKey(call.rollout, 'planned'),
        kind: 'rollout-planned',
        at: now,
        execution: call.execution,
        data: { ...plan },
      }),
    ],
  }));
  return plan;
}
