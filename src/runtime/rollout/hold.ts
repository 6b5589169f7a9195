/**
 * Holding a fleet: every function that changes something asks here before each call to AWS whether it still may,
 * and writes the fleet's item here and nowhere else.
 */
import type * as z from 'zod';
import type { Table, Write } from '../../aws/table.ts';
import { type EventItem, type FleetItem, fleetItem } from '../../contracts/items.ts';
import { FlotillaError } from '../../errors.ts';
import { keys } from '../../lineage/keys.ts';
import type { Clock } from '../clock.ts';

/** The parts of an invocation that holding needs. */
export interface Time {
  readonly clock: Pick<Clock, 'now'>;
  remainingMilliseconds(): number;
}

/** A change of the fleet's item, with what goes into the same transaction. */
export interface FleetChange {
  readonly fleet: FleetItem;
  readonly writes?: readonly Write[];
  readonly events?: readonly EventItem[];
}

/** Tries of a write that others' writes (an order, a new request) keep overtaking. */
const revisionTries = 8;

/**
 * One call may take as long as the clients' timeout for an answer (20 s), and be tried again within 5 s of its
 * beginning (src/aws/clients/prompt-retries.ts); none is begun that the function would not live to see answered.
 */
const reserveMilliseconds = 26_000;

/** How long a look at the fence counts, so that calls that follow each other at once do not pay for one each. */
const fenceCountsMilliseconds = 1_000;

/** Reads a fleet. @throws FlotillaError `FleetNotFound`. */
export async function readFleet(table: Table, fleet: string): Promise<FleetItem> {
  return found(await table.get(keys.fleet(fleet), fleetItem), fleet);
}

/** What was read of a fleet. @throws FlotillaError `FleetNotFound` where that is nothing. */
export function found(item: FleetItem | undefined, fleet: string): FleetItem {
  if (item === undefined) throw new FlotillaError('FleetNotFound', `There is no fleet ${fleet}`, { fleet });
  return item;
}

/**
 * Changes the fleet's item. `make` gets the item as it is and says what it becomes, or undefined for no change; it is
 * asked again when somebody else wrote in between. An event that exists already means that this change was made
 * before, by a call whose answer was lost.
 * @returns the item as it is now.
 */
export async function changeFleet(
  table: Table,
  fleet: string,
  clock: Pick<Clock, 'now'>,
  make: (item: FleetItem, now: string) => FleetChange | undefined,
  read?: FleetItem,
): Promise<FleetItem> {
  let item = read ?? (await readFleet(table, fleet));
  for (let attempt = 1; ; attempt += 1) {
    const now = clock.now().toISOString();
    const change = make(item, now);
    if (change === undefined) return item;
    const next: FleetItem = { ...change.fleet, revision: item.revision + 1, updatedAt: now };
    const { outcome } = await table.commit({
      writes: [
        {
          kind: 'update',
          key: keys.fleet(fleet),
          set: differing(item, next),
          condition: { kind: 'equals', values: { revision: item.revision } },
        },
        ...(change.writes ?? []),
      ],
      events: change.events ?? [],
    });
    if (outcome === 'committed') return next;
    if (outcome === 'refused' && attempt >= revisionTries) {
      throw new FlotillaError('AwsUnavailable', `The item of ${fleet} kept changing`, { fleet });
    }
    item = await readFleet(table, fleet);
    // Keys of events may name the revision: those that follow from an old one are another change's.
    if (outcome === 'repeated' && !(attempt === 1 && read !== undefined)) return item;
  }
}

/** The attributes of an item that a change gave another value; none is ever taken away. */
function differing(item: FleetItem, next: FleetItem): Partial<FleetItem> {
  const before = new Map<string, unknown>(Object.entries(item));
  return Object.fromEntries(
    Object.entries(next).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(before.get(name)),
    ),
  );
}

/**
 * What one function of an execution hands to the next of the fleet's item, so that it need not be read again: all but
 * the files and variables of its images, which are large and nobody's business in an execution's history. Its revision
 * says whether it is still so: a change that was decided on an older one is refused by the table, and decided anew.
 */
export const handedFleet = fleetItem;
export type HandedFleet = Omit<z.input<typeof handedFleet>, 'spec'> & {
  readonly spec: Omit<z.input<typeof handedFleet>['spec'], 'image'>;
};

export function handOver(fleet: FleetItem): HandedFleet {
  const { image: _image, ...spec } = fleet.spec;
  return { ...fleet, spec };
}

export interface Hold {
  /** The fleet as last read or written. */
  readonly fleet: FleetItem;
  /**
   * To be called before each call that changes something in AWS.
   * @throws FlotillaError `LeaseLost` when another holds the fleet, `DeadlineNear` when too little time is left.
   */
  before(): Promise<void>;
  /** Changes the fleet's item, as long as the lease is ours. */
  change(make: (item: FleetItem, now: string) => FleetChange | undefined): Promise<FleetItem>;
  now(): Date;
}

function checkFence(fleet: FleetItem, fence: number): void {
  if (fleet.lease?.fence === fence) return;
  const holder = fleet.lease === null ? 'nobody' : fleet.lease.holder;
  throw new FlotillaError(
    'LeaseLost',
    `The lease with fence ${fence} is over; ${fleet.fleet} is held by ${holder}`,
    {
      fleet: fleet.fleet,
      fence,
    },
  );
}

/**
 * Takes up a lease that was acquired before. What the function before wrote a moment ago is not read again.
 * @throws FlotillaError `LeaseLost` when the fence is not the present one.
 */
export async function takeHold(
  table: Table,
  fleet: string,
  fence: number,
  time: Time,
  handed?: FleetItem,
): Promise<Hold> {
  if (handed !== undefined) {
    const writtenAt = Date.parse(handed.updatedAt);
    if (time.clock.now().getTime() - writtenAt <= fenceCountsMilliseconds)
      return holdOn(handed, table, fence, time, writtenAt);
  }
  return holdOn(await readFleet(table, fleet), table, fence, time);
}

/**
 * The same, with the fleet's item as it was at `readAt`, this very moment unless told. With an older one nothing may be
 * decided but a change of the item, which the table refuses where somebody else wrote in between.
 * @throws as `takeHold`.
 */
export function holdOn(
  read: FleetItem,
  table: Table,
  fence: number,
  time: Time,
  seenAt: number = time.clock.now().getTime(),
): Hold {
  const { fleet } = read;
  let item = read;
  let readAt = seenAt;
  checkFence(item, fence);
  return {
    get fleet() {
      return item;
    },
    async before() {
      if (time.remainingMilliseconds() < reserveMilliseconds) {
        throw new FlotillaError('DeadlineNear', `${fleet}: too little time is left for another call`, {
          fleet,
        });
      }
      const now = time.clock.now().getTime();
      if (now - readAt <= fenceCountsMilliseconds) return;
      item = await readFleet(table, fleet);
      readAt = now;
      checkFence(item, fence);
    },
    async change(make) {
      item = await changeFleet(
        table,
        fleet,
        time.clock,
        (present, now) => {
          checkFence(present, fence);
          return make(present, now);
        },
        item,
      );
      readAt = time.clock.now().getTime();
      return item;
    },
    now: () => time.clock.now(),
  };
}
