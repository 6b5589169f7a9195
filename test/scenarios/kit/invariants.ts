/**
 * The invariants of the design, held against each state that a region was in: after every call that changed
 * something, and after every moment at which time alone did. Nothing of this asks the product; it reads the region's
 * memory and the table's commits, and compares.
 */
import type { CallDone } from '../../../local/onlookers.ts';
import type { Commit } from '../../../local/services/dynamodb/changes.ts';
import type { FleetItem, ImageItem } from '../../../src/contracts/items.ts';
import type { Fleet } from './fleet.ts';
import { type HeldSince, Holding, heldBy, judgeRecovery } from './invariants/holding.ts';
import { changesIn, judgeCommit, judgeInstances, type Records, unmarshalled } from './invariants/lineage.ts';
import { type Expected, judgeAccount, judgeRest } from './invariants/rest.ts';
import { type FleetState, readFleetState } from './invariants/state.ts';
import {
  judgeRequests,
  judgeSizes,
  judgeTestRule,
  judgeWeights,
  remember,
  type TrafficMemory,
} from './invariants/traffic.ts';
import { type Broken, invariants, type Violation } from './invariants/violation.ts';

export type { Expected } from './invariants/rest.ts';
export { type Violation, wordsOfViolation } from './invariants/violation.ts';

/** What is kept of a fleet from one look to the next. */
interface Watched {
  state: FleetState;
  readonly memory: TrafficMemory;
}

