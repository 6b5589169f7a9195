/**
 * The mark of a release that failed: it is not deployed again unless forced, nor is its image under another number. The
 * image is marked in the fleet where it failed, and nowhere else: another fleet asks it other things.
 */
import { releaseLabel } from '../contracts/ids.ts';
import type { ReleaseItem } from '../contracts/items.ts';

type Marked = Pick<ReleaseItem, 'number' | 'state' | 'reason' | 'failedAt' | 'servedAt' | 'createdAt'>;

function failedAt({ failedAt: at, state, servedAt, createdAt }: Marked): string | undefined {
  // Items of before the time was kept: it was after whatever they had served.
  return at ?? (state === 'failed' ? (servedAt ?? createdAt) : undefined);
}

/**
 * The release that marks an image, out of all the fleet's releases of it: the one that failed last, unless one of them
 * was promoted after that, which somebody has forced.
 */
export function failedBefore<Release extends Marked>(sameImage: readonly Release[]): Release | undefined {
  const served = sameImage.map(({ servedAt = '' }) => servedAt).sort();
  return sameImage
    .filter((release) => {
      const at = failedAt(release);
      return at !== undefined && at >= (served.at(-1) ?? '');
    })
    .sort((a, b) => (failedAt(b) ?? '').localeCompare(failedAt(a) ?? ''))[0];
}

/** Why a release is refused that, or whose image, failed before; with the cure. */
export function failedWords(marked: Marked, asked: number | undefined): string {
  const who = releaseLabel(marked.number);
  const same = marked.number === asked ? who : `${who}, of the same image,`;
  return `${same} failed before (${marked.reason ?? 'no reason kept'}); force it to try again`;
}
