import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { answering } from '../../../src/aws/calls.ts';
import { errorCatalogue, FlotillaError } from '../../../src/errors.ts';
import { readCaughtError, toLambdaError } from '../../../src/runtime/failure.ts';

describe('an error that leaves a function', () => {
  it('says what happened, what to do, and what to look at', () => {
    const error = toLambdaError(
      new FlotillaError('KernelNotFound', 'The store has no kernel bundle 9', { version: '9' }),
    );
    expect(error.name).toBe('KernelNotFound');
    expect(error.message).toBe(
      'The store has no kernel bundle 9. Add one: flotilla kernel add ~/.ops/<version>, or name another version in image.kernel. {"version":"9"}',
    );
  });

  it('is AwsUnavailable where AWS asks to come back later', () => {
    const throttled = Object.assign(new Error('Rate exceeded'), { name: 'RequestLimitExceeded' });
    expect(toLambdaError(throttled).name).toBe('AwsUnavailable');
  });

  it('is RequestInvalid where the event does not fit', () => {
    const parsed = z.strictObject({ a: z.string() }).safeParse({ b: 1 });
    expect(toLambdaError(parsed.error).name).toBe('RequestInvalid');
  });

  it.each([
    ['InvalidSnapshot.NotFound', 'AwsRefused'],
    ['ValidationException', 'AwsRefused'],
    ['UnauthorizedOperation', 'AwsDenied'],
    ['AccessDeniedException', 'AwsDenied'],
    ['ServiceQuotaExceededException', 'QuotaReached'],
  ] as const)('is named where AWS answers %s, which no other try would change', (code, name) => {
    const refused = Object.assign(new Error('It does not exist'), {
      name: code,
      $fault: 'client',
      $metadata: { httpStatusCode: 400, requestId: 'r-1' },
    });
    const input = { SnapshotId: 'snap-1', Description: 'secret' };
    const error = toLambdaError(answering(refused, 'ec2:RegisterImage', input));
    expect(error.name).toBe(name);
    expect(error.message).toBe(
      `AWS refuses ec2:RegisterImage with ${code}: It does not exist. ${errorCatalogue[name].advice} {"snapshotId":"snap-1","action":"ec2:RegisterImage","code":"${code}","awsRequestId":"r-1"}`,
    );
  });

  it('keeps its own name where it is a fault of the code', () => {
    const fault = new TypeError('no');
    expect(toLambdaError(fault)).toBe(fault);
    expect(toLambdaError('text').message).toBe('text');
  });
});

describe('an error that a state machine caught', () => {
  it('is taken apart again into sentence and advice', () => {
    const error = toLambdaError(new FlotillaError('ArtifactEmpty', 'The file holds no byte.', { size: 0 }));
    const Cause = JSON.stringify({ errorType: error.name, errorMessage: error.message, trace: [] });
    expect(readCaughtError({ Error: error.name, Cause })).toEqual({
      name: 'ArtifactEmpty',
      message: 'The file holds no byte. {"size":0}',
      advice: 'Upload the built binary; check that the build wrote it.',
    });
  });

  it('is told as it is where Step Functions raised it', () => {
    const told = readCaughtError({ Error: 'States.Timeout', Cause: '' });
    expect(told).toMatchObject({ name: 'States.Timeout', message: 'States.Timeout' });
    expect(told.advice).not.toBe('');
  });
});
