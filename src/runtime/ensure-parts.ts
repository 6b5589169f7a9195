/**
 * The fixed parts of a fleet in AWS: two target groups, a listener rule, a launch template. Looks, adopts what
 * stands, makes what is missing, changes what differs, and can take back what it made.
 */
import { createHash } from 'node:crypto';
import type { FixedParts } from '../aws/fixed-parts.ts';
import type { Table } from '../aws/table.ts';
import { together } from '../aws/together.ts';
import { type FleetItem, fleetItem } from '../contracts/items.ts';
import { FlotillaError } from '../errors.ts';
import {
  allowedWhileHeld,
  describeRule,
  fleetTags,
  launchTemplateName,
  type ObservedParts,
  overlappingRules,
  ownRule,
  type PartAction,
  planFixedParts,
  showsAll,
  targetGroupName,
  type WantedParts,
} from '../fleet/fixed-parts.ts';
import { keys } from '../lineage/keys.ts';
import type { Clock } from './clock.ts';
import type { Invocation } from './handler.ts';

/** Tries after losing a priority, or the fleet's item, to somebody who did the same at the same moment. */
const tries = 5;

export interface Undo {
  readonly what: string;
  /** The ARN or id: what was made is never removed where the fleet's item names it by now. */
  readonly id: string;
  /** What stood was changed; it is changed back unless another spec has been applied since. */
  readonly changed?: true;
  readonly run: () => Promise<unknown>;
}

export interface EnsuredParts {
  readonly fixed: FleetItem['fixed'];
  readonly made: readonly string[];
}

/** Listings lag behind what was made by some seconds: so often, and so long between, is asked again. */
const patience = { looks: 5, betweenMilliseconds: 2_000 };

/**
 * What stands. A part that the fleet's item names and that no listing shows is looked for again for a while: it may
 * have been made a moment ago. After that it counts as lost.
 */
async function observe(
  wanted: WantedParts,
  existing: FleetItem | undefined,
  parts: FixedParts,
  clock: Clock,
): Promise<ObservedParts> {
  for (let look = 1; ; look += 1) {
    const observed = await observeOnce(wanted, parts);
    if (existing === undefined || look === patience.looks) return observed;
    if (showsAll(existing.fixed, observed)) return observed;
    await clock.sleep(patience.betweenMilliseconds);
  }
}

async function observeOnce(wanted: WantedParts, parts: FixedParts): Promise<ObservedParts> {
  const [blue, green, rules, template] = await together([
    parts.targetGroup(targetGroupName(wanted.fleet, 'blue')),
    parts.targetGroup(targetGroupName(wanted.fleet, 'green')),
    parts.rules(wanted.listenerArn),
    parts.template(launchTemplateName(wanted.fleet)),
  ]);
  return { blue, green, rules, template };
}

