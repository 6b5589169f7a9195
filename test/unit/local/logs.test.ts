/** CloudWatch Logs: events have a time of their own, by which they are taken, rejected and shown. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../local/clock.ts';
import { createRegion, type Region } from '../../../local/region.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const stream = { logGroupName: 'shop', logStreamName: 'web' };

let region: Region;
let now: number;

beforeEach(async () => {
  const clock = new VirtualClock();
  now = clock.now();
  region = await createRegion({ clock, seed: 1 });
  await call('CreateLogGroup', { logGroupName: 'shop' });
  await call('CreateLogStream', stream);
});
afterEach(() => region.close());

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into freely
const call = (operation: string, input: object): Promise<any> => region.call('logs', operation, input);
/** Events so many milliseconds from now. */
const put = (...offsets: number[]) =>
  call('PutLogEvents', {
    ...stream,
    logEvents: offsets.map((offset) => ({ timestamp: now + offset, message: `${offset}` })),
  });
const messages = ({ events }: { events: { message: string }[] }) => events.map(({ message }) => message);
const get = (more: object) => call('GetLogEvents', { ...stream, ...more });

describe('a batch', () => {
  it.each<[string, number[], number[], object | undefined]>([
    ['in time', [-day + 2 * hour, 2 * hour], [-day + 2 * hour, 2 * hour], undefined],
    [
      'with events too far ahead',
      [0, 2 * hour, 2 * hour + 1],
      [0, 2 * hour],
      { tooNewLogEventStartIndex: 2 },
    ],
    [
      'with events too old',
      [-15 * day, -14 * day - 1, -14 * day],
      [-14 * day],
      { tooOldLogEventEndIndex: 2 },
    ],
    [
      'with events of which none is in time',
      [-15 * day, 3 * hour],
      [],
      { tooOldLogEventEndIndex: 1, tooNewLogEventStartIndex: 1 },
    ],
  ])('%s keeps those that are in time, and tells the others', async (_, offsets, kept, rejected) => {
    expect((await put(...offsets)).rejectedLogEventsInfo).toEqual(rejected);
    expect(messages(await get({ startFromHead: true }))).toEqual(kept.map(String));
  });

  it('loses what is older than its group keeps', async () => {
    await call('PutRetentionPolicy', { logGroupName: 'shop', retentionInDays: 1 });
    expect((await put(-15 * day, -2 * day, -hour)).rejectedLogEventsInfo).toEqual({
      tooOldLogEventEndIndex: 1,
      expiredLogEventEndIndex: 2,
    });
    expect(messages(await get({}))).toEqual([`${-hour}`]);
  });

  it.each([
    ['spans more than a day', [-day - 1, 0]],
    ['is not in the order of time', [0, -1]],
  ])('that %s is refused', async (_, offsets) => {
    await expect(put(...offsets)).rejects.toMatchObject({ name: 'InvalidParameterException' });
  });
});

describe('events that came late', () => {
  beforeEach(async () => {
    await put(-2 * minute, 0);
    await put(-3 * minute, -minute);
  });
  const ordered = [-3, -2, -1, 0].map((at) => `${at * minute}`);

  it('are read in the order of their times, page by page in both ways', async () => {
    const first = await get({ startFromHead: true, limit: 2 });
    expect(messages(first)).toEqual(ordered.slice(0, 2));
    const second = await get({ startFromHead: true, limit: 2, nextToken: first.nextForwardToken });
    expect(messages(second)).toEqual(ordered.slice(2));
    const end = await get({ startFromHead: true, limit: 2, nextToken: second.nextForwardToken });
    expect(end).toMatchObject({ events: [], nextForwardToken: second.nextForwardToken });
    expect(messages(await get({ limit: 2, nextToken: second.nextBackwardToken }))).toEqual(
      ordered.slice(0, 2),
    );
    expect(messages(await get({ limit: 3 }))).toEqual(ordered.slice(1));
  });

  it('do not hide which are the first and the last of a stream, nor which stream is the latest', async () => {
    await call('CreateLogStream', { logGroupName: 'shop', logStreamName: 'early' });
    const logEvents = [{ timestamp: now - 30_000, message: 'x' }];
    await call('PutLogEvents', { logGroupName: 'shop', logStreamName: 'early', logEvents });
    const { logStreams } = await call('DescribeLogStreams', {
      logGroupName: 'shop',
      orderBy: 'LastEventTime',
      descending: true,
    });
    expect(logStreams).toMatchObject([
      { logStreamName: 'web', firstEventTimestamp: now - 3 * minute, lastEventTimestamp: now },
      { logStreamName: 'early' },
    ]);
  });
});
