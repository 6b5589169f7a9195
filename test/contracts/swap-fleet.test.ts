import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { errorCatalogue } from '../../src/errors.ts';
import { longestFunctionSeconds } from '../../src/runtime/rollout/recover.ts';

const root = new URL('../../', import.meta.url);
const text = (path: string) => readFileSync(new URL(path, root), 'utf8');
const validate = createRequire(import.meta.url)('asl-validator') as (
  definition: unknown,
  options: object,
) => { isValid: boolean; errorsText: (separator: string) => string };

interface Rule {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds?: number;
  readonly MaxAttempts?: number;
}
interface State {
  readonly Type: string;
  readonly Comment?: string;
  readonly Retry?: readonly Rule[];
  readonly Catch?: readonly Rule[];
  readonly Arguments?: { readonly FunctionName?: string };
}

/** https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html */
const ofLambda = [
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
];
/** A function in a VPC has given its network interface back, or gets it again: it did not run. */
const notReady = [
  'Lambda.ResourceNotReadyException',
  'Lambda.ResourceConflictException',
  'Lambda.ENINotReadyException',
];

describe.each(['swap-fleet', 'retire-release'])('%s', (name) => {
  const definition = parse(text(`statemachines/${name}.asl.yml`)) as { States: Record<string, State> };
  const states = Object.entries(definition.States);

  it('is a valid machine', () => {
    const result = validate(definition, { checkPaths: true, checkArn: false });
    expect(result.isValid ? '' : result.errorsText('\n')).toBe('');
  });

  it('retries and catches only errors that exist', () => {
    const names = states.flatMap(([, { Retry = [], Catch = [] }]) =>
      [...Retry, ...Catch].flatMap((rule) => rule.ErrorEquals),
    );
    const ours = names.filter((error) => !/^(States|Lambda|Sandbox|Runtime)\./.test(error));
    expect(ours.length).toBeGreaterThan(0);
    for (const error of ours) expect(Object.keys(errorCatalogue)).toContain(error);
  });

  it('calls functions that exist, with a timeout and with rights', () => {
    const called = [...text(`statemachines/${name}.asl.yml`).matchAll(/\$\{(\w+)Arn\}/g)].map(([, stem]) =>
      (stem ?? '').replace(/(?!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase(),
    );
    // Telling the uploader is build-image's function too.
    const both = (folder: string): Record<string, unknown> => ({
      ...(parse(text(`infra/${folder}/rollout.yml`)) as object),
      ...(parse(text(`infra/${folder}/build.yml`)) as object),
    });
    const declared = both('functions');
    const rights = both('roles') as Record<string, unknown[]>;
    for (const one of new Set(called)) {
      expect(existsSync(new URL(`functions/${one}.ts`, root)), one).toBe(true);
      expect(Object.keys(declared)).toContain(one);
      expect(rights[one]?.length ?? 0, one).toBeGreaterThan(0);
    }
  });

  it('asks our functions again where AWS, or Lambda, did not let them work', () => {
    const own = states.filter(([, { Arguments }]) => /^\$\{\w+Arn\}$/.test(Arguments?.FunctionName ?? ''));
    expect(own.length).toBeGreaterThan(3);
    for (const [state, { Retry = [] }] of own) {
      const names = Retry.flatMap(({ ErrorEquals }) => ErrorEquals);
      expect(names, state).toEqual(expect.arrayContaining(['AwsUnavailable', 'DeadlineNear', ...ofLambda]));
    }
  });

  it('tells an operator what happens in each state', () => {
    for (const [state, { Comment = '' }] of states) expect(Comment, state).not.toBe('');
  });

  it('leaves no task without a way out', () => {
    for (const [state, { Type, Catch = [] }] of states) {
      if (Type !== 'Task') continue;
      expect(
        Catch.flatMap(({ ErrorEquals }) => ErrorEquals),
        state,
      ).toContain('States.ALL');
    }
  });
});

it("asks a fleet's hooks again only where Lambda itself failed", () => {
  const { States } = parse(text('statemachines/swap-fleet.asl.yml')) as { States: Record<string, State> };
  for (const name of ['AskBeforeTraffic', 'AskAfterTraffic']) {
    expect(States[name]?.Retry?.flatMap(({ ErrorEquals }) => ErrorEquals)).toEqual([
      ...notReady,
      'Lambda.ServiceException',
      'Lambda.AWSLambdaException',
      'Lambda.SdkClientException',
      'Lambda.TooManyRequestsException',
    ]);
  }
});

it.each([
  ['swap-fleet', 'AskInstance'],
  ['build-image', 'AskInstance'],
])('%s waits in %s for a network interface as long as Lambda may need', (machine, state) => {
  const { States } = parse(text(`statemachines/${machine}.asl.yml`)) as { States: Record<string, State> };
  const rule = States[state]?.Retry?.[0];
  expect(rule).toMatchObject({ ErrorEquals: notReady, BackoffRate: 1 });
  expect((rule?.IntervalSeconds ?? 0) * (rule?.MaxAttempts ?? 0)).toBeGreaterThanOrEqual(120);
});

describe('recovery', () => {
  it('waits at least as long as any function of a rollout may run', () => {
    const declared = parse(text('infra/functions/rollout.yml')) as Record<string, { timeoutSeconds: number }>;
    for (const [name, { timeoutSeconds }] of Object.entries(declared)) {
      expect(timeoutSeconds, name).toBeLessThanOrEqual(longestFunctionSeconds);
    }
  });
});