export async function ensureParts(
  wanted: WantedParts,
  existing: FleetItem | undefined,
  parts: FixedParts,
  undo: Undo[],
  clock: Clock,
): Promise<EnsuredParts> {
  const made: string[] = [];
  /** Refused to us, though perhaps no listing shows yet who has them. */
  const taken = new Set<number>();
  for (let attempt = 1; attempt <= tries; attempt += 1) {
    const observed = await observe(wanted, existing, parts, clock);
    const plan = planFixedParts(wanted, observed, taken);
    if (plan.verdict === 'refused') {
      throw new FlotillaError(plan.name, `${wanted.fleet}: ${plan.reasons.join('; ')}.`, {
        fleet: wanted.fleet,
        ...(plan.name === 'SpecInvalid' ? { fields: plan.reasons } : { reasons: plan.reasons }),
      });
    }
    if (existing !== undefined) refuseIfHeld(plan.actions, wanted, existing);
    const ids = {
      blueArn: observed.blue?.arn,
      greenArn: observed.green?.arn,
      launchTemplateId: observed.template?.id,
      ruleArn: ownRule(wanted, observed)?.arn,
      priority: ownRule(wanted, observed)?.priority,
      // Where the rule of a fleet that serves was lost, traffic comes back as it was.
      weights: existing?.weights ?? { blue: 0, green: 0 },
    };
    for (const action of plan.actions) {
      await perform(action, wanted, observed, ids, parts, undo);
      made.push(inWords(action));
    }
    const { blueArn, greenArn, launchTemplateId, ruleArn, priority } = ids;
    const complete =
      blueArn !== undefined &&
      greenArn !== undefined &&
      launchTemplateId !== undefined &&
      ruleArn !== undefined &&
      typeof priority === 'number';
    if (complete) {
      if (plan.actions.some((action) => action.do === 'create-rule' || action.do === 'change-rule')) {
        await refuseLateOverlap(wanted, ruleArn, priority, parts);
      }
      const { listenerArn } = wanted;
      return { fixed: { listenerArn, ruleArn, priority, blueArn, greenArn, launchTemplateId }, made };
    }
    // Somebody took the priority between our look and our call: look again, and choose another.
    made.pop();
    for (const action of plan.actions) if (action.do === 'create-rule') taken.add(action.priority);
    await clock.sleep(patience.betweenMilliseconds);
  }
  throw new FlotillaError(
    'RequestConflict',
    `Every priority allotted to ${wanted.fleet} was taken at once.`,
    {
      fleet: wanted.fleet,
    },
  );
}

/** What a holder works on is not changed under it, save that the rule is made anew without which it cannot go on. */
function refuseIfHeld(actions: readonly PartAction[], wanted: WantedParts, existing: FleetItem): void {
  const { fleet, lease, spec } = existing;
  if (lease === null || allowedWhileHeld(actions, wanted.condition, spec.rule)) return;
  const alone = actions.some((action) => action.do === 'create-rule')
    ? ' With the spec as it was, the rule alone is made anew.'
    : '';
  throw new FlotillaError(
    'FleetInUse',
    `A ${lease.purpose} holds ${fleet}, and this spec would change what it works on: ${actions.map(inWords).join(', ')}.${alone}`,
    { fleet, holder: lease.holder },
  );
}

/**
 * Two calls may have looked before either made its rule. Of two fleets that overlap the one further back
 * gives way; the other finds the same answer.
 */
async function refuseLateOverlap(
  wanted: WantedParts,
  ruleArn: string,
  priority: number,
  parts: FixedParts,
): Promise<void> {
  const rules = await parts.rules(wanted.listenerArn);
  const own = rules.find((rule) => rule.arn === ruleArn);
  const ahead = overlappingRules(wanted.condition, rules, own).filter(
    (rule) => typeof rule.priority === 'number' && rule.priority < priority,
  );
  if (ahead.length > 0) {
    const reasons = ahead.map(describeRule);
    throw new FlotillaError('RuleConflict', `${wanted.fleet}: ${reasons.join('; ')}.`, {
      fleet: wanted.fleet,
      reasons,
    });
  }
}

interface PartIds {
  blueArn: string | undefined;
  greenArn: string | undefined;
  launchTemplateId: string | undefined;
  ruleArn: string | undefined;
  priority: number | 'default' | undefined;
  readonly weights: FleetItem['weights'];
}

/**
 * Does one action, and notes its undo and the id of what it made. The undo of a change is noted before, as it may be done
 * though it is not answered.
 */
