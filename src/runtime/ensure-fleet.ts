/**
 * Makes a fleet be as its spec says: looks, adopts what stands, makes what is missing, changes what differs, and
 * records the fleet. Safe to repeat: whatever a call left half-made carries our names and tags, and the next
 * call completes it.
 */
import { createHash } from 'node:crypto';
import type { FixedParts } from '../aws/fixed-parts.ts';
import type { LoadBalancer } from '../aws/load-balancer.ts';
import type { Network } from '../aws/network.ts';
import type { Table } from '../aws/table.ts';
import type { FleetSpec } from '../contracts/fleet-spec.ts';
import { type Actor, type FleetItem, fleetItem, formerFleetItem } from '../contracts/items.ts';
import { FlotillaError } from '../errors.ts';
import {
  describeRule,
  fleetTags,
  launchTemplateName,
  type ObservedParts,
  overlappingRules,
  ownRule,
  type PartAction,
  planFixedParts,
  specContradictions,
  targetGroupName,
  type WantedParts,
} from '../fleet/fixed-parts.ts';
import { keys } from '../lineage/keys.ts';
import { fleetPlace } from '../lineage/places.ts';
import type { Invocation } from './handler.ts';
import { restoreTraffic } from './restore-traffic.ts';

export interface EnsureFleetDeps {
  readonly table: Table;
  readonly parts: FixedParts;
  readonly network: Network;
  readonly balancer: LoadBalancer;
}

export interface EnsureFleetRequest {
  readonly fleet: string;
  readonly spec: FleetSpec;
  readonly by: Actor;
}

export interface EnsuredFleet {
  readonly outcome: 'created' | 'changed' | 'unchanged';
  /** What was made or changed in AWS, in words. */
  readonly made: readonly string[];
  readonly item: FleetItem;
}

/** Tries after losing a priority, or the fleet's item, to somebody who did the same at the same moment. */
const tries = 5;

/** An item of the table has at most 400 KB, and the fleet's holds more than its spec. */
const largestSpecBytes = 250_000;

/**
 * @throws FlotillaError SpecInvalid, RuleConflict, FixedPartForeign, FleetInUse, RequestConflict: before
 *   anything is made, or after what this call made was removed again. GuardRefused: the spec is applied, and
 *   weights that were changed by hand could not be set back.
 */
export async function ensureFleet(
  request: EnsureFleetRequest,
  deps: EnsureFleetDeps,
  invocation: Invocation,
): Promise<EnsuredFleet> {
  const { fleet } = request;
  const existing = await deps.table.get(keys.fleet(fleet), fleetItem);
  const wanted = await wantedParts(request, existing, deps, invocation);

  const undo: Undo[] = [];
  let ensured: EnsuredFleet;
  try {
    const parts = await ensureParts(wanted, existing, deps.parts, undo);
    ensured = await record(request, existing, wanted, parts, deps.table, invocation);
  } catch (error) {
    await undoMade(undo, deps.table, fleet, invocation);
    throw error;
  }
  if (existing === undefined) return ensured;
  const { restored, item } = await restoreTraffic(ensured.item, request.by, deps, invocation.clock);
  if (!restored) return ensured;
  const made = [...ensured.made, 'weights of the listener rule, which had been changed by hand'];
  return { outcome: 'changed', made, item };
}