export class Invariants {
  /** What was broken, each thing told once, in the order in which it was seen. */
  readonly violations: Violation[] = [];
  readonly #world: Fleet['world'];
  readonly #records: Records = {
    fleets: new Map(),
    releases: new Map(),
    rollouts: new Map(),
    events: new Map(),
  };
  readonly #images = new Map<string, ImageItem>();
  readonly #watched = new Map<string, Watched>();
  readonly #leases = new Map<string, HeldSince[]>();
  readonly #holding = new Holding();
  readonly #instances = new Set<string>();
  readonly #told = new Set<string>();
  readonly #ends: (() => void)[] = [];

  private constructor(world: Fleet['world']) {
    this.#world = world;
  }

  /** Watches fleets that share a world, until {@link end}. */
  static async over(fleets: readonly Fleet[]): Promise<Invariants> {
    const [first] = fleets;
    if (first === undefined) throw new Error('no fleet');
    const watch = new Invariants(first.world);
    await watch.#begin(fleets.map(({ name }) => name));
    return watch;
  }

  /** Watches one more fleet of the world, and no longer the others. */
  narrowTo(fleet: Pick<Fleet, 'name'>): void {
    this.#watched.clear();
    this.#watch(fleet.name);
  }

  /** To be asked when nothing is going on any more. @returns all violations so far, these included */
  atRest(expected: Readonly<Record<string, Expected>> = {}): readonly Violation[] {
    this.#look(undefined);
    for (const [fleet, { state }] of this.#watched)
      this.#tell(judgeRest(state, this.#records, expected[fleet] ?? {}), fleet, undefined);
    this.#tell(judgeAccount(this.#world.region, [...this.#images.values()]), '', undefined);
    return this.violations;
  }

  end(): void {
    for (const end of this.#ends.splice(0)) end();
  }

  async #begin(fleets: readonly string[]): Promise<void> {
    let from: unknown;
    do {
      const page = await this.#world.call('dynamodb', 'Scan', {
        TableName: 'flotilla',
        ConsistentRead: true,
        ...(from !== undefined && { ExclusiveStartKey: from }),
      });
      const changes = page.Items.map((item: Record<string, unknown>) => ({
        before: undefined,
        after: unmarshalled(item),
      }));
      // What stands at the beginning is not judged.
      judgeCommit(changes, this.#records);
      this.#note(changes);
      from = page.LastEvaluatedKey;
    } while (from !== undefined);
    for (const name of fleets) this.#watch(name);
    this.#ends.push(
      this.#world.region.parts.dynamodb.onChange((commit) => this.#committed(commit)),
      this.#world.region.onChange((call) => this.#look(call)),
    );
  }

  #watch(name: string): void {
    const item = this.#records.fleets.get(name);
    if (item === undefined) throw new Error(`no fleet ${name}`);
    const state = readFleetState(this.#world.region, item);
    this.#watched.set(name, { state, memory: { healthyAt: {}, failedAt: {}, heldAt: {}, liveSince: {} } });
    if (!this.#leases.has(name)) this.#leases.set(name, [{ at: 0, lease: item.lease }]);
    judgeInstances(state, this.#records, this.#instances);
  }

  #committed(commit: Commit): void {
    const changes = changesIn(commit);
    for (const broken of judgeCommit(changes, this.#records)) this.#tell([broken], broken.fleet, undefined);
    this.#note(changes);
  }

  #note(changes: ReturnType<typeof changesIn>): void {
    for (const { after } of changes) {
      if (after?.type === 'image') {
        const image = after as unknown as ImageItem;
        this.#images.set(image.identity, image);
      }
      if (after?.type !== 'fleet') continue;
      const { fleet, lease } = after as unknown as FleetItem;
      const history = this.#leases.get(fleet);
      const last = history?.at(-1)?.lease;
      if (last?.fence !== lease?.fence || last?.state !== lease?.state)
        history?.push({ at: this.#world.clock.now(), lease });
    }
  }

  #look(call: CallDone | undefined): void {
    const by = call === undefined ? undefined : functionOf(call.who, this.#world.stackName);
    if (call !== undefined && by !== undefined) {
      const fleet = heldBy(call, by, this.#leases);
      if (fleet !== undefined)
        this.#tell(this.#holding.judge(call, by, this.#leases.get(fleet) ?? []), fleet, call);
    }
    for (const [fleet, watched] of this.#watched) {
      const before = watched.state;
      const item = this.#records.fleets.get(fleet);
      if (item === undefined) continue;
      const after = readFleetState(this.#world.region, item);
      watched.state = after;
      remember(watched.memory, after);
      const broken: Broken[] = [
        ...judgeRequests(after, watched.memory),
        ...judgeInstances(after, this.#records, this.#instances),
      ];
      if (call !== undefined && by !== undefined) {
        broken.push(
          ...judgeWeights(before, after, watched.memory, call.begunAt),
          ...judgeTestRule(before, after),
          ...judgeSizes(before, after, watched.memory, call.begunAt),
        );
        if (isChanged(before, after)) broken.push(...judgeRecovery(call, by, this.#leases.get(fleet) ?? []));
      }
      this.#tell(broken, fleet, call);
    }
  }

  #tell(found: readonly Broken[], fleet: string, call: CallDone | undefined): void {
    for (const { invariant, words } of found) {
      const text = `${invariant} ${fleet} ${words}`;
      if (this.#told.has(text)) continue;
      this.#told.add(text);
      const by = call === undefined ? undefined : (functionOf(call.who, this.#world.stackName) ?? call.who);
      this.violations.push({
        invariant,
        name: invariants[invariant],
        fleet,
        at: new Date(this.#world.clock.now()).toISOString(),
        call: call === undefined ? undefined : `${by}, ${call.action}`,
        words,
      });
    }
  }
}

/** `shift-traffic`; undefined for a caller that is none of the stack's functions. */
function functionOf(who: string, stack: string): string | undefined {
  return new RegExp(`:assumed-role/.*/${stack}-([a-z-]+)$`).exec(who)?.[1];
}

/** Whether a call did something to the fleet in AWS. */
function isChanged(before: FleetState, after: FleetState): boolean {
  const told = ({ weights, groups }: FleetState): string =>
    JSON.stringify([weights, groups.map((group) => ({ ...group, members: [] }))]);
  return told(before) !== told(after);
}
