/**
 * Is what would boot still what was built? Every hour some blocks of each live image are read back; an image that
 * differs is vetoed, and told of. What runs of it is left alone: whether it has to go is for a person to say.
 */
import type { Events } from '../aws/events.ts';
import type { Objects } from '../aws/objects.ts';
import type { SnapshotReader } from '../aws/snapshot-blocks.ts';
import type { Table } from '../aws/table.ts';
import { fleetItem, type ImageItem, imageItem, releaseItem } from '../contracts/items.ts';
import { FlotillaError, isFlotillaError } from '../errors.ts';
import { sampleBlocks } from '../image/verify.ts';
import { keys, lists } from '../lineage/keys.ts';
import { releaseId } from '../lineage/refs.ts';
import { readBuiltBlocks } from './built-blocks.ts';
import type { Invocation } from './handler.ts';
import { inTurn } from './in-turn.ts';
import { type SnapshotVerdict, verifySnapshot } from './verify-snapshot.ts';
import { vetoImage } from './veto.ts';

export interface VerifyImagesDeps {
  readonly table: Table;
  readonly objects: Pick<Objects, 'bytes'>;
  readonly reader: SnapshotReader;
  readonly events: Events;
}

/** 32 MiB of each image and hour: some 46,000 reads a month, about $0.14. */
const sampleSize = 64;
const hourMilliseconds = 3_600_000;
/** 8 MiB at once. */
const concurrency = 16;
/** With less left, the other images wait for the next hour, which begins with another one. */
const reserveMilliseconds = 20_000;
/** Of the time that is left, while others wait: an image of a TiB has millions of blocks to list. */
const shareOfOne = 0.5;
/** Of an event of EventBridge, which has room for 256 KB. */
const mostDifferencesTold = 100;

export interface VerifiedImage {
  readonly imageId: string;
  readonly releases: readonly string[];
  readonly outcome: 'matches' | 'differs' | 'unverifiable';
  /** Blocks that were read, and after how many hours all will have been. */
  readonly read: number;
  readonly hoursForAll: number;
}

interface Candidate {
  readonly image: ImageItem & { readonly imageId: string; readonly snapshotId: string };
  readonly releases: string[];
}

/** The images of the releases that serve, or that a rollback would make live at once. */
async function liveImages(table: Table): Promise<Candidate[]> {
  const found = new Map<string, Candidate>();
  for (const { fleet, live, warm } of await table.listAll(lists.fleets, fleetItem)) {
    for (const occupant of [live, warm]) {
      if (occupant === null) continue;
      const release = await table.get(keys.release(fleet, occupant.release), releaseItem);
      if (release === undefined) continue;
      const known = found.get(release.identity);
      const image = known?.image ?? (await table.get(keys.image(release.identity), imageItem));
      // A vetoed image has been told of.
      if (image?.state !== 'available' || image.imageId === undefined || image.snapshotId === undefined)
        continue;
      const { imageId, snapshotId } = image;
      const releases = [...(known?.releases ?? []), releaseId(fleet, release.number)];
      found.set(release.identity, { image: { ...image, imageId, snapshotId }, releases });
    }
  }
  return [...found.values()].sort((a, b) => (a.image.identity < b.image.identity ? -1 : 1));
}

/**
 * One hour's sample of every live image.
 *
 * @returns what was seen, and how many images the time did not reach
 * @throws the first failure, once every image had its turn
 */
export async function verifyImages(
  deps: VerifyImagesDeps,
  { clock, config, remainingMilliseconds, log }: Invocation,
): Promise<{ readonly images: readonly VerifiedImage[]; readonly left: number }> {
  const hour = Math.floor(clock.now().getTime() / hourMilliseconds);
  const candidates = await liveImages(deps.table);
  const images: VerifiedImage[] = [];
  const failures: unknown[] = [];
  for (const [index, candidate] of inTurn(candidates, hour).entries()) {
    const remaining = remainingMilliseconds();
    if (remaining < reserveMilliseconds) break;
    const isLast = index === candidates.length - 1;
    const kept = isLast ? reserveMilliseconds : Math.max(reserveMilliseconds, remaining * (1 - shareOfOne));
    const timed = whileThereIsTime(deps, () => remainingMilliseconds() >= kept);
    try {
      const seen = await verifyImage(candidate, timed, {
        hour,
        at: clock.now().toISOString(),
        storeBucket: config.storeBucket,
      });
      images.push(seen);
      if (seen.outcome !== 'matches')
        log.warn('the image is not what was built, or cannot be told', { ...seen });
    } catch (error) {
      if (isFlotillaError(error) && error.name === 'DeadlineNear') {
        log.warn('the image is left, as the others wait', { imageId: candidate.image.imageId });
        continue;
      }
      // One image's trouble must not keep the others waiting.
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return { images, left: candidates.length - images.length };
}

/** What reads, as long as it may. @throws FlotillaError DeadlineNear, of what is read afterwards */
function whileThereIsTime(deps: VerifyImagesDeps, isTime: () => boolean): VerifyImagesDeps {
  const { objects, reader } = deps;
  function requireTime(): void {
    if (!isTime()) throw new FlotillaError('DeadlineNear', 'The time of this image is over');
  }
  return {
    ...deps,
    objects: {
      async bytes(ref) {
        requireTime();
        return await objects.bytes(ref);
      },
    },
    reader: {
      async *pages(snapshotId, first) {
        for await (const page of reader.pages(snapshotId, first)) {
          requireTime();
          yield page;
        }
      },
      async read(snapshotId, block) {
        requireTime();
        return await reader.read(snapshotId, block);
      },
    },
  };
}

async function verifyImage(
  { image, releases }: Candidate,
  deps: VerifyImagesDeps,
  { hour, at, storeBucket }: { readonly hour: number; readonly at: string; readonly storeBucket: string },
): Promise<VerifiedImage> {
  const { identity, imageId, snapshotId } = image;
  let hoursForAll = 1;
  let verdict: SnapshotVerdict;
  try {
    const built = await readBuiltBlocks(deps.objects, storeBucket, image);
    verdict = await verifySnapshot(
      deps.reader,
      { snapshotId, built },
      {
        concurrency,
        choose: (indexes) => {
          const sample = sampleBlocks(indexes, { identity, number: hour, size: sampleSize });
          hoursForAll = sample.samplesForAll;
          return sample.indexes;
        },
      },
    );
  } catch (error) {
    // Says nothing of the snapshot: an image of before digests were kept has none.
    if (!isFlotillaError(error) || error.name !== 'ImageUnverifiable') throw error;
    return { imageId, releases, outcome: 'unverifiable', read: 0, hoursForAll };
  }
  const { differences, read } = verdict;
  if (differences.length > 0) {
    const detail = {
      imageId,
      identity,
      snapshotId,
      releases,
      differs: differences.length,
      differences: differences.slice(0, mostDifferencesTold),
    };
    // Told before it is written: what is vetoed is not looked at again, and a lost telling would never come.
    await deps.events.put('flotilla', 'Flotilla Image Mismatch', detail);
    const [{ index, kind }] = differences as [SnapshotVerdict['differences'][number]];
    const reason = `${differences.length} of its blocks ${differences.length === 1 ? 'is' : 'are'} not what was built, the first is block ${index} (${kind})`;
    const by = { principal: 'flotilla', through: 'schedule' };
    await vetoImage(deps.table, { identity, reason, by, data: detail }, at);
  }
  return { imageId, releases, outcome: differences.length === 0 ? 'matches' : 'differs', read, hoursForAll };
}
