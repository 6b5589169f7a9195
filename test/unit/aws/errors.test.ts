import { describe, expect, it } from 'vitest';
import { errorCode, hasCode, isNotFound, isRetryable, isThrottling } from '../../../src/aws/errors.ts';

const named = (name: string, more: object = {}) => Object.assign(new Error(name), { name }, more);

describe("what AWS's errors mean", () => {
  it.each([
    named('RequestLimitExceeded'),
    named('ThrottlingException'),
    named('SlowDown'),
    named('ConcurrentLimitExceededException', { $fault: 'client' }),
    named('Whatever', { $metadata: { httpStatusCode: 429 } }),
    named('Whatever', { $metadata: { httpStatusCode: 503 } }),
    named('Whatever', { $fault: 'server' }),
    named('Error', { code: 'ECONNRESET' }),
    named('Error', { cause: named('Error', { code: 'ETIMEDOUT' }) }),
    named('TimeoutError'),
  ])('%o is worth another try', (error) => {
    expect(isRetryable(error)).toBe(true);
  });

  it.each([
    named('UnauthorizedOperation', { $metadata: { httpStatusCode: 403 } }),
    named('InvalidAMIID.NotFound', { $fault: 'client' }),
    named('ValidationException'),
    'text',
    undefined,
  ])('%o is not', (error) => {
    expect(isRetryable(error)).toBe(false);
  });

  it('tells throttling from other trouble', () => {
    expect(isThrottling(named('RequestLimitExceeded'))).toBe(true);
    expect(isThrottling(named('InternalError'))).toBe(false);
  });

  it.each([
    'InvalidAMIID.NotFound',
    'NoSuchKey',
    'ExecutionDoesNotExist',
    'TargetGroupNotFound',
    'InvalidSnapshot.NotFound',
  ])('%s means that there is none', (code) => expect(isNotFound(named(code))).toBe(true));

  it('matches by code, however the service carries it', () => {
    expect(errorCode(named('Error', { Code: 'RuleNotFound' }))).toBe('RuleNotFound');
    expect(hasCode(named('NoSuchKey'), 'NoSuchVersion', 'NoSuchKey')).toBe(true);
    expect(hasCode('NoSuchKey', 'NoSuchKey')).toBe(false);
  });
});
