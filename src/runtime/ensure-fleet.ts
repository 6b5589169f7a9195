/**
 * Makes a fleet be as its spec says: looks, adopts what stands, makes what is missing, changes what differs, and
 * records the fleet. Safe to repeat: whatever a call left half-made carries our names and tags, and the next
 * call completes it.
 */
import type { FixedParts } from '../aws/fixed-parts.ts';
import type { LoadBalancer } from '../aws/load-balancer.ts';
import type { Network } from '../aws/network.ts';
import type { Table } from '../aws/table.ts';
import type { FleetSpec } from '../contracts/fleet-spec.ts';
import { type Actor, type FleetItem, fleetItem, formerFleetItem } from '../contracts/items.ts';
import { FlotillaError } from '../errors.ts';
import { specContradictions, type WantedParts } from '../fleet/fixed-parts.ts';
import { keys } from '../lineage/keys.ts';
import { fleetPlace } from '../lineage/places.ts';
import { alarmRefs } from '../lineage/refs.ts';
import { type EnsuredParts, ensureParts, type Undo, undoMade } from './ensure-parts.ts';
import { ensureTestRule, lookAtTestRule } from './ensure-test-rule.ts';
import type { Invocation } from './handler.ts';
import { restoreTestTraffic, restoreTraffic } from './restore-traffic.ts';

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
  /** Only if the fleet still is what the caller saw. */
  readonly ifRevision?: number;
}

export interface EnsuredFleet {
  readonly outcome: 'created' | 'changed' | 'unchanged';
  /** What was made or changed in AWS, in words. */
  readonly made: readonly string[];
  readonly item: FleetItem;
}

/** An item of the table has at most 400 KB, and the fleet's holds more than its spec. */
const largestSpecBytes = 250_000;

/**
 * @throws FlotillaError SpecInvalid, RuleConflict, FixedPartForeign, FleetInUse, RequestConflict: before
 *   anything is made, or after what this call made was removed again, and what it changed changed back. GuardRefused: the spec is applied, and
 *   weights that were changed by hand could not be set back.
 */
