/**
 * Tokens of blocks and of pages: "Block tokens are valid for seven days, and next tokens are valid for 60 minutes."
 * https://docs.aws.amazon.com/ebs/latest/userguide/ebsapi-faq.html
 */
import { createHash } from 'node:crypto';
import { invalid } from './state.ts';

const blockTokenLifeMs = 7 * 24 * 3_600_000;
const pageTokenLifeMs = 60 * 60_000;
const timeBytes = 6;

/** When the block tokens that are made now expire. */
export function expiryOf(now: number): number {
  return Math.floor(now) + blockTokenLifeMs;
}

/** An opaque name for a block; a token of another snapshot or of other bytes does not fit. */
export function blockToken(snapshotId: string, index: number, digest: string, expiresAt: number): string {
  const time = Buffer.alloc(timeBytes);
  time.writeUIntBE(expiresAt, 0, timeBytes);
  const sum = createHash('sha256').update(`${snapshotId}/${index}/${digest}/${expiresAt}`).digest();
  return Buffer.concat([time, sum]).toString('base64');
}

/** Whether a token names this block, and is not expired. */
export function isBlockToken(
  token: string | undefined,
  snapshotId: string,
  index: number,
  digest: string,
  now: number,
): boolean {
  const bytes = Buffer.from(token ?? '', 'base64');
  if (bytes.length < timeBytes) return false;
  const expiresAt = bytes.readUIntBE(0, timeBytes);
  return now < expiresAt && token === blockToken(snapshotId, index, digest, expiresAt);
}

interface IndexPage {
  /** What is listed: the operation and its snapshots. A token of another list is refused. */
  readonly list: readonly string[];
  readonly limit: number;
  readonly token: string | undefined;
  readonly startingAt: number | undefined;
  readonly now: number;
}

/**
 * One page of what is listed in the order of its block indexes. "If you specify NextToken, then StartingBlockIndex is
 * ignored." https://docs.aws.amazon.com/ebs/latest/APIReference/API_ListSnapshotBlocks.html
 * @throws ValidationException for a token of another list, or one that is expired
 */
export function pageByIndex<T>(
  items: readonly T[],
  indexOf: (item: T) => number,
  { list, limit, token, startingAt = 0, now }: IndexPage,
): { readonly items: readonly T[]; readonly nextToken: string | undefined } {
  const from = token === undefined ? startingAt : readPageToken(token, list, now);
  const rest = items.filter((item) => indexOf(item) >= from);
  const shown = rest.slice(0, limit);
  const next = rest[limit];
  return {
    items: shown,
    nextToken:
      next === undefined ? undefined : pageToken([...list, indexOf(next), Math.floor(now) + pageTokenLifeMs]),
  };
}

/** In the letters that EBS allows its tokens. */
function pageToken(parts: readonly (string | number)[]): string {
  return Buffer.from(parts.join(' ')).toString('base64');
}

/** @returns the index that the page begins at. */
function readPageToken(token: string, list: readonly string[], now: number): number {
  const parts = Buffer.from(token, 'base64').toString().split(' ');
  const [from, expiresAt] = parts.slice(list.length).map(Number);
  if (from === undefined || expiresAt === undefined || token !== pageToken([...list, from, expiresAt]))
    throw invalid('The page token is invalid', 'INVALID_PAGE_TOKEN');
  if (now >= expiresAt) throw invalid('The page token is expired', 'INVALID_PAGE_TOKEN');
  return from;
}
