/** Invariants 4, 9 and 10, as far as the table's commits show them, and 8 with what runs. */
import type { Commit } from '../../../../local/services/dynamodb/changes.ts';
import type { EventItem, FleetItem, ReleaseItem, RolloutItem } from '../../../../src/contracts/items.ts';
import { errorCatalogue } from '../../../../src/errors.ts';
import type { FleetState } from './state.ts';
import type { Broken } from './violation.ts';

/** Items by key, as the last commit left them. */
export interface Records {
  readonly fleets: Map<string, FleetItem>;
  /** `web/7` */
  readonly releases: Map<string, ReleaseItem>;
  readonly rollouts: Map<string, RolloutItem>;
  /** By subject and key. */
  readonly events: Map<string, EventItem>;
}

export type Item = Readonly<Record<string, unknown>> & { readonly type?: unknown };

export interface ItemChange {
  readonly before: Item | undefined;
  readonly after: Item | undefined;
}

/** What happens once in a rollout; told twice it has been doubled. */
const onceInARollout = new Set([
  'rollout-began',
  'rollout-planned',
  'candidate-launched',
  'release-promoted',
  'rollout-succeeded',
]);
/** A change of these is a change of state, of which an event tells. */
const stateOfFleet = ['live', 'candidate', 'warm', 'weights', 'lease', 'served'] as const;

export function changesIn(commit: Commit): ItemChange[] {
  return commit.changes.map(({ before, after }) => ({
    before: before === undefined ? undefined : unmarshalled(before),
    after: after === undefined ? undefined : unmarshalled(after),
  }));
}

/** Judges one commit, and notes what it did. @returns what it broke, by fleet */
export function judgeCommit(
  changes: readonly ItemChange[],
  records: Records,
): (Broken & { readonly fleet: string })[] {
  const broken: (Broken & { readonly fleet: string })[] = [];
  const told = new Set<string>();
  for (const { before, after } of changes) {
    if (before?.type === 'event') {
      const { subject, key } = before as unknown as EventItem;
      broken.push({
        invariant: 9,
        fleet: fleetOf(subject),
        words: `the event ${key} was ${after === undefined ? 'deleted' : 'changed'}`,
      });
    }
    if (after?.type === 'event' && before === undefined) {
      const event = after as unknown as EventItem;
      told.add(event.subject);
      broken.push(...judgeOnce(event, records));
      records.events.set(`${event.subject} ${event.key}`, event);
    }
    if (after?.type === 'release') {
      const release = after as unknown as ReleaseItem;
      records.releases.set(`${release.fleet}/${release.number}`, release);
    }
    if (after?.type === 'rollout') {
      const rollout = after as unknown as RolloutItem;
      records.rollouts.set(`${rollout.fleet}/${rollout.number}`, rollout);
      broken.push(...judgeRollout(rollout, records));
    }
  }
  for (const { before, after } of changes) {
    if (after?.type !== 'fleet') continue;
    const is = after as unknown as FleetItem;
    records.fleets.set(is.fleet, is);
    const was = before?.type === 'fleet' ? (before as unknown as FleetItem) : undefined;
    const changed = stateOfFleet.filter((name) => JSON.stringify(was?.[name]) !== JSON.stringify(is[name]));
    if (changed.length > 0 && !told.has(`fleet/${is.fleet}`))
      broken.push({
        invariant: 9,
        fleet: is.fleet,
        words: `no event tells of the change of ${changed.join(' and ')}`,
      });
  }
  return broken;
}

function judgeOnce(event: EventItem, records: Records): (Broken & { readonly fleet: string })[] {
  if (!onceInARollout.has(event.kind)) return [];
  return [...records.events.values()]
    .filter(
      (other) =>
        other.subject === event.subject &&
        other.kind === event.kind &&
        other.key !== event.key &&
        rolloutOf(other) === rolloutOf(event),
    )
    .map(({ key }) => ({
      invariant: 9,
      fleet: fleetOf(event.subject),
      words: `${event.kind} is told as ${key} and as ${event.key}`,
    }));
}

/** The number of the rollout that an event is about; undefined where it is about none. */
export function rolloutOf({ key }: Pick<EventItem, 'key'>): number | undefined {
  const number = /^rollout-(\d+)\//.exec(key)?.[1];
  return number === undefined ? undefined : Number(number);
}

function judgeRollout(rollout: RolloutItem, records: Records): (Broken & { readonly fleet: string })[] {
  const { fleet, number, status, error } = rollout;
  const broken: (Broken & { readonly fleet: string })[] = [];
  if (status === 'running')
    for (const other of records.rollouts.values())
      if (other.fleet === fleet && other.number !== number && other.status === 'running')
        broken.push({ invariant: 4, fleet, words: `rollouts ${other.number} and ${number} both run` });
  if (['failed', 'needs-attention'].includes(status) && !(error !== undefined && nameIsKnown(error.name)))
    broken.push({
      invariant: 10,
      fleet,
      words: `rollout ${number} is ${status} by ${error?.name ?? 'no error'}`,
    });
  return broken;
}

/** Ours are in the catalogue; Step Functions' and Lambda's own say so. */
function nameIsKnown(name: string): boolean {
  return name in errorCatalogue || /^(?:States|Lambda|Sandbox|Runtime)\./.test(name);
}

/** Invariant 8: each instance of the fleet's groups leads to a release with its image. */
export function judgeInstances(state: FleetState, records: Records, known: Set<string>): Broken[] {
  const broken: Broken[] = [];
  for (const group of state.groups)
    for (const { id, imageId } of group.members) {
      if (known.has(id)) continue;
      known.add(id);
      const number = /-v(\d+)-r\d+$/.exec(group.name)?.[1];
      const release = records.releases.get(`${state.item.fleet}/${number}`);
      if (release === undefined || release.imageId !== imageId)
        broken.push({
          invariant: 8,
          words: `an instance of ${group.name} runs ${imageId}, and v${number} is ${release?.imageId ?? 'unknown'}`,
        });
    }
  return broken;
}

export function fleetOf(subject: string): string {
  return subject.startsWith('fleet/') ? subject.slice('fleet/'.length) : '';
}

type Attribute = Readonly<Record<string, unknown>>;

/** An item in DynamoDB's JSON as it was written. */
export function unmarshalled(item: Readonly<Record<string, unknown>>): Item {
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, plain(value as Attribute)]));
}

function plain(attribute: Attribute): unknown {
  const [[kind, value] = ['NULL', null]] = Object.entries(attribute);
  switch (kind) {
    case 'N':
      return Number(value);
    case 'NULL':
      return null;
    case 'L':
      return (value as Attribute[]).map(plain);
    case 'M':
      return unmarshalled(value as Readonly<Record<string, unknown>>);
    default:
      return value;
  }
}
