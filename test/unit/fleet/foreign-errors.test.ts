/** Failures that AWS names, not we: a person reads what they mean for a rollout, and whose turn it is. */
import { describe, expect, it } from 'vitest';
import { errorCatalogue } from '../../../src/errors.ts';
import {
  blamesRelease,
  endedAs,
  explainError,
  type Failure,
  failureOf,
  splitDetails,
  withConsole,
} from '../../../src/fleet/failure-card.ts';

const tooLong = {
  title: 'A step took longer than it may',
  advice: 'Look at that function in CloudWatch Logs, and deploy again.',
};
const notEvaluated = {
  title: 'The state machine could not evaluate a step',
  advice: 'This is a fault of the control plane: keep the execution, and report it.',
};
const noAnswer = {
  title: 'A function of the control plane did not answer',
  advice: 'Look at that function in CloudWatch Logs, and deploy again.',
};
const unknown = {
  title: 'The control plane failed',
  advice: 'Read the history of this execution; it is a fault of the control plane.',
};

describe('an error that AWS named', () => {
  it.each([
    ['States.Timeout', tooLong],
    ['States.HeartbeatTimeout', tooLong],
    ['States.QueryEvaluationError', notEvaluated],
    ['States.Runtime', notEvaluated],
    ['States.DataLimitExceeded', notEvaluated],
    ['States.ParameterPathFailure', notEvaluated],
    ['States.ResultPathMatchFailure', notEvaluated],
    ['States.TaskFailed', noAnswer],
    ['Lambda.Unknown', noAnswer],
    ['Lambda.TooManyRequestsException', noAnswer],
    ['Sandbox.Timedout', noAnswer],
    ['Runtime.ExitError', noAnswer],
  ])('%s is explained', (name, words) => {
    expect(explainError(name)).toEqual(words);
  });

  it.each([
    'TypeError',
    'MyStates.Timeout',
    'States.TimeoutOfAnotherKind',
    'StatesXTimeout',
    'OurStates.Runtime',
    'MyLambda.Unknown',
    'LambdaX',
    'MySandbox.Timedout',
    'SandboxX',
    'MyRuntime.ExitError',
    'RuntimeX',
    'MyStates.TaskFailed',
    'StatesXTaskFailed',
    'toString',
  ])('is not taken for another one: %s', (name) => {
    expect(explainError(name)).toEqual(unknown);
  });

  it('is not one of ours, which explain themselves', () => {
    expect(explainError('SmokeTestFailed')).toEqual(errorCatalogue.SmokeTestFailed);
  });
});

describe('a release that failed', () => {
  const atFault = [
    'CandidateUnhealthy',
    'CandidateLaunchFailed',
    'SmokeTestFailed',
    'HookRefused',
    'AlarmRang',
  ];
  const failure = (name: string, message = 'm', whys: readonly string[] = []): Failure => ({
    name,
    message,
    details: {
      launches: whys.map((why) => ({
        activity: 'a',
        at: '2026-01-01T00:00:00.000Z',
        what: 'Launching a new EC2 instance',
        why,
      })),
    },
  });

  it.each(atFault)('is to blame for %s, and not where it served before and came back', (name) => {
    expect(blamesRelease(failure(name), 'deploy')).toBe(true);
    expect(blamesRelease(failure(name), 'rollback')).toBe(false);
  });
  it('is not to blame for what it could not help', () => {
    for (const name of [...Object.keys(errorCatalogue), ''])
      expect(blamesRelease(failure(name), 'deploy'), name).toBe(atFault.includes(name));
  });

  const noRoom = [
    'We currently do not have enough CAPACITY in the Availability Zone you requested',
    'VcpuLimit: your current vCPU limit of 32 allows no more',
    'The quota is used up',
    'Max spot instance count exceeded',
    'There are insufficient free addresses in the subnet',
  ];
  it.each(noRoom)('is not to blame where there was no room for any: %s', (why) => {
    expect(blamesRelease(failure('CandidateLaunchFailed', 'it failed', [why]), 'deploy')).toBe(false);
    expect(blamesRelease(failure('CandidateLaunchFailed', why), 'deploy')).toBe(false);
    expect(blamesRelease({ name: 'CandidateLaunchFailed', message: why, details: {} }, 'deploy')).toBe(false);
    // Of an instance that ran, such words say nothing.
    expect(blamesRelease(failure('CandidateUnhealthy', why, [why]), 'deploy')).toBe(true);
  });
  it('is to blame where one launch failed for another reason', () => {
    const image = "The image id '[ami-1]' does not exist";
    const [first = ''] = noRoom;
    expect(blamesRelease(failure('CandidateLaunchFailed', first, [first, image]), 'deploy')).toBe(true);
    expect(blamesRelease(failure('CandidateLaunchFailed', image), 'deploy')).toBe(true);
  });
  it('was ended by a person, whichever word that person gave', () => {
    expect(endedAs('GateRejected', true)).toBe('aborted');
    expect(endedAs('GateAborted', true)).toBe('aborted');
    expect(endedAs('', true)).toBe('failed');
  });
});

