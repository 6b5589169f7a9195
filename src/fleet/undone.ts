/** What was taken back of a rollout, told from the events that it left in lineage. */
import { releaseLabel } from '../contracts/ids.ts';
import type { EventItem } from '../contracts/items.ts';

type Event = Pick<EventItem, 'kind' | 'data' | 'at'>;

const textIn = (event: Event | undefined, name: string): string | undefined => {
  const value = event?.data[name];
  return typeof value === 'string' ? value : undefined;
};

/**
 * Sentences in the order in which things happened. `live` is the release that serves, null where there is none.
 * @param undoing what is awaited, where the undoing has not finished
 */
export function undoneWords(
  events: readonly Event[],
  live: number | null,
  undoing: string | undefined,
): string[] {
  const last = (kind: string): Event | undefined => events.findLast((event) => event.kind === kind);
  const planned = last('rollout-planned');
  const group = textIn(planned, 'groupName');
  if (planned === undefined) return ['nothing: the rollout had changed nothing yet'];

  const words: string[] = [];
  const renewed = textIn(last('live-made-anew'), 'groupName');
  if (renewed !== undefined) words.push(`the group of live, ${renewed}, which was gone, was made anew`);
  const shifted = last('traffic-shifted');
  if (last('weights-restored') !== undefined) {
    words.push(
      live === null
        ? 'the rule gives no slot any weight again, as before'
        : `all of the traffic went back to ${releaseLabel(live)}`,
    );
  } else if (shifted === undefined) words.push('no traffic had gone to the candidate');
  if (group !== undefined) {
    if (last('release-kept-warm') !== undefined) words.push(`the group ${group} is kept warm again`);
    else if (last('rollback-ended') !== undefined) words.push(`the group ${group} was emptied and deleted`);
  }
  for (const event of events.filter(({ kind }) => kind === 'unpinned')) {
    const name = textIn(event, 'groupName');
    if (name !== undefined) words.push(`${name} has its minimum of ${String(event.data.minimum)} back`);
  }
  if (undoing !== undefined) words.push(`not finished: ${undoing}`);
  return words;
}
