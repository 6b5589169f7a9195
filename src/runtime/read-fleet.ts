/** Fleets, releases and rollouts, read for the API. */
import type { Page, Table } from '../aws/table.ts';
import { together } from '../aws/together.ts';
import type {
  FleetSummary,
  FleetView,
  OccupantView,
  ReleaseView,
  RolloutDetailView,
  RolloutView,
} from '../contracts/api-views.ts';
import type { FailureCard } from '../contracts/failure-card.ts';
import { parseRolloutId } from '../contracts/ids.ts';
import {
  artifactItem,
  eventItem,
  type FleetItem,
  fleetItem,
  imageItem,
  releaseItem,
  rolloutItem,
} from '../contracts/items.ts';
import { FlotillaError } from '../errors.ts';
import { pauseOf } from '../fleet/orders.ts';
import { keys, lists, prefixes } from '../lineage/keys.ts';
import { cursor } from './paging.ts';
import { listUploads } from './read-uploads.ts';
import { rolloutCard } from './rollout-card.ts';
import {
  eventView,
  fleetState,
  inOrder,
  needsAttention,
  occupantView,
  type ReleaseFacts,
  releaseView,
  rolloutView,
  versionOf,
} from './views.ts';

export interface Paging {
  readonly limit: number;
  readonly after?: string | undefined;
}

/** @throws FlotillaError FleetNotFound */
export async function requireFleet(table: Table, fleet: string): Promise<FleetItem> {
  const item = await table.get(keys.fleet(fleet), fleetItem);
  if (item === undefined) throw new FlotillaError('FleetNotFound', `There is no fleet ${fleet}.`, { fleet });
  return item;
}

/** What the releases in the fleet's slots are made of. */
async function factsOf(table: Table, item: FleetItem): Promise<Map<number, ReleaseFacts>> {
  const numbers = new Set([item.live, item.candidate, item.warm].flatMap((one) => one?.release ?? []));
  const facts = await together(
    [...numbers].map(async (number) => {
      const release = await table.get(keys.release(item.fleet, number), releaseItem);
      const artifact =
        release === undefined
          ? undefined
          : await table.get(keys.artifact(release.artifactSha256), artifactItem);
      // Only of what serves: the others are refused when somebody would make them live.
      const image =
        release === undefined || number !== item.live?.release
          ? undefined
          : await table.get(keys.image(release.identity), imageItem);
      return [number, { release, artifact, image }] as const;
    }),
  );
  return new Map(facts);
}

async function summaryOf(table: Table, item: FleetItem): Promise<FleetSummary & Pick<FleetView, 'warm'>> {
  const facts = await factsOf(table, item);
  const view = (one: FleetItem['live'] | FleetItem['warm']) =>
    occupantView(one, item.weights, one === null ? undefined : facts.get(one.release));
  const reasons = needsAttention(item, item.live === null ? undefined : facts.get(item.live.release)?.image);
  return {
    fleet: item.fleet,
    state: fleetState(item, reasons),
    live: view(item.live),
    candidate: view(item.candidate),
    warm: view(item.warm),
    needsAttention: reasons,
    updatedAt: item.updatedAt,
  };
}

export async function listFleets(table: Table, { limit, after }: Paging): Promise<Page<FleetSummary>> {
  const page = await table.list(lists.fleets, fleetItem, { limit, ...cursor(after) });
  const items = await together(
    page.items.map(async (item) => {
      const { warm: _warm, ...summary } = await summaryOf(table, item);
      return summary;
    }),
  );
  return { ...page, items };
}

/** How many rollouts and uploads the view of a fleet shows. */
const recent = 10;

/** @throws FlotillaError FleetNotFound */
export async function readFleet(table: Table, fleet: string): Promise<FleetView> {
  return await fleetViewOf(table, await requireFleet(table, fleet));
}