/** Checks everything that can be checked without making anything. */
async function wantedParts(
  { fleet, spec }: EnsureFleetRequest,
  existing: FleetItem | undefined,
  deps: EnsureFleetDeps,
  { config }: Invocation,
): Promise<WantedParts> {
  if (existing?.lease?.purpose === 'removal') {
    throw new FlotillaError('FleetInUse', `Fleet ${fleet} is being removed.`, { fleet });
  }
  const reasons = [...specContradictions(spec)];
  const sizeBytes = Buffer.byteLength(JSON.stringify(spec));
  if (sizeBytes > largestSpecBytes) {
    reasons.push(`image.files: the spec has ${sizeBytes} bytes, of which ${largestSpecBytes} can be kept`);
  }
  const listenerArn = spec.rule.listenerArn ?? config.defaults.listenerArn;
  if (existing !== undefined && existing.fixed.listenerArn !== listenerArn) {
    reasons.push(`rule.listenerArn: the fleet stands on ${existing.fixed.listenerArn}, and cannot move`);
  }
  const listener = await deps.parts.listener(listenerArn);
  if (listener === undefined) {
    reasons.push(`rule.listenerArn: there is no listener ${listenerArn} of an Application Load Balancer`);
  } else {
    reasons.push(...(await deps.network.problems(spec.instances, listener.vpcId)));
  }
  if (reasons.length > 0 || listener === undefined) {
    throw new FlotillaError('SpecInvalid', `The spec of ${fleet} is not valid: ${reasons.join('; ')}.`, {
      fleet,
      fields: reasons,
    });
  }
  return {
    stack: config.stack,
    fleet,
    listenerArn,
    vpcId: listener.vpcId,
    port: spec.port,
    condition: { hosts: spec.rule.hosts, paths: spec.rule.paths },
    check: {
      path: spec.healthCheck.path,
      intervalSeconds: spec.healthCheck.intervalSeconds,
      timeoutSeconds: spec.healthCheck.timeoutSeconds,
      healthyThreshold: spec.healthCheck.healthyThreshold,
      unhealthyThreshold: spec.healthCheck.unhealthyThreshold,
      statusCodes: spec.healthCheck.statusCodes,
    },
    drainSeconds: spec.rollout.drainSeconds,
  };
}

interface Undo {
  readonly what: string;
  /** The ARN or id: what the fleet's item names is never undone. */
  readonly id: string;
  readonly run: () => Promise<unknown>;
}

interface EnsuredParts {
  readonly fixed: FleetItem['fixed'];
  readonly made: readonly string[];
}

async function observe(wanted: WantedParts, parts: FixedParts): Promise<ObservedParts> {
  const [blue, green, rules, template] = await Promise.all([
    parts.targetGroup(targetGroupName(wanted.fleet, 'blue')),
    parts.targetGroup(targetGroupName(wanted.fleet, 'green')),
    parts.rules(wanted.listenerArn),
    parts.template(launchTemplateName(wanted.fleet)),
  ]);
  return { blue, green, rules, template };
}

