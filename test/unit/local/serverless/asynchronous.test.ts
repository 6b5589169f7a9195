import { afterEach, beforeEach, expect, it } from 'vitest';
import { VirtualClock } from '../../../../local/clock.ts';
import { createRegion, type Region } from '../../../../local/region.ts';
import { createFunction } from '../../../support/functions.ts';

let region: Region;
let clock: VirtualClock;
beforeEach(async () => {
  clock = new VirtualClock();
  region = await createRegion({ clock, seed: 1 });
  await createFunction(region, 'bad', "export const handler = async () => { throw new Error('no'); };");
});
afterEach(() => region.close());

/** Seconds after the event at which its function was begun. */
async function attempts(settings: object | undefined, meanwhile?: () => Promise<unknown>): Promise<number[]> {
  if (settings !== undefined)
    await region.call('lambda', 'PutFunctionEventInvokeConfig', { FunctionName: 'bad', ...settings });
  const start = clock.now();
  const seen: number[] = [];
  region.parts.lambda.faults.watch(() => {
    seen.push((clock.now() - start) / 1000);
    return undefined;
  });
  await region.call('lambda', 'Invoke', { FunctionName: 'bad', InvocationType: 'Event' });
  await meanwhile?.();
  await clock.advance(7 * 3_600_000);
  return seen.map(Math.floor);
}

// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
it.each([
  ['twice, after one and two more minutes', undefined, [0, 60, 180]],
  ['as often as was asked for', { MaximumRetryAttempts: 1 }, [0, 60]],
  ['never, if that was asked for', { MaximumRetryAttempts: 0 }, [0]],
  ['while it is young enough', { MaximumEventAgeInSeconds: 120 }, [0, 60]],
])('an event that failed is tried again %s', async (_when, settings, at) => {
  expect(await attempts(settings)).toEqual(at);
});

const reserveNothing = () =>
  region.call('lambda', 'PutFunctionConcurrency', { FunctionName: 'bad', ReservedConcurrentExecutions: 0 });

it('an event that comes while its function reserves no concurrency is lost', async () => {
  await reserveNothing();
  expect(
    await attempts(undefined, () =>
      region.call('lambda', 'DeleteFunctionConcurrency', { FunctionName: 'bad' }),
    ),
  ).toEqual([]);
});

it('an event is kept for six hours while its function is throttled, with pauses of at most five minutes', async () => {
  const throttled = async (hours: number): Promise<number[]> => {
    clock.after(hours * 3_600_000, () => {
      void region.call('lambda', 'DeleteFunctionConcurrency', { FunctionName: 'bad' });
    });
    return attempts({ MaximumRetryAttempts: 0 }, reserveNothing);
  };
  const [at] = await throttled(4.81);
  expect(at).toBeGreaterThanOrEqual(4.81 * 3600);
  expect(at).toBeLessThanOrEqual(4.81 * 3600 + 300);
  expect(await throttled(6.5)).toEqual([]);
});

it('the settings of asynchronous invocations tell when they were made', async () => {
  const madeAt = new Date(clock.now());
  const settings = { FunctionName: 'bad', MaximumRetryAttempts: 1 };
  expect(await region.call('lambda', 'PutFunctionEventInvokeConfig', settings)).toMatchObject({
    LastModified: madeAt,
  });
  await clock.advance(3_600_000);
  const found = await region.call('lambda', 'GetFunctionEventInvokeConfig', { FunctionName: 'bad' });
  expect(found).toMatchObject({ LastModified: madeAt });
});