export async function fleetViewOf(table: Table, item: FleetItem): Promise<FleetView> {
  const { fleet, lease, gate } = item;
  const [summary, rollouts, uploads] = await together([
    summaryOf(table, item),
    table.query(keys.fleet(fleet).pk, prefixes.rollout, rolloutItem, { limit: recent, newestFirst: true }),
    listUploads(table, { fleet, limit: recent }),
  ]);
  return {
    ...summary,
    spec: item.spec,
    specVersion: item.specVersion,
    fixed: item.fixed,
    weights: item.weights,
    served: item.served,
    lease: lease === null ? null : withoutFence(lease),
    gate: gateView(gate),
    paused: lease === null ? null : pausedView(item, lease.rollout),
    queue: item.queue,
    recent: { rollouts: rollouts.items.map(rolloutView), uploads: [...uploads.items] },
    createdAt: item.createdAt,
  };
}

function withoutFence(lease: NonNullable<FleetItem['lease']>): NonNullable<FleetView['lease']> {
  const { fence: _fence, ...rest } = lease;
  return rest;
}

function pausedView(item: FleetItem, rollout: number): FleetView['paused'] {
  const pause = pauseOf(item, rollout);
  if (pause === undefined) return null;
  const { at, by, reason } = pause;
  return { since: at, by, ...(reason === undefined ? {} : { reason }) };
}

/** The task token stays here: whoever holds it can let the rollout through. */
function gateView(gate: FleetItem['gate']): FleetView['gate'] {
  if (gate === null) return null;
  const { token: _token, rollout: _rollout, alarms: _alarms, ...rest } = gate;
  return rest;
}

/** @throws FlotillaError FleetNotFound */
export async function listReleases(
  table: Table,
  fleet: string,
  { limit, after }: Paging,
): Promise<Page<ReleaseView>> {
  const page = await table.query(keys.fleet(fleet).pk, prefixes.release, releaseItem, {
    limit,
    newestFirst: true,
    ...cursor(after),
  });
  // Releases outlive their fleet; only a name that never was is not found.
  if (page.items.length === 0) await requireFleet(table, fleet);
  return { ...page, items: page.items.map(releaseView) };
}

/** @throws FlotillaError FleetNotFound */
export async function listRollouts(
  table: Table,
  fleet: string,
  { limit, after }: Paging,
): Promise<Page<RolloutView>> {
  const page = await table.query(keys.fleet(fleet).pk, prefixes.rollout, rolloutItem, {
    limit,
    newestFirst: true,
    ...cursor(after),
  });
  if (page.items.length === 0) await requireFleet(table, fleet);
  return { ...page, items: page.items.map(rolloutView) };
}

function liveOf(live: OccupantView | null): FailureCard['live'] {
  if (live === null) return null;
  const { release, weight, imageId } = live;
  return { release, weight, ...(imageId === undefined ? {} : { imageId }) };
}

/** One rollout with what it did. @throws FlotillaError RolloutNotFound */
export async function readRollout(table: Table, id: string): Promise<RolloutDetailView> {
  const parsed = parseRolloutId(id);
  if (parsed === undefined) throw new FlotillaError('RolloutNotFound', `There is no rollout ${id}.`, { id });
  const { fleet, number } = parsed;
  const [rollout, item, events] = await together([
    table.get(keys.rollout(fleet, number), rolloutItem),
    table.get(keys.fleet(fleet), fleetItem),
    table.queryAll(keys.event(`fleet/${fleet}`, '').pk, `rollout-${number}/`, eventItem),
  ]);
  if (rollout === undefined) throw new FlotillaError('RolloutNotFound', `There is no rollout ${id}.`, { id });
  const gate = item?.gate?.rollout === number ? gateView(item.gate) : null;
  const paused = item === undefined ? null : pausedView(item, number);
  const summary = item === undefined ? undefined : await summaryOf(table, item);
  return {
    ...rolloutView(rollout),
    version: versionOf([rollout, events.length, gate, paused, item?.live, item?.weights]),
    steps: inOrder(events).map(eventView),
    live: summary?.live ?? null,
    card: rolloutCard(rollout, events, item, liveOf(summary?.live ?? null)),
    gate,
    paused,
  };
}
