/** Retirement: scheduled at promotion, looked at when its time has come, done under the lease. */
import type { Executions } from '../../aws/executions.ts';
import type { Groups } from '../../aws/groups.ts';
import type { LoadBalancer } from '../../aws/load-balancer.ts';
import { releaseLabel } from '../../contracts/ids.ts';
import type { FleetItem } from '../../contracts/items.ts';
import type { HeldCall } from '../../contracts/rollout.ts';
import { FlotillaError } from '../../errors.ts';
import { lateHold } from '../../fleet/capacity.ts';
import { decideRetirement, type RetirementVerdict } from '../../fleet/retirement.ts';
import { type Config, machineArn } from '../config.ts';
import { letGo } from './empty-slot.ts';
import type { Hold } from './hold.ts';
import { slotArns } from './look.ts';
import { fleetEvent } from './record.ts';
import { isPatienceOver } from './roll-back.ts';
import { undo } from './undo.ts';

/** `web-v6-12`: release 6, warm since rollout 12. */
export function retirementName(fleet: string, release: number, rollout: number): string {
  return `${fleet}-${releaseLabel(release)}-${rollout}`;
}

/** Starts retire-release for the warm release. Safe to repeat: the name says what it is for. */
export async function scheduleRetirement(
  call: HeldCall,
  hold: Hold,
  executions: Executions,
  config: Pick<Config, 'machinePrefix'>,
): Promise<{ release: number | null }> {
  const { warm } = hold.fleet;
  if (warm === null) return { release: null };
  await hold.before();
  await startRetirement(hold.fleet, warm.release, call.rollout, executions, config);
  return { release: warm.release };
}

/** @returns `exists` where an execution of this name was there before and has ended. */
export async function startRetirement(
  fleet: Pick<FleetItem, 'fleet'>,
  release: number,
  rollout: number,
  executions: Executions,
  config: Pick<Config, 'machinePrefix'>,
  /** Added to the name, for another try. */
  again = '',
): Promise<'started' | 'exists'> {
  const { outcome } = await executions.start(
    machineArn(config, 'retire-release'),
    `${retirementName(fleet.fleet, release, rollout)}${again}`,
    { fleet: fleet.fleet, release, rollout },
  );
  return outcome;
}

/** Looks whether the release may go; changes nothing. A fleet that was removed took its warm release along. */
export async function checkRetirement(
  fleet: FleetItem | undefined,
  release: number,
  balancer: LoadBalancer,
  now: Date,
): Promise<RetirementVerdict> {
  if (fleet === undefined) return { verdict: 'leave', reason: 'the fleet was removed' };
  const early = decideRetirement(fleet, release, undefined, now.toISOString());
  if (early.verdict !== 'retire') return early;
  const rule = await balancer.rule(fleet.fixed.ruleArn, slotArns(fleet));
  return decideRetirement(fleet, release, rule?.weights, now.toISOString());
}

/**
 * One pass at removing a retired release's group; asked again until `done`.
 * @throws FlotillaError `GuardRefused` where the release keeps its role, `RetirementIncomplete` once patience is over,
 * `LeaseLost`, `DeadlineNear`.
 */
export async function removeRelease(
  call: { readonly fleet: string; readonly release: number; readonly execution: string },
  hold: Hold,
  deps: { readonly balancer: LoadBalancer; readonly groups: Groups },
  stack: string,
): Promise<{ done: boolean; reasons: readonly string[] }> {
  await releaseHold(hold, deps.groups);
  await letGo(hold, deps.balancer, {
    release: call.release,
    execution: call.execution,
    why: 'its keep-warm time is over',
  });
  const outcome = await undo(hold, deps, {
    stack,
    since: hold.now().getTime(),
    subject: `release-${call.release}`,
    execution: call.execution,
    aim: 'remove',
  });
  if (outcome.done) return { done: true, reasons: [] };
  const { reasons } = outcome;
  if (!(await stuck(hold, reasons))) return { done: false, reasons };
  const { fleet, release } = call;
  throw new FlotillaError('RetirementIncomplete', reasons.join('; '), { fleet, release });
}

/**
 * Whether a removal has been waited for too long; then the fleet shows what it waits for, and somebody has to look.
 */
export async function stuck(hold: Hold, reasons: readonly string[]): Promise<boolean> {
  if (!isPatienceOver(hold.fleet, hold.now())) return false;
  await needAttention(hold, reasons.join('; '));
  return true;
}

/** Writes into the lease of a retirement why it cannot end. Safe to repeat: one event for each other reason. */
export async function needAttention(hold: Hold, why: string): Promise<void> {
  const reason = why.slice(0, 1000);
  await hold.change((item, now) => {
    const { lease } = item;
    if (lease === null || (lease.state === 'needs-attention' && lease.reason === reason)) return undefined;
    return {
      fleet: { ...item, lease: { ...lease, state: 'needs-attention', reason } },
      events: [
        fleetEvent({
          fleet: item.fleet,
          key: `release-${lease.release}/needs-attention-f${lease.fence}-at-${item.revision}`,
          kind: 'retirement-needs-attention',
          at: now,
          execution: lease.holder,
          data: { release: lease.release, reason },
        }),
      ],
    };
  });
}

/** By now whatever its rollout was late with has landed: live's minimum is set right. */
async function releaseHold(hold: Hold, groups: Groups): Promise<void> {
  const { live, warm, spec } = hold.fleet;
  if (live === null || warm?.successorHeldAt === undefined) return;
  const group = await groups.describe(live.groupName);
  if (group === undefined) return;
  const minimum = lateHold(spec.instances, warm.successorHeldAt, group);
  if (minimum === undefined) return;
  await hold.before();
  await groups.resize(live.groupName, { minimum });
}