async function ensureParts(
  wanted: WantedParts,
  existing: FleetItem | undefined,
  parts: FixedParts,
  undo: Undo[],
): Promise<EnsuredParts> {
  const made: string[] = [];
  for (let attempt = 1; attempt <= tries; attempt += 1) {
    const observed = await observe(wanted, parts);
    const plan = planFixedParts(wanted, observed);
    if (plan.verdict === 'refused') {
      throw new FlotillaError(plan.name, `${wanted.fleet}: ${plan.reasons.join('; ')}.`, {
        fleet: wanted.fleet,
        ...(plan.name === 'SpecInvalid' ? { fields: plan.reasons } : { reasons: plan.reasons }),
      });
    }
    if (plan.actions.length > 0 && existing?.lease != null) {
      throw new FlotillaError(
        'FleetInUse',
        `A ${existing.lease.purpose} holds ${wanted.fleet}, and this spec would change what it works on: ${plan.actions.map(inWords).join(', ')}.`,
        { fleet: wanted.fleet, holder: existing.lease.holder },
      );
    }
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
      await perform(action, wanted, ids, parts, undo);
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
    // Somebody took the priority between our look and our call: look again.
    made.pop();
  }
  throw new FlotillaError(
    'RequestConflict',
    `Every priority allotted to ${wanted.fleet} was taken at once.`,
    {
      fleet: wanted.fleet,
    },
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

/** Does one action, and notes its undo and the id of what it made. */
async function perform(
  action: PartAction,
  wanted: WantedParts,
  ids: PartIds,
  parts: FixedParts,
  undo: Undo[],
): Promise<void> {
  const tags = fleetTags(wanted.stack, wanted.fleet);
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
    case 'change-health-check':
      return await parts.changeHealthCheck(action.arn, wanted.check);
    case 'change-drain':
      return await parts.changeDrain(action.arn, wanted.drainSeconds);
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
    case 'change-rule':
      return await parts.changeRule(action.arn, wanted.condition);
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

/** Removes what this call made, newest first. The failure that led here is thrown by the caller, whatever happens. */
async function undoMade(
  undo: readonly Undo[],
  table: Table,
  fleet: string,
  { log }: Invocation,
): Promise<void> {
  if (undo.length === 0) return;
  try {
    const item = await table.get(keys.fleet(fleet), fleetItem);
    // A racing call may have adopted and recorded it.
    const recorded = new Set<unknown>(Object.values(item?.fixed ?? {}));
    for (const step of [...undo].reverse()) {
      if (recorded.has(step.id)) continue;
      try {
        await step.run();
      } catch (error) {
        log.warn(`could not remove ${step.what} again; the next PUT adopts it`, {
          id: step.id,
          error: error as Error,
        });
      }
    }
  } catch (error) {
    log.warn('could not undo; the next PUT adopts what was made', { fleet, error: error as Error });
  }
}

/** Key order of objects does not matter to a spec. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** Writes the fleet's item and the event in one transaction, conditional on what this call read. */
async function record(
  { fleet, spec, by }: EnsureFleetRequest,
  existing: FleetItem | undefined,
  wanted: WantedParts,
  { fixed, made }: EnsuredParts,
  table: Table,
  { clock }: Invocation,
): Promise<EnsuredFleet> {
  const now = clock.now().toISOString();
  if (existing !== undefined && canonical(existing.spec) === canonical(spec)) {
    const same = canonical(existing.fixed) === canonical(fixed);
    if (same && made.length === 0) return { outcome: 'unchanged', made, item: existing };
  }
  const former =
    existing === undefined ? await table.get(keys.formerFleet(fleet), formerFleetItem) : undefined;
  const item: FleetItem =
    existing === undefined
      ? {
          type: 'fleet',
          fleet,
          spec,
          specVersion: (former?.specVersion ?? 0) + 1,
          fixed,
          live: null,
          candidate: null,
          warm: null,
          weights: { blue: 0, green: 0 },
          served: false,
          lease: null,
          fence: former?.fence ?? 0,
          gate: null,
          orders: [],
          pins: [],
          nextRelease: former?.nextRelease ?? 1,
          nextRollout: former?.nextRollout ?? 1,
          nextUpload: former?.nextUpload ?? 1,
          newestUpload: 0,
          queue: [],
          createdAt: now,
          updatedAt: now,
          revision: (former?.revision ?? 0) + 1,
        }
      : {
          ...existing,
          spec,
          specVersion: existing.specVersion + 1,
          fixed,
          updatedAt: now,
          revision: existing.revision + 1,
        };
  const outcome = await table.commit({
    writes: [
      {
        kind: 'put',
        key: keys.fleet(fleet),
        item,
        list: fleetPlace(fleet),
        condition:
          existing === undefined
            ? { kind: 'absent' }
            : { kind: 'equals', values: { revision: existing.revision } },
      },
    ],
    events: [
      {
        type: 'event',
        subject: `fleet/${fleet}`,
        key: `spec-${String(item.specVersion).padStart(10, '0')}`,
        kind: existing === undefined ? 'fleet-created' : 'fleet-changed',
        at: now,
        by,
        data: { specVersion: item.specVersion, made, condition: wanted.condition, spec },
      },
    ],
  });
  if (outcome.outcome !== 'committed') {
    throw new FlotillaError('RequestConflict', `Fleet ${fleet} was changed while this request ran.`, {
      fleet,
    });
  }
  return { outcome: existing === undefined ? 'created' : 'changed', made, item };
}
