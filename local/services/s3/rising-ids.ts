/**
 * Ids of versions and of uploads, which mean nothing to a caller, as in S3. Their last eight characters number what was
 * made, so that a list finds its place again after that which it stopped at was deleted.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html
 */
import type { Context } from '../../context.ts';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._';
const numberLength = 8;

/** Gives ids whose numbers rise, also over restarts: a number is a time in milliseconds, or the next one after the last. */
export function risingIds(
  { clock, random }: Pick<Context, 'clock' | 'random'>,
  length: number,
): () => string {
  let last = 0;
  return () => {
    last = Math.max(Math.floor(clock.now()), last + 1);
    return random.text(length - numberLength, alphabet) + written(last);
  };
}

function written(number: number): string {
  return Array.from(
    { length: numberLength },
    (_, index) => alphabet[Math.floor(number / 64 ** (numberLength - 1 - index)) % 64],
  ).join('');
}

function numberOf(id: string): number {
  return [...id.slice(-numberLength)].reduce((sum, one) => sum * 64 + alphabet.indexOf(one), 0);
}

/** Whether one was made after another. The id of a null version has no number: it never counts as newer. */
export function isNewer(id: string, than: string): boolean {
  return id !== 'null' && than !== 'null' && numberOf(id) > numberOf(than);
}
