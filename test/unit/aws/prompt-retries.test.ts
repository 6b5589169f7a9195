import { afterEach, expect, it, vi } from 'vitest';
import { PromptRetries, triesWithinMilliseconds } from '../../../src/aws/clients/prompt-retries.ts';

const throttled = { errorType: 'THROTTLING' } as const;

afterEach(() => {
  vi.useRealTimers();
});

async function tryAfter(milliseconds: number): Promise<'again' | 'given up'> {
  vi.useFakeTimers();
  const retries = new PromptRetries(4);
  const first = await retries.acquireInitialRetryToken('scope');
  vi.setSystemTime(Date.now() + milliseconds);
  const next = retries.refreshRetryTokenForRetry(first, throttled).then(
    () => 'again' as const,
    () => 'given up' as const,
  );
  await vi.runAllTimersAsync();
  return next;
}

it('tries again soon after the first try', async () => {
  expect(await tryAfter(0)).toBe('again');
  expect(await tryAfter(triesWithinMilliseconds)).toBe('again');
});

it('gives up what did not answer for longer, as after a timeout', async () => {
  expect(await tryAfter(triesWithinMilliseconds + 1)).toBe('given up');
  expect(await tryAfter(20_000)).toBe('given up');
});

it('counts from the first try, not from the last', async () => {
  vi.useFakeTimers();
  const retries = new PromptRetries(4);
  const first = await retries.acquireInitialRetryToken('scope');
  vi.setSystemTime(Date.now() + 3_000);
  const second = retries.refreshRetryTokenForRetry(first, throttled);
  await vi.runAllTimersAsync();
  vi.setSystemTime(Date.now() + 3_000);
  await expect(retries.refreshRetryTokenForRetry(await second, throttled)).rejects.toThrow('Too late');
});