export async function ensureFleet(
  request: EnsureFleetRequest,
  deps: EnsureFleetDeps,
  invocation: Invocation,
): Promise<EnsuredFleet> {
  const { fleet } = request;
  const existing = await deps.table.get(keys.fleet(fleet), fleetItem);
  if (request.ifRevision !== undefined && existing?.revision !== request.ifRevision) throw conflict(fleet);
  const wanted = await wantedParts(request, existing, deps, invocation);

  const undo: Undo[] = [];
  let ensured: EnsuredFleet;
  let obsolete: readonly string[];
  try {
    // What stands against the test rule is told before anything is made.
    await lookAtTestRule(wanted, existing, deps.parts, invocation.clock);
    const { fixed, made } = await ensureParts(wanted, existing, deps.parts, undo, invocation.clock);
    const tested = await ensureTestRule(wanted, existing, fixed, deps.parts, undo, invocation.clock);
    const parts = {
      fixed: { ...fixed, ...(tested.test === undefined ? {} : { test: tested.test }) },
      made: [...made, ...tested.made],
    };
    obsolete = tested.obsolete;
    ensured = await record(request, existing, wanted, parts, deps.table, invocation);
  } catch (error) {
    await undoMade(undo, deps.table, fleet, existing, invocation);
    throw error;
  }
  // Only now: a call that was killed in between leaves what the next one finds by its tags, and no name of what is gone.
  for (const arn of obsolete) await deps.parts.removeRule(arn);
  if (existing === undefined) return ensured;
  const test = await restoreTestTraffic(ensured.item, request.by, deps, invocation.clock);
  const { restored, item } = await restoreTraffic(test.item, request.by, deps, invocation.clock);
  if (!restored && !test.restored) return ensured;
  const made = [
    ...ensured.made,
    ...(test.restored ? ['weights of the test rule, which had been changed by hand'] : []),
    ...(restored ? ['weights of the listener rule, which had been changed by hand'] : []),
  ];
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
    reasons.push(...(await testListenerProblems(spec, listenerArn, listener.loadBalancerArn, deps.parts)));
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
    testListenerArn: spec.rule.testListenerArn,
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

/**
 * A target group belongs to one load balancer, so that only another listener of the same one can lead to the slots.
 * https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-target-groups.html
 */
async function testListenerProblems(
  { rule: { testListenerArn: arn } }: FleetSpec,
  listenerArn: string,
  loadBalancerArn: string,
  parts: Pick<FixedParts, 'listener'>,
): Promise<string[]> {
  if (arn === undefined) return [];
  if (arn === listenerArn) return ['rule.testListenerArn: is the listener of the traffic; name another'];
  const listener = await parts.listener(arn);
  if (listener?.loadBalancerArn !== loadBalancerArn) {
    return [`rule.testListenerArn: ${arn} is no listener of the same load balancer`];
  }
  return listener.protocol === 'HTTP'
    ? []
    : [
        `rule.testListenerArn: ${arn} speaks ${listener.protocol}; name an HTTP listener of that load balancer, on a port that its security group opens inside the VPC alone`,
      ];
}

/** Key order of objects does not matter to a spec. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part !== null && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

/** Tries where uploads and rollouts change the fleet's item between a look and the write. */
const recordTries = 5;

/**
 * Writes the fleet's item and the event in one transaction, conditional on what this call read. What changed meanwhile
 * and has nothing to do with the spec, its parts or who holds them (an upload got its number) is taken as it is.
 */
async function record(
  request: EnsureFleetRequest,
  existing: FleetItem | undefined,
  wanted: WantedParts,
  parts: EnsuredParts,
  table: Table,
  invocation: Invocation,
): Promise<EnsuredFleet> {
  let present = existing;
  for (let attempt = 1; attempt <= recordTries; attempt += 1) {
    const recorded = await recordOnce(request, present, wanted, parts, table, invocation);
    if (recorded !== undefined) return recorded;
    const found = await table.get(keys.fleet(request.fleet), fleetItem);
    if (request.ifRevision !== undefined || !standsAs(existing, found)) break;
    present = found;
  }
  throw conflict(request.fleet);
}

function standsAs(former: FleetItem | undefined, found: FleetItem | undefined): boolean {
  const judged = (item: FleetItem | undefined) => [item?.specVersion, item?.fixed, item?.lease];
  return former !== undefined && canonical(judged(former)) === canonical(judged(found));
}

/** @returns undefined where the item is no longer as it was read */
async function recordOnce(
  { fleet, spec, by }: EnsureFleetRequest,
  existing: FleetItem | undefined,
  wanted: WantedParts,
  { fixed, made }: EnsuredParts,
  table: Table,
  { clock }: Invocation,
): Promise<EnsuredFleet | undefined> {
  const now = clock.now().toISOString();
  if (existing !== undefined && canonical(existing.spec) === canonical(spec)) {
    const same = canonical(existing.fixed) === canonical(fixed);
    if (same && made.length === 0) return { outcome: 'unchanged', made, item: existing };
  }
  const former =
    existing === undefined ? await table.get(keys.formerFleet(fleet), formerFleetItem) : undefined;
  // From when on a test rule may be missed: one that was made just now may not be shown yet.
  const newTestRule = fixed.test !== undefined && fixed.test.ruleArn !== existing?.fixed.test?.ruleArn;
  const testTraffic = newTestRule ? { testTraffic: { slot: null, since: now } } : {};
  const item: FleetItem =
    existing === undefined
      ? {
          ...testTraffic,
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
          ...testTraffic,
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
      ...alarmRefs(item, now).map((ref) => ({
        kind: 'put' as const,
        key: keys.ref(ref.id, ref.toType, ref.to),
        item: ref,
      })),
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
  if (outcome.outcome !== 'committed') return undefined;
  return { outcome: existing === undefined ? 'created' : 'changed', made, item };
}

function conflict(fleet: string): FlotillaError {
  return new FlotillaError('RequestConflict', `Fleet ${fleet} was changed while this request ran.`, {
    fleet,
  });
}