async function perform(
  action: PartAction,
  wanted: WantedParts,
  observed: ObservedParts,
  ids: PartIds,
  parts: FixedParts,
  undo: Undo[],
): Promise<void> {
  const tags = fleetTags(wanted.stack, wanted.fleet);
  const changesBack = (id: string, run: Undo['run']): void => {
    undo.push({ what: inWords(action), id, changed: true, run });
  };
  switch (action.do) {
    case 'create-target-group': {
      const { name, slot } = action;
      const arn = await parts.createTargetGroup({
        name,
        port: wanted.port,
        vpcId: wanted.vpcId,
        check: wanted.check,
        tags,
      });
      undo.push({ what: inWords(action), id: arn, run: () => parts.removeTargetGroup(arn) });
      ids[`${slot}Arn`] = arn;
      await parts.changeDrain(arn, wanted.drainSeconds);
      return;
    }
    case 'change-health-check': {
      const { arn } = action;
      const former = observed[action.slot]?.check;
      if (former !== undefined) changesBack(arn, () => parts.changeHealthCheck(arn, former));
      return await parts.changeHealthCheck(arn, wanted.check);
    }
    case 'change-drain': {
      const { arn } = action;
      const former = observed[action.slot]?.drainSeconds;
      if (former !== undefined) changesBack(arn, () => parts.changeDrain(arn, former));
      return await parts.changeDrain(arn, wanted.drainSeconds);
    }
    case 'create-template': {
      // A template removed and made again needs another token than the first; its content does not differ.
      const token = createHash('sha256')
        .update(JSON.stringify([wanted.stack, action.name, ids]))
        .digest('hex');
      const id = await parts.createTemplate(action.name, token, tags);
      undo.push({ what: inWords(action), id, run: () => parts.removeTemplate(id) });
      ids.launchTemplateId = id;
      return;
    }
    case 'create-rule': {
      const { blueArn, greenArn } = ids;
      if (blueArn === undefined || greenArn === undefined) {
        throw new Error('the plan makes the rule before its target groups');
      }
      const arn = await parts.createRule({
        listenerArn: wanted.listenerArn,
        priority: action.priority,
        condition: wanted.condition,
        blueArn,
        greenArn,
        weights: ids.weights,
        tags,
      });
      if (arn === undefined) return;
      undo.push({ what: inWords(action), id: arn, run: () => parts.removeRule(arn) });
      ids.ruleArn = arn;
      ids.priority = action.priority;
      return;
    }
    case 'change-rule': {
      const { arn } = action;
      const former = ownRule(wanted, observed)?.condition;
      if (former !== undefined) changesBack(arn, () => parts.changeRule(arn, former));
      return await parts.changeRule(arn, wanted.condition);
    }
  }
}

function inWords(action: PartAction): string {
  switch (action.do) {
    case 'create-target-group':
      return `target group ${action.name}`;
    case 'change-health-check':
      return `health check of the ${action.slot} slot`;
    case 'change-drain':
      return `drain time of the ${action.slot} slot`;
    case 'create-rule':
      return `listener rule at priority ${action.priority}`;
    case 'change-rule':
      return 'condition of the listener rule';
    case 'create-template':
      return `launch template ${action.name}`;
  }
}

/**
 * Removes what this call made, and changes back what it changed, newest first. The failure that led here is thrown by
 * the caller, whatever happens.
 * @param existing the fleet as this call read it
 */
export async function undoMade(
  undo: readonly Undo[],
  table: Table,
  fleet: string,
  existing: FleetItem | undefined,
  { log }: Invocation,
): Promise<void> {
  if (undo.length === 0) return;
  try {
    const item = await table.get(keys.fleet(fleet), fleetItem);
    // A racing call may have adopted and recorded it.
    const recorded = new Set<unknown>([...Object.values(item?.fixed ?? {}), item?.fixed.test?.ruleArn]);
    const applied = item?.specVersion !== existing?.specVersion;
    for (const step of [...undo].reverse()) {
      if (step.changed === true ? applied : recorded.has(step.id)) continue;
      try {
        await step.run();
      } catch (error) {
        log.warn(`could not undo: ${step.what}; the next PUT sets it right`, {
          id: step.id,
          error: error as Error,
        });
      }
    }
  } catch (error) {
    log.warn('could not undo; the next PUT sets right what was made and changed', {
      fleet,
      error: error as Error,
    });
  }
}
