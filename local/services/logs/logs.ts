import type {
  CreateLogGroupRequest,
  CreateLogStreamRequest,
  DescribeLogGroupsRequest,
  DescribeLogStreamsRequest,
  FilteredLogEvent,
  FilterLogEventsRequest,
  GetLogEventsRequest,
  PutLogEventsRequest,
  PutRetentionPolicyRequest,
} from '@aws-sdk/client-cloudwatch-logs';
import { arn, type Context } from '../../context.ts';
import { type Access, AwsError, type Operations, type Service } from '../../service.ts';
import type { Persistent } from '../../state/persistent.ts';
import { page } from '../paging.ts';
import { onlySupported } from '../supported.ts';
import { filterOf } from './filter-pattern.ts';
import { type LogGroup, type LogLine, LogStore, type LogStream } from './log-store.ts';
import { byTime, firstFrom, type Place, placeAfter, sift } from './timely.ts';

/** What other services use of the logs. */
export interface Logs {
  readonly service: Service;
  readonly persistent: Persistent;
  /** Adds lines, dated now; makes group and stream where they are missing. */
  append(group: string, stream: string, messages: readonly string[]): void;
  /** All that is kept of a group, in order of arrival: for the region's own pages and for tests. */
  messages(group: string): readonly string[];
}

// https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
const retentionDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

const badToken = (): AwsError =>
  new AwsError('InvalidParameterException', 'The specified nextToken is invalid.');
const nameOf = (identifier: string | undefined): string | undefined =>
  identifier?.replace(/^arn:aws:logs:[^:]+:\d{12}:log-group:/, '').replace(/:\*$/, '');

