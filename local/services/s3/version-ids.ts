/**
 * Version ids: 32 characters that mean nothing to a caller, as in S3. Their last eight number the writes, so that a list
 * finds its place again after the version that it stopped at was deleted.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html
 */
import type { Context } from '../../context.ts';

/** Of the ids of versions and of uploads. */
export const idAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._';
const numberLength = 8;

/** Gives ids whose numbers rise, also over restarts: a number is a time in milliseconds, or the next one after the last. */
export function versionIds({ clock, random }: Pick<Context, 'clock' | 'random'>): () => string {
  let last = 0;
  return () => {
    last = Math.max(Math.floor(clock.now()), last + 1);
    return random.text(32 - numberLength, idAlphabet) + written(last);
  };
}

function written(number: number): string {
  return Array.from(
    { length: numberLength },
    (_, index) => idAlphabet[Math.floor(number / 64 ** (numberLength - 1 - index)) % 64],
  ).join('');
}

function numberOf(versionId: string): number {
  return [...versionId.slice(-numberLength)].reduce((sum, one) => sum * 64 + idAlphabet.indexOf(one), 0);
}

/** Whether a version was written after another one of its key. A null version has no number: it never counts as newer. */
export function isNewer(versionId: string, than: string): boolean {
  return versionId !== 'null' && than !== 'null' && numberOf(versionId) > numberOf(than);
}
