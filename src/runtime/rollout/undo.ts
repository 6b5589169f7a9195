/** Doing what src/fleet/undo.ts decides: one step, then look again, until nothing is left or something must be awaited. */
import type { Groups } from '../../aws/groups.ts';
import type { LoadBalancer } from '../../aws/load-balancer.ts';
import { FlotillaError } from '../../errors.ts';
import { guardWeights } from '../../fleet/guard.ts';
import { testWeights } from '../../fleet/test-listener.ts';
import { propagationSeconds } from '../../fleet/traffic.ts';
import { liveGroup, nextRemoval, nextUndo, type UndoStep, type UndoWorld } from '../../fleet/undo.ts';
import type { GroupView } from '../../fleet/world.ts';
import type { Hold } from './hold.ts';
import { lookForUndo, slotArns } from './look.ts';
import { fleetEvent, updateRelease } from './record.ts';

export interface UndoDeps {
  readonly balancer: LoadBalancer;
  readonly groups: Groups;
}

export interface UndoOptions {
  readonly stack: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** Prefix of the events' keys: `rollout-12`, `release-7`. */
  readonly subject: string;
  readonly execution: string;
  /** `undo`: back to the fleet at rest. `remove`: only take away groups without a role. */
  readonly aim: 'undo' | 'remove';
  /** How long after `since` a call of what is undone may still land; where it ended by itself, only show late. */
  readonly lastCallSeconds?: number;
  /** A group that stays although it has no role yet. */
  readonly keep?: string;
  /** Makes live's group anew: what only an `undo` decides. */
  readonly renew?: (step: Extract<UndoStep, { do: 'renew' }>) => Promise<void>;
}

export type UndoOutcome =
  | { readonly done: true; readonly did: readonly string[]; readonly live: GroupView | undefined }
  | { readonly done: false; readonly did: readonly string[]; readonly reasons: readonly string[] };

/** More steps than any rollout leaves to undo; a loop that goes on is a loop that achieves nothing. */
const stepsAtMost = 25;

/**
 * Undoes as far as it goes now. Safe to repeat, by whoever holds the fleet.
 * @throws FlotillaError `LeaseLost`, `DeadlineNear`, `GuardRefused`.
 */
export async function undo(hold: Hold, deps: UndoDeps, options: UndoOptions): Promise<UndoOutcome> {
  const did: string[] = [];
  let last = '';
  for (let count = 0; count < stepsAtMost; count += 1) {
    const world = await lookForUndo(deps, options.stack, hold.fleet, hold.now(), {
      since: options.since,
      lastCallSeconds: options.lastCallSeconds ?? propagationSeconds,
    });
    const step = options.aim === 'undo' ? nextUndo(world) : nextRemoval(world, options.keep);
    if (step.do === 'done') return { done: true, did, live: liveGroup(world) };
    if (step.do === 'wait') return { done: false, did, reasons: step.reasons };
    const text = JSON.stringify(step);
    // Reads lag behind writes: what was done just now may not show yet.
    if (text === last) return { done: false, did, reasons: [`${step.do} does not show yet`] };
    last = text;
    await perform(step, world, hold, deps, options);
    did.push(describe(step));
  }
  return { done: false, did, reasons: [`more than ${stepsAtMost} steps; looking again`] };
}

function describe(step: Exclude<UndoStep, { do: 'wait' | 'done' }>): string {
  switch (step.do) {
    case 'weights':
    case 'record-weights':
      return `weights: blue ${step.weights.blue} %, green ${step.weights.green} %`;
    case 'resize':
      return `resize ${step.groupName} to ${step.capacity.desired}`;
    case 'close-test':
      return step.set ? 'test listener: to nobody' : 'test listener: left as it is';
    case 'keep-warm':
      return `keep ${step.warm.groupName} warm`;
    case 'renew':
      return `make ${step.live.groupName} anew with ${step.capacity.desired}`;
    case 'unpin':
      return `minimum of ${step.groupName} back to ${step.minimum}`;
    default:
      return `${step.do} ${step.groupName}`;
  }
}

async function perform(
  step: Exclude<UndoStep, { do: 'wait' | 'done' }>,
  world: UndoWorld,
  hold: Hold,
  deps: UndoDeps,
  options: UndoOptions,
): Promise<void> {
  const { fleet } = hold;
  // The revision makes the key: the same step on the same state is the same event, a later one is another.
  const record = (kind: string, data: Record<string, unknown>, at: string, revision: number) =>
    fleetEvent({
      fleet: fleet.fleet,
      key: `${options.subject}/${kind}-at-${revision}`,
      kind,
      at,
      execution: options.execution,
      data,
    });

  await hold.before();
  switch (step.do) {
    case 'weights':
    case 'record-weights':
      if (step.do === 'weights') {
        const refused = guardWeights(world.slots, step.weights, fleet.served);
        if (refused.length > 0) {
          throw new FlotillaError('GuardRefused', refused.join('; '), { fleet: fleet.fleet });
        }
        await deps.balancer.setWeights(fleet.fixed.ruleArn, slotArns(fleet), step.weights);
      }
      await hold.change((item, now) => ({
        fleet: { ...item, weights: step.weights, weightsSince: now },
        events: [
          record(
            'weights-restored',
            { weights: step.weights, before: world.rule.weights },
            now,
            item.revision,
          ),
        ],
      }));
      return;
    case 'close-test': {
      const { test } = fleet.fixed;
      if (step.set && test !== undefined) {
        await deps.balancer.setWeights(test.ruleArn, slotArns(fleet), testWeights(null));
      }
      await hold.change((item, now) => ({
        fleet: { ...item, testTraffic: { slot: null, since: now } },
        events: [
          record(
            'test-traffic-closed',
            { from: world.testRule?.weights, byHand: !step.set },
            now,
            item.revision,
          ),
        ],
      }));
      return;
    }
    case 'renew':
      if (options.renew === undefined) throw new Error('only an undo makes a group anew');
      await options.renew(step);
      return;
    case 'resize':
      await deps.groups.resize(step.groupName, step.capacity);
      return;
    case 'keep-warm': {
      const { release, groupName, keepUntil } = step.warm;
      await hold.change((item, now) => ({
        fleet: { ...item, candidate: null, warm: step.warm },
        writes: [updateRelease(item.fleet, release, { state: 'warm' })],
        events: [record('release-kept-warm', { release, groupName, keepUntil }, now, item.revision)],
      }));
      return;
    }
    case 'shrink':
      await deps.groups.resize(step.groupName, { minimum: 0, desired: 0 });
      return;
    case 'delete':
      await deps.groups.remove(step.groupName);
      return;
    case 'unpin':
      await unpin(deps.groups, step);
      await hold.change((item, now) => ({
        fleet: { ...item, pins: item.pins.filter(({ groupName }) => groupName !== step.groupName) },
        events: [
          record('unpinned', { groupName: step.groupName, minimum: step.minimum }, now, item.revision),
        ],
      }));
  }
}

/** Gives a group its minimum back, unless somebody else has changed it since it was pinned. */
export async function unpin(
  groups: Groups,
  pin: { readonly groupName: string; readonly minimum: number; readonly pinned: number },
): Promise<void> {
  const group = await groups.describe(pin.groupName);
  if (group?.minimum === pin.pinned) await groups.resize(pin.groupName, { minimum: pin.minimum });
}
