/**
 * Conditional requests and ranges.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
 */
import { AwsError } from '../../service.ts';
import type { Version } from './state.ts';

export interface Preconditions {
  readonly IfMatch?: string | undefined;
  readonly IfNoneMatch?: string | undefined;
  readonly IfModifiedSince?: Date | undefined;
  readonly IfUnmodifiedSince?: Date | undefined;
  /** GET and HEAD answer 304 where other requests answer 412. */
  readonly reading?: boolean;
}

const bare = (etag: string): string => etag.replace(/^W\//, '').replaceAll('"', '');
const among = (list: string, etag: string): boolean =>
  list.split(',').some((one) => one.trim() === '*' || bare(one.trim()) === bare(etag));

/**
 * Judges a request by the version that it meets; a delete marker counts as nothing.
 * @throws AwsError PreconditionFailed (412), NoSuchKey (404), NotModified (304, for reads)
 */
export function failedPreconditions(found: Version | undefined, conditions: Preconditions): void {
  const version = found?.deleteMarker === true ? undefined : found;
  const { IfMatch, IfNoneMatch, IfModifiedSince, IfUnmodifiedSince } = conditions;
  const failed = (condition: string): AwsError =>
    new AwsError('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold', 412, {
      Condition: condition,
    });
  if (IfMatch !== undefined) {
    if (version === undefined) throw new AwsError('NoSuchKey', 'The specified key does not exist.', 404);
    if (!among(IfMatch, version.etag)) throw failed('If-Match');
  }
  if (version === undefined) return;
  if (IfUnmodifiedSince !== undefined && IfMatch === undefined && version.lastModified > IfUnmodifiedSince)
    throw failed('If-Unmodified-Since');
  if (IfNoneMatch !== undefined && among(IfNoneMatch, version.etag)) {
    if (conditions.reading !== true) throw failed('If-None-Match');
    throw new AwsError('NotModified', 'Not Modified', 304);
  }
  if (IfModifiedSince !== undefined && IfNoneMatch === undefined && version.lastModified <= IfModifiedSince) {
    if (conditions.reading !== true) throw failed('If-Modified-Since');
    throw new AwsError('NotModified', 'Not Modified', 304);
  }
}

/** What a copy says of its source. */
export function sourcePreconditions(input: {
  readonly CopySourceIfMatch?: string | undefined;
  readonly CopySourceIfNoneMatch?: string | undefined;
  readonly CopySourceIfModifiedSince?: Date | undefined;
  readonly CopySourceIfUnmodifiedSince?: Date | undefined;
}): Preconditions {
  return {
    IfMatch: input.CopySourceIfMatch,
    IfNoneMatch: input.CopySourceIfNoneMatch,
    IfModifiedSince: input.CopySourceIfModifiedSince,
    IfUnmodifiedSince: input.CopySourceIfUnmodifiedSince,
  };
}

/**
 * Reads one range of bytes; `end` is exclusive. A range that is not understood is ignored, as RFC 9110 wants it.
 * @throws AwsError InvalidRange (416)
 */
export function readRange(
  header: string | undefined,
  sizeBytes: number,
): { start: number; end: number } | undefined {
  const found = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (found === null || (found[1] === '' && found[2] === '')) return undefined;
  const last = found[2] === '' ? sizeBytes - 1 : Number(found[2]);
  const suffix = found[1] === '';
  const start = suffix ? Math.max(0, sizeBytes - Number(found[2])) : Number(found[1]);
  const end = suffix ? sizeBytes : Math.min(sizeBytes, last + 1);
  if (!suffix && found[2] !== '' && last < start) return undefined;
  if (start >= sizeBytes)
    throw new AwsError('InvalidRange', 'The requested range is not satisfiable', 416, {
      RangeRequested: header ?? '',
      ActualObjectSize: sizeBytes,
    });
  return { start, end };
}
