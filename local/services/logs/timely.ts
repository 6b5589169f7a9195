/** Events and lines by their own time, which need not be that of their arrival. */
import type { PutLogEventsResponse } from '@aws-sdk/client-cloudwatch-logs';
import { AwsError } from '../../service.ts';
import type { LogLine } from './log-store.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const bounds = { futureMs: 2 * hourMs, pastMs: 14 * dayMs, spanMs: dayMs };

interface Timed {
  readonly timestamp: number;
}

/**
 * "Events more than 2 hours in the future", those "older than 14 days or preceding the log group's retention period are
 * rejected while processing remaining valid events", which may not span more than 24 hours.
 * https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
 * @throws InvalidParameterException
 */
export function sift<E extends Timed>(
  events: readonly E[],
  now: number,
  retentionDays: number | undefined,
): { readonly valid: readonly E[] } & Pick<PutLogEventsResponse, 'rejectedLogEventsInfo'> {
  if (events.some((event, index) => event.timestamp < (events[index - 1]?.timestamp ?? 0))) {
    throw invalid('Log events in a single PutLogEvents request must be in chronological order.');
  }
  const before = (time: number): number => events.filter(({ timestamp }) => timestamp < time).length;
  const old = before(now - bounds.pastMs);
  const expired = retentionDays === undefined ? 0 : before(now - retentionDays * dayMs);
  const fresh = before(now + bounds.futureMs + 1);
  const valid = events.slice(Math.max(old, expired), fresh);
  if ((valid.at(-1)?.timestamp ?? 0) - (valid[0]?.timestamp ?? 0) > bounds.spanMs) {
    throw invalid('The batch of log events in a single PutLogEvents request cannot span more than 24 hours.');
  }
  if (valid.length === events.length) return { valid };
  return {
    valid,
    rejectedLogEventsInfo: {
      ...(fresh < events.length && { tooNewLogEventStartIndex: fresh }),
      ...(old > 0 && { tooOldLogEventEndIndex: old }),
      ...(expired > old && { expiredLogEventEndIndex: expired }),
    },
  };
}

export function byTime(one: LogLine, other: LogLine): number {
  return one.timestamp - other.timestamp || one.order - other.order;
}

/** A place between lines in the order of their times: before the line of this time and number. */
export type Place = Pick<LogLine, 'timestamp' | 'order'>;

export function placeAfter({ timestamp, order }: Place): Place {
  return { timestamp, order: order + 1 };
}

/** The index of the first line behind a place. */
export function firstFrom(lines: readonly LogLine[], { timestamp, order }: Place): number {
  const found = lines.findIndex(
    (line) => line.timestamp > timestamp || (line.timestamp === timestamp && line.order >= order),
  );
  return found < 0 ? lines.length : found;
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterException', message);
}
