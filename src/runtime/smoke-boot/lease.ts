/** The item that stands for the instance of a smoke boot, from before its launch until after its end. */
import { createHash } from 'node:crypto';
import type { Table, Write } from '../../aws/table.ts';
import { type SmokeBootItem, smokeBootItem } from '../../contracts/items.ts';
import { FlotillaError } from '../../errors.ts';
import { keys, lists } from '../../lineage/keys.ts';

/** One execution boots an image once: whatever it repeats is the same boot. */
export function bootId(identity: string, executionArn: string): string {
  return createHash('sha256').update(`${identity}/${executionArn}`).digest('hex').slice(0, 32);
}

export function readBoot(table: Table, identity: string, id: string): Promise<SmokeBootItem | undefined> {
  return table.get(keys.smokeBoot(identity, id), smokeBootItem);
}

/** Open ones stand in a list, where the sweeper finds them. */
export function putBoot(boot: SmokeBootItem, condition: Extract<Write, { kind: 'put' }>['condition']): Write {
  return {
    kind: 'put',
    key: keys.smokeBoot(boot.identity, boot.id),
    item: boot,
    ...(boot.state === 'open'
      ? { list: { listPk: lists.smokeBoots, listSk: `${boot.openedAt}#${boot.id}` } }
      : {}),
    ...(condition === undefined ? {} : { condition }),
  };
}

/** The boot is over: the sweeper, or an earlier try, has ended it. What comes late must not launch anything. */
export function bootEnded({ identity, id }: Pick<SmokeBootItem, 'identity' | 'id'>): FlotillaError {
  return new FlotillaError('SmokeBootFailed', 'Its time was over before it was known how it goes', {
    identity,
    boot: id,
  });
}

/** Writes an open boot anew. @throws FlotillaError SmokeBootFailed where it was ended meanwhile */
export async function saveOpenBoot(table: Table, boot: SmokeBootItem): Promise<SmokeBootItem> {
  const condition = { kind: 'equals', values: { state: 'open' } } as const;
  const { outcome } = await table.commit({ writes: [putBoot(boot, condition)] });
  if (outcome === 'refused') throw bootEnded(boot);
  return boot;
}
