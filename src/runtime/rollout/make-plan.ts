/** Planning a rollout, and writing down the candidate that the plan names. */
import * as z from 'zod';
import type { Table } from '../../aws/table.ts';
import { together } from '../../aws/together.ts';
import { sha256Hex } from '../../contracts/ids.ts';
import {
  type FleetItem,
  fleetItem,
  imageItem,
  type LeasedMutation,
  releaseItem,
  rolloutItem,
} from '../../contracts/items.ts';
import { heldCall, type RolloutPlan } from '../../contracts/rollout.ts';
import { FlotillaError } from '../../errors.ts';
import { phases } from '../../fleet/phases.ts';
import { planRollout } from '../../fleet/plan.ts';
import { sameWeights } from '../../fleet/traffic.ts';
import { keys } from '../../lineage/keys.ts';
import { alarmRefs } from '../../lineage/refs.ts';
import { found, type HandedFleet, handOver, holdOn, type Time } from './hold.ts';
import { refuseIfLate } from './look.ts';
import { lookAtQuotas } from './look-at-quotas.ts';
import { type LookForPlanDeps, lookForPlan } from './look-for-plan.ts';
import { refuseIfEnded } from './orders.ts';
import { fleetEvent, rolloutKey, updateRelease, updateRollout } from './record.ts';
import { rememberedQuotas } from './remembered-quotas.ts';

export interface PlanDeps extends LookForPlanDeps {
  readonly table: Table;
}

export const planInput = heldCall.extend({
  /** The lease's, as AcquireLease gave it out. */
  release: z.number().int().min(1),
  /** Of the release's image, so that it is read together with the rest; empty where it is not known. */
  identity: z.union([sha256Hex, z.literal('')]),
});

type Warm = NonNullable<FleetItem['warm']>;

/** A pin that nobody undid is undone by the sweeper after this time; a rollout that bakes longer renews nothing. */
const pinDays = 60;

/**
 * Plans the rollout and records its candidate, before anything is made: whoever undoes it knows what to look for.
 * @throws FlotillaError `PlanRefused` with every reason, `GateAborted`, `ReleaseNotFound`, `LeaseLost`.
 */
export async function makePlan(
  call: z.infer<typeof planInput>,
  deps: PlanDeps,
  time: Time,
  stack: string,
): Promise<{ readonly plan: RolloutPlan; readonly held: HandedFleet }> {
  const { table } = deps;
  const [item, release, rollout, named] = await table.getTogether([
    [keys.fleet(call.fleet), fleetItem],
    [keys.release(call.fleet, call.release), releaseItem],
    [keys.rollout(call.fleet, call.rollout), rolloutItem],
    [keys.image(call.identity), imageItem],
  ]);
  const fleet = found(item, call.fleet);
  const hold = holdOn(fleet, table, call.fence, time);
  refuseIfEnded(fleet, call.rollout);
  if (release === undefined) {
    throw new FlotillaError('ReleaseNotFound', `${fleet.fleet} has no release v${call.release}`, {
      fleet: fleet.fleet,
    });
  }
  const memory = rememberedQuotas(deps.quotas, fleet.quotas, hold.now());
  const [image, seen] = await together([
    call.identity === release.identity ? named : table.get(keys.image(release.identity), imageItem),
    lookForPlan(fleet, deps, stack, memory.quotas),
  ]);
  refuseIfLate(seen, fleet, hold.now());
  const planWith = (quotas: typeof seen.quotas) =>
    planRollout({
      ...seen,
      fleet,
      release,
      image,
      rollout: call.rollout,
      kind: rollout?.kind ?? 'deploy',
      force: rollout?.force === true,
      quotas,
    });
  let verdict = planWith(seen.quotas);
  // Nobody is refused for what was so yesterday.
  if (verdict.verdict === 'refused' && memory.remembered())
    verdict = planWith(await lookAtQuotas(fleet, deps.quotas));
  if (verdict.verdict === 'refused') {
    throw new FlotillaError('PlanRefused', verdict.reasons.join('; '), {
      fleet: fleet.fleet,
      rollout: call.rollout,
      reasons: verdict.reasons,
    });
  }
  const { plan } = verdict;
  const { pin } = plan;
  // A rule that is not as lineage expects stops every plan but the one that completes what a person began.
  const byHand = seen.rule !== undefined && !sameWeights(seen.rule.weights, fleet.weights);
  await hold.change((item, now) => ({
    fleet: {
      ...item,
      candidate: {
        ...{ release: plan.release, slot: plan.slot, groupName: plan.groupName },
        ...(plan.way === 'warm' && item.warm !== null ? { warm: promisesOf(item.warm) } : {}),
        ...(byHand ? { byHand } : {}),
      },
      // The warm release is the candidate now: it has one role at a time.
      warm: item.warm?.release === plan.release ? null : item.warm,
      // Live is held at its present size from the launch on; the undo is written before that.
      pins: pin === null ? item.pins : withPin(item.pins, pin, now),
      quotas: memory.known(),
    },
    writes: [
      updateRelease(item.fleet, plan.release, { state: 'candidate' }),
      updateRollout(item.fleet, call.rollout, {
        phase: plan.evict === null ? phases.launching : phases.emptying,
      }),
      ...alarmRefs(item, now).map((ref) => ({
        kind: 'put' as const,
        key: keys.ref(ref.id, ref.toType, ref.to),
        item: ref,
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
      ...(pin === null
        ? []
        : [
            fleetEvent({
              fleet: item.fleet,
              key: rolloutKey(call.rollout, 'pinned'),
              kind: 'live-pinned',
              at: now,
              execution: call.execution,
              data: { ...pin },
            }),
          ]),
    ],
  }));
  return { plan, held: handOver(hold.fleet) };
}

/** How long it stays warm, and all else that is kept of it beside its place. */
function promisesOf({ release: _release, slot: _slot, groupName: _group, ...promises }: Warm) {
  return promises;
}

function withPin(
  pins: readonly LeasedMutation[],
  pin: NonNullable<RolloutPlan['pin']>,
  now: string,
): LeasedMutation[] {
  const deadline = new Date(Date.parse(now) + pinDays * 86_400_000).toISOString();
  const earlier = pins.find(({ groupName }) => groupName === pin.groupName);
  // What an earlier pin found is what goes back, not what it wrote.
  const former = earlier?.former ?? pin.former;
  return [
    ...pins.filter((one) => one !== earlier),
    { kind: 'minimum-pinned', groupName: pin.groupName, former, pinned: pin.pinned, deadline },
  ];
}