/** CloudWatch Logs in memory: groups, streams, events; no subscriptions, no queries. */
export function createLogs(context: Context): Logs {
  const store = new LogStore(context);

  const onGroup =
    (action: string) =>
    (input: { logGroupName?: string | undefined; logGroupIdentifier?: string | undefined }): Access[] => [
      {
        action: `logs:${action}`,
        resources: [
          arn(
            context,
            'logs',
            `log-group:${input.logGroupName ?? nameOf(input.logGroupIdentifier) ?? '*'}:*`,
          ),
        ],
      },
    ];

  const operations: Operations = {
    CreateLogGroup: {
      access: onGroup('CreateLogGroup'),
      run(input: CreateLogGroupRequest) {
        onlySupported('CreateLogGroup', input, ['logGroupName', 'tags'], 'InvalidParameterException');
        const group = store.createGroup(input.logGroupName ?? '');
        for (const [key, value] of Object.entries(input.tags ?? {})) group.tags.set(key, value);
        return {};
      },
    },
    DeleteLogGroup: {
      access: onGroup('DeleteLogGroup'),
      run(input: { logGroupName?: string }) {
        store.groups.delete(store.group(input.logGroupName).name);
        return {};
      },
    },
    PutRetentionPolicy: {
      access: onGroup('PutRetentionPolicy'),
      run(input: PutRetentionPolicyRequest) {
        const group = store.group(input.logGroupName);
        const days = input.retentionInDays;
        if (days === undefined || !retentionDays.includes(days)) {
          throw new AwsError(
            'InvalidParameterException',
            `retentionInDays must be one of ${retentionDays.join(', ')}.`,
          );
        }
        group.retentionDays = days;
        return {};
      },
    },
    CreateLogStream: {
      access: onGroup('CreateLogStream'),
      run(input: CreateLogStreamRequest) {
        store.createStream(store.group(input.logGroupName), input.logStreamName ?? '');
        return {};
      },
    },
    PutLogEvents: {
      access: onGroup('PutLogEvents'),
      run(input: PutLogEventsRequest) {
        const group = store.group(input.logGroupName);
        const stream = store.stream(group, input.logStreamName);
        const events = (input.logEvents ?? []).map(({ timestamp = 0, message = '' }) => ({
          timestamp,
          message,
        }));
        if (events.length === 0 || events.length > 10_000) {
          throw new AwsError('InvalidParameterException', 'A batch has from 1 to 10000 log events.');
        }
        const { valid, rejectedLogEventsInfo } = sift(events, context.clock.now(), group.retentionDays);
        store.put(group, stream, valid);
        return { nextSequenceToken: String(stream.lines.length), rejectedLogEventsInfo };
      },
    },
    DescribeLogGroups: {
      access: () => [{ action: 'logs:DescribeLogGroups', resources: [arn(context, 'logs', 'log-group:*')] }],
      run(input: DescribeLogGroupsRequest) {
        onlySupported(
          'DescribeLogGroups',
          input,
          ['logGroupNamePrefix', 'logGroupNamePattern', 'limit', 'nextToken'],
          'InvalidParameterException',
        );
        const pattern = input.logGroupNamePattern?.toLowerCase();
        const found = [...store.groups.values()]
          .filter(({ name }) => name.startsWith(input.logGroupNamePrefix ?? ''))
          .filter(({ name }) => pattern === undefined || name.toLowerCase().includes(pattern))
          .sort((a, b) => (a.name < b.name ? -1 : 1));
        const shown = page(found, ({ name }) => name, input.limit ?? 50, input.nextToken, badToken);
        return {
          logGroups: shown.items.map((group) => ({
            logGroupName: group.name,
            arn: `${group.arn}:*`,
            logGroupArn: group.arn,
            creationTime: group.createdAt,
            ...(group.retentionDays !== undefined && { retentionInDays: group.retentionDays }),
            metricFilterCount: 0,
            storedBytes: [...group.streams.values()].reduce((sum, { bytes }) => sum + bytes, 0),
          })),
          nextToken: shown.nextToken,
        };
      },
    },
    DescribeLogStreams: {
      access: onGroup('DescribeLogStreams'),
      run(input: DescribeLogStreamsRequest) {
        const group = store.group(input.logGroupName ?? nameOf(input.logGroupIdentifier));
        const last = (name: string): number => lastOf(store.stream(group, name))?.timestamp ?? 0;
        const names = [...group.streams.keys()]
          .filter((name) => name.startsWith(input.logStreamNamePrefix ?? ''))
          .sort((a, b) => (input.orderBy === 'LastEventTime' ? last(a) - last(b) : a < b ? -1 : 1));
        if (input.descending) names.reverse();
        const shown = page(names, (name) => name, input.limit ?? 50, input.nextToken, badToken);
        return {
          logStreams: shown.items.map((name) => {
            const stream = store.stream(group, name);
            const [first] = inTime(stream);
            const latest = lastOf(stream);
            return {
              logStreamName: name,
              arn: `${group.arn}:log-stream:${name}`,
              creationTime: stream.createdAt,
              ...(first && { firstEventTimestamp: first.timestamp }),
              ...(latest && {
                lastEventTimestamp: latest.timestamp,
                lastIngestionTime: stream.lines.at(-1)?.ingestionTime,
              }),
              storedBytes: 0,
            };
          }),
          nextToken: shown.nextToken,
        };
      },
    },
    FilterLogEvents: {
      access: onGroup('FilterLogEvents'),
      run(input: FilterLogEventsRequest) {
        onlySupported(
          'FilterLogEvents',
          input,
          [
            'logGroupName',
            'logGroupIdentifier',
            'logStreamNames',
            'logStreamNamePrefix',
            'startTime',
            'endTime',
            'filterPattern',
            'nextToken',
            'limit',
            'interleaved',
          ],
          'InvalidParameterException',
        );
        const group = store.group(input.logGroupName ?? nameOf(input.logGroupIdentifier));
        const matches = filterOf(input.filterPattern);
        const found: FilteredLogEvent[] = linesOf(group)
          .filter(({ stream }) => input.logStreamNames?.includes(stream) ?? true)
          .filter(({ stream }) => stream.startsWith(input.logStreamNamePrefix ?? ''))
          .filter(({ line }) => within(line, input) && matches(line.message))
          .map(({ stream, line }) => ({
            logStreamName: stream,
            timestamp: line.timestamp,
            message: line.message,
            ingestionTime: line.ingestionTime,
            eventId: String(line.order).padStart(56, '0'),
          }));
        const shown = page(
          found,
          ({ eventId }) => eventId ?? '',
          input.limit ?? 10_000,
          input.nextToken,
          badToken,
        );
        return { events: [...shown.items], searchedLogStreams: [], nextToken: shown.nextToken };
      },
    },
    GetLogEvents: {
      access: onGroup('GetLogEvents'),
      run(input: GetLogEventsRequest) {
        const group = store.group(input.logGroupName ?? nameOf(input.logGroupIdentifier));
        const all = inTime(store.stream(group, input.logStreamName)).filter((line) => within(line, input));
        const limit = input.limit ?? 10_000;
        const [direction, at] = readToken(input.nextToken);
        let start = input.startFromHead ? 0 : Math.max(0, all.length - limit);
        if (direction === 'f') start = firstFrom(all, at);
        if (direction === 'b') start = Math.max(0, firstFrom(all, at) - limit);
        const shown =
          direction === 'b' ? all.slice(start, firstFrom(all, at)) : all.slice(start, start + limit);
        const [first] = shown;
        const end = shown.at(-1);
        return {
          events: shown.map(({ timestamp, message, ingestionTime }) => ({
            timestamp,
            message,
            ingestionTime,
          })),
          // At the end of the stream the token stays the same, by which clients know that they are there.
          nextForwardToken: token('f', end === undefined ? at : placeAfter(end)),
          nextBackwardToken: token('b', first ?? at),
        };
      },
    },
  };

  return {
    service: { id: 'logs', operations },
    persistent: { name: 'logs', version: 1, collections: store.collections() },
    append(groupName, streamName, messages) {
      const group = store.groups.get(groupName) ?? store.createGroup(groupName);
      const stream = group.streams.get(streamName) ?? store.createStream(group, streamName);
      const timestamp = context.clock.now();
      store.put(
        group,
        stream,
        messages.map((message) => ({ timestamp, message })),
      );
    },
    messages(groupName) {
      const group = store.groups.get(groupName);
      return group === undefined ? [] : linesOf(group).map(({ line }) => line.message);
    },
  };
}