describe('the details behind a sentence', () => {
  it.each([
    ['It broke.', 'It broke.', {}],
    ['  It broke.  ', 'It broke.', {}],
    ['It broke.  {"a":1}', 'It broke.', { a: 1 }],
    [' {"a":1}', '', { a: 1 }],
    ['{"a":1}', '{"a":1}', {}],
    ['a {b} c {"d":{"e":1}}', 'a {b} c', { d: { e: 1 } }],
    ['a {"b":1} c', 'a {"b":1} c', {}],
    ['a {"b": {"c":1}}', 'a', { b: { c: 1 } }],
  ])('of %j are found', (text, message, details) => {
    expect(splitDetails(text)).toEqual({ message, details });
  });
});

describe('the words of a hook', () => {
  const odd = 'no "main" \\ {"a":1}\nat all';
  const thrown = 'The hook after traffic failed: Exception: ';
  it.each([
    [
      `${thrown}{"errorMessage":"schema 41 is missing","errorType":"Exception"}`,
      `${thrown}schema 41 is missing`,
    ],
    [
      `${thrown}${JSON.stringify({ errorType: 'Error', errorMessage: odd, trace: ['Err'] }).slice(0, -4)}`,
      thrown + odd,
    ],
    [`${thrown}{"errorMessage":"","errorType":"E"}`, thrown.trim()],
    // Cut in the midst of the message, not what Lambda answers, and not JSON.
    [`${thrown}{"errorMessage":"schema 41 is mis`, `${thrown}{"errorMessage":"schema 41 is mis`],
    [`${thrown}{"message":"no"}`, `${thrown}{"message":"no"}`],
    [`${thrown}{"errorMessage":"a\\x"}`, `${thrown}{"errorMessage":"a\\x"}`],
    [' gave no answer within 5 s ', 'gave no answer within 5 s'],
  ])('that failed are told: %j', (text, message) => {
    expect(failureOf('HookFailed', text)).toEqual({ name: 'HookFailed', message, details: {} });
  });
  it('that refused are told as they are', () => {
    const words = 'The hook before traffic refused: suite says {"errorMessage":"x","failed":["login"]}';
    expect(failureOf('HookRefused', ` ${words} `)).toEqual({
      name: 'HookRefused',
      message: words,
      details: {},
    });
  });
  it('are told from the details of our own functions', () => {
    expect(failureOf('AlarmRang', 'It rings. {"errorMessage":"x"}')).toEqual({
      name: 'AlarmRang',
      message: 'It rings.',
      details: { errorMessage: 'x' },
    });
  });
});

describe('the sentence with the console', () => {
  it('has the last lines of the instance below it', () => {
    const details = { instance: 'i-1', console: 'one\ntwo' };
    expect(withConsole({ message: 'It broke.', details })).toEqual([
      'It broke.',
      'Last console lines of i-1:',
      '  one',
      '  two',
    ]);
  });
  it.each([
    undefined,
    {},
    { instance: 'i-1' },
    { instance: 'i-1', console: '' },
    { instance: 'i-1', console: 7 },
    { instance: 7, console: 'one' },
    { console: 'one' },
  ])('stands alone with the details %j', (details) => {
    expect(withConsole({ message: 'It broke.', ...(details === undefined ? {} : { details }) })).toEqual([
      'It broke.',
    ]);
  });
});
