/** Making room for a candidate: the warm release of its slot leaves. */
import type { Groups } from '../../aws/groups.ts';
import type { LoadBalancer } from '../../aws/load-balancer.ts';
import type { HeldCall, RolloutPlan } from '../../contracts/rollout.ts';
import { FlotillaError } from '../../errors.ts';
import { guardRemoval } from '../../fleet/guard.ts';
import { phases } from '../../fleet/phases.ts';
import type { Hold } from './hold.ts';
import { lookAtTraffic, refuseIfStale, slotArns } from './look.ts';
import { refuseIfEnded } from './orders.ts';
import { fleetEvent, updateRelease, updateRollout } from './record.ts';
import { isPatienceOver } from './roll-back.ts';
import { undo } from './undo.ts';

/**
 * One pass; asked again until `done`.
 * @throws FlotillaError `SlotOccupied` for a target that nothing takes away, and once patience is over; `GuardRefused`,
 * `GateAborted`, `LeaseLost`, `DeadlineNear`.
 */
export async function emptySlot(
  call: HeldCall & { readonly plan: RolloutPlan },
  hold: Hold,
  deps: { readonly balancer: LoadBalancer; readonly groups: Groups },
  stack: string,
): Promise<{ done: boolean; reasons: readonly string[] }> {
  const { plan } = call;
  refuseIfEnded(hold.fleet, call.rollout);
  const { warm } = hold.fleet;
  if (warm !== null && warm.groupName === plan.evict?.groupName) {
    await letGo(hold, deps.balancer, {
      release: warm.release,
      execution: call.execution,
      why: `rollout ${call.rollout} needs the slot`,
    });
  }
  const outcome = await undo(hold, deps, {
    stack,
    since: hold.now().getTime(),
    subject: `release-${plan.evict?.release ?? 0}`,
    execution: call.execution,
    aim: 'remove',
    keep: plan.groupName,
  });
  if (!outcome.done) return awaited(outcome.reasons, plan, hold);

  const left = await deps.balancer.targets(slotArns(hold.fleet)[plan.slot]);
  // A late copy still shows what drained a moment ago.
  const draining = left.filter(({ state }) => state.endsWith('draining'));
  if (draining.length > 0 && draining.length === left.length) {
    return awaited(
      draining.map(({ id, state }) => `${id} is ${state}`),
      plan,
      hold,
    );
  }
  if (left.length > 0) {
    throw occupied(`${plan.slot} still holds ${left.map(({ id }) => id).join(', ')}`, plan, hold);
  }
  await hold.change((item) => ({
    fleet: item,
    writes: [updateRollout(call.fleet, call.rollout, { phase: phases.launching })],
  }));
  return { done: true, reasons: [] };
}

/** @throws FlotillaError `SlotOccupied` where the emptying, with which the rollout began, takes too long. */
function awaited(
  reasons: readonly string[],
  plan: RolloutPlan,
  hold: Hold,
): { done: false; reasons: readonly string[] } {
  if (isPatienceOver(hold.fleet, hold.now())) throw occupied(reasons.join('; '), plan, hold);
  return { done: false, reasons };
}

function occupied(message: string, { slot }: RolloutPlan, { fleet: { fleet } }: Hold): FlotillaError {
  return new FlotillaError('SlotOccupied', message, { fleet, slot });
}

/**
 * Takes the warm release's role away, after asking the guard; from then on its group is one without a role, which
 * whoever holds the fleet removes.
 * @throws FlotillaError `GuardRefused`, `AwsUnavailable` while the weights may be shown as they were before.
 */
export async function letGo(
  hold: Hold,
  balancer: LoadBalancer,
  options: { readonly release: number; readonly execution: string; readonly why: string },
): Promise<void> {
  const { warm } = hold.fleet;
  if (warm === null || warm.release !== options.release) return;
  const world = await lookAtTraffic(balancer, hold.fleet);
  refuseIfStale(world.rule, hold.fleet, hold.now());
  const refused = guardRemoval({ groupName: warm.groupName, slot: warm.slot }, hold.fleet, world);
  if (refused.length > 0) {
    throw new FlotillaError('GuardRefused', refused.join('; '), {
      fleet: hold.fleet.fleet,
      group: warm.groupName,
    });
  }
  await hold.before();
  await hold.change((item, now) => ({
    fleet: { ...item, warm: null },
    writes: [updateRelease(item.fleet, warm.release, { state: 'retired' })],
    events: [
      fleetEvent({
        fleet: item.fleet,
        key: `release-${warm.release}/retiring-${warm.groupName}`,
        kind: 'release-retiring',
        at: now,
        execution: options.execution,
        data: { release: warm.release, groupName: warm.groupName, why: options.why },
      }),
    ],
  }));
}
