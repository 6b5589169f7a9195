/** The end of a smoke boot: its console is kept, its instance goes, and what it proved is remembered. */
import type { BootInstances } from '../../aws/boot-instances.ts';
import type { Instances } from '../../aws/instances.ts';
import type { Objects } from '../../aws/objects.ts';
import type { Table, Write } from '../../aws/table.ts';
import { buildKeys } from '../../contracts/build.ts';
import { type ImageItem, imageItem, type SmokeBootItem } from '../../contracts/items.ts';
import { FlotillaError } from '../../errors.ts';
import { imageBooted } from '../../lineage/events.ts';
import { keys } from '../../lineage/keys.ts';
import { imageUnchanged } from '../image-attempt.ts';
import { putBoot, readBoot } from './lease.ts';

export interface EndDeps {
  readonly table: Table;
  readonly objects: Objects;
  readonly instances: BootInstances;
  readonly consoles: Instances;
}

export interface BootEnd {
  readonly passed: boolean;
  /** Why it did not. */
  readonly reason?: string;
  readonly stack: string;
  readonly storeBucket: string;
  readonly now: Date;
}

/** EC2 shows what it launched within seconds; what it does not show after this time, it did not launch. */
const shownWithinMilliseconds = 10 * 60_000;
/** EC2 keeps 64 KB of a console. */
const consoleBytes = 65_536;
/** Boots that an image remembers; a question that many fleets share is one. */
const remembered = 20;

/**
 * Ends the boot, whoever opened it. Repeatable: an ended one stays as it is.
 *
 * @returns `unsure` while a launch may have landed that EC2 does not show yet; the boot stays open then
 */
export async function endBoot(
  boot: SmokeBootItem,
  end: BootEnd,
  deps: EndDeps,
): Promise<'ended' | 'was-ended' | 'unsure'> {
  const { table, objects, instances, consoles } = deps;
  const { identity, id, instanceId } = boot;
  if (boot.state === 'ended') return 'was-ended';
  // Read while it runs: of one that ends early EC2 may never post a console. Without it the end goes on all the same.
  const lines =
    instanceId === undefined ? [] : await consoles.consoleTail(instanceId, Number.MAX_SAFE_INTEGER);
  if (!(await endInstances(boot, end, instances))) return 'unsure';
  const key = buildKeys.console(identity, id);
  if (lines.length > 0) {
    const text = Buffer.from(`${lines.join('\n')}\n`).subarray(-consoleBytes);
    await objects.put({ bucket: end.storeBucket, key }, text, 'text/plain; charset=utf-8');
  }
  const at = end.now.toISOString();
  const over: SmokeBootItem = {
    ...boot,
    state: 'ended',
    endedAt: at,
    ...(lines.length === 0 ? {} : { console: key }),
  };
  const { passed, reason } = end;
  for (let tries = 0; tries < 3; tries += 1) {
    const image = passed ? await table.get(keys.image(identity), imageItem) : undefined;
    const { outcome } = await table.commit({
      writes: [
        putBoot(over, { kind: 'equals', values: { state: 'open' } }),
        ...(image === undefined ? [] : [rememberBoot(image, over, at)]),
      ],
      events: [imageBooted(over, { passed, reason }, { at, executionArn: boot.owner })],
    });
    if (outcome !== 'refused') return 'ended';
    // Either somebody else ended it, or the image was changed (vetoed, booted) between the look and the write.
    if ((await readBoot(table, identity, id))?.state !== 'open') return 'was-ended';
  }
  throw new FlotillaError('AwsUnavailable', 'The image kept changing', { identity });
}

/** @returns false while it is not known whether there is one. */
async function endInstances(
  { id, instanceId, launchedAt, deadline, place, places }: SmokeBootItem,
  { stack, now }: BootEnd,
  instances: BootInstances,
): Promise<boolean> {
  const since = (moment: string): number => now.getTime() - Date.parse(moment);
  if (instanceId !== undefined) {
    const outcome = await instances.terminate(instanceId);
    return outcome === 'terminated' || since(launchedAt ?? deadline) >= shownWithinMilliseconds;
  }
  // The answer to a launch may have been lost with the function that waited for it.
  const found = await instances.find(stack, id);
  for (const one of found) await instances.terminate(one);
  const allRefused = place >= places.length;
  return found.length > 0 || allRefused || since(deadline) >= shownWithinMilliseconds;
}

function rememberBoot(image: ImageItem, { question, fleet, instanceId }: SmokeBootItem, at: string): Write {
  const { port, path, statusCodes } = question;
  const passed = { port, path, statusCodes, fleet, instanceId: instanceId ?? '', at };
  return {
    kind: 'put',
    key: keys.image(image.identity),
    item: { ...image, boots: [...(image.boots ?? []), passed].slice(-remembered) },
    condition: imageUnchanged(image),
  };
}
