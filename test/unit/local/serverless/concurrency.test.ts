/** Reserved concurrency: what it keeps for a function, from the others and from itself. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../../local/clock.ts';
import { createRegion, type Region } from '../../../../local/region.ts';
import { throttleReason } from '../../../../local/services/lambda/concurrency.ts';
import { createFunction } from '../../../support/functions.ts';

const reserved = 'ReservedFunctionConcurrentInvocationLimitExceeded';
const shared = 'ConcurrentInvocationLimitExceeded';
const usage = (running: number, reservedConcurrency?: number) => ({ running, reservedConcurrency });

describe('an invocation', () => {
  it.each([
    ['of a function with all that it reserved in use', usage(5, 5), [], reserved],
    ['of a function with some that it reserved left', usage(4, 5), [], undefined],
    [
      'of a function that reserved some, while the others use all of theirs',
      usage(4, 5),
      [usage(995)],
      undefined,
    ],
    ['of a function without, while all thousand are in use', usage(999), [usage(1)], shared],
    [
      'of a function without, where what others reserved is all that is left',
      usage(895),
      [usage(0, 105)],
      shared,
    ],
    ['of a function without, where others use what they reserved', usage(894), [usage(105, 105)], undefined],
    ['of a function that may never run', usage(0, 0), [], reserved],
  ])('%s', (_, asked, others, reason) => {
    expect(throttleReason(asked, [asked, ...others])).toBe(reason);
  });
});

describe('a reservation', () => {
  let region: Region;

  beforeAll(async () => {
    region = await createRegion({ clock: new VirtualClock(), seed: 1 });
    for (const name of ['one', 'two']) await createFunction(region, name, 'export const handler = () => 1;');
  });
  afterAll(() => region.close());

  const reserve = (FunctionName: string, ReservedConcurrentExecutions: number) =>
    region.call('lambda', 'PutFunctionConcurrency', { FunctionName, ReservedConcurrentExecutions });

  it('leaves a hundred to the functions without one', async () => {
    const refusal = {
      name: 'InvalidParameterValueException',
      message:
        "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].",
    };
    await expect(reserve('one', 901)).rejects.toMatchObject(refusal);
    await reserve('one', 900);
    await expect(reserve('two', 1)).rejects.toMatchObject(refusal);
    await reserve('two', 0);
    await reserve('one', 800);
    await reserve('two', 100);
  });

  it('says so in the refusal of an invocation', async () => {
    await reserve('two', 0);
    await expect(region.call('lambda', 'Invoke', { FunctionName: 'two' })).rejects.toMatchObject({
      name: 'TooManyRequestsException',
      fields: { Reason: reserved },
    });
  });
});
