/** What the rollout functions write beside the fleet's item: events, and attributes of rollouts and releases. */
import type { Write } from '../../aws/table.ts';
import type { Actor, EventItem, ReleaseItem, RolloutItem } from '../../contracts/items.ts';
import { keys } from '../../lineage/keys.ts';

/**
 * An event of a fleet. `key` repeats when the step is repeated: `rollout-12/shifted-2`.
 */
export function fleetEvent(event: {
  readonly fleet: string;
  readonly key: string;
  readonly kind: string;
  readonly at: string;
  readonly execution?: string;
  readonly by?: Actor;
  readonly data?: Readonly<Record<string, unknown>>;
}): EventItem {
  return {
    type: 'event',
    subject: `fleet/${event.fleet}`,
    key: event.key,
    kind: event.kind,
    at: event.at,
    ...(event.by === undefined ? {} : { by: event.by }),
    ...(event.execution === undefined ? {} : { executionArn: event.execution }),
    data: { ...event.data },
  };
}

/** `rollout-12/shifted-2`. */
export function rolloutKey(rollout: number, step: string): string {
  return `rollout-${rollout}/${step}`;
}

/** @param from the status that the rollout must have for the write to be made, where it matters */
export function updateRollout(
  fleet: string,
  number: number,
  set: Partial<RolloutItem>,
  from?: RolloutItem['status'],
): Write {
  const write = { kind: 'update', key: keys.rollout(fleet, number), set } as const;
  return from === undefined ? write : { ...write, condition: { kind: 'equals', values: { status: from } } };
}

export function updateRelease(fleet: string, number: number, set: Partial<ReleaseItem>): Write {
  return { kind: 'update', key: keys.release(fleet, number), set };
}