function linesOf(group: LogGroup): { stream: string; line: LogLine }[] {
  return [...group.streams.values()]
    .flatMap((stream) => stream.lines.map((line) => ({ stream: stream.name, line })))
    .sort((a, b) => byTime(a.line, b.line));
}

/** Lines are kept as they came. */
function inTime(stream: LogStream): LogLine[] {
  return [...stream.lines].sort(byTime);
}

function lastOf({ lines: [first, ...rest] }: LogStream): LogLine | undefined {
  return rest.reduce((last, line) => (last === undefined || byTime(last, line) < 0 ? line : last), first);
}

function within(
  line: LogLine,
  input: { startTime?: number | undefined; endTime?: number | undefined },
): boolean {
  return (
    line.timestamp >= (input.startTime ?? 0) && line.timestamp < (input.endTime ?? Number.POSITIVE_INFINITY)
  );
}

function token(direction: 'f' | 'b', { timestamp, order }: Place): string {
  return `${direction}/${timestamp}/${order}`;
}

function readToken(token: string | undefined): [string, Place] {
  if (token === undefined) return ['', { timestamp: 0, order: 0 }];
  const found = /^([fb])\/([\d.]+)\/(\d+)$/.exec(token);
  if (found === null) throw badToken();
  return [found[1] ?? '', { timestamp: Number(found[2]), order: Number(found[3]) }];
}
