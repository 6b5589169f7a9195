/** Step Functions alone, in virtual time, with scripted functions in Lambda's place. */
import { deserialize, serialize } from 'node:v8';
import { VirtualClock } from '../../../../local/clock.ts';
import type { Context, RegionEvent } from '../../../../local/context.ts';
import { briefLag, Lag } from '../../../../local/lag.ts';
import { Random } from '../../../../local/random.ts';
import { AwsError, type Call, type Principal } from '../../../../local/service.ts';
import { createStates } from '../../../../local/services/states/states.ts';
import type { Persistent } from '../../../../local/state/persistent.ts';

/** What a scripted function does: answers, throws an error with a name, or never answers. */
export type ScriptedFunction = (payload: never, bench: Bench) => unknown;

/** What is left of a bench whose region went down. */
interface Before {
  readonly clock: { now(): number };
  readonly random: Random;
  readonly states: { readonly persistent: Persistent };
}

export type Bench = ReturnType<typeof createBench>;

const principal: Principal = {
  kind: 'root',
  arn: 'arn:aws:iam::000000000000:root',
  userId: '0',
  policies: [],
};

/** @param before a bench whose region went down: this one goes on with what that one kept. */
export function createBench(functions: Record<string, ScriptedFunction> = {}, before?: Before) {
  const clock = new VirtualClock(before?.clock.now());
  const random = new Random(7);
  if (before !== undefined) random.state = before.random.state;
  const events: RegionEvent[] = [];
  const invoked: { name: string; at: number; payload: unknown }[] = [];
  const call = (input: unknown): Call => ({
    principal,
    requestId: String(input),
    sourceIp: '127.0.0.1',
    userAgent: 'bench',
    authorize: () => undefined,
  });
  const context: Context = {
    clock,
    random,
    lag: new Lag(1, briefLag),
    accountId: '000000000000',
    regionName: 'us-east-1',
    zones: ['us-east-1a'],
    dataDir: '/nonexistent',
    endpoint: () => 'http://127.0.0.1:1',
    hooks: {
      publish: (event) => void events.push(event),
      invokeAsync: () => undefined,
      call: async (service, operation, input) => {
        if (service === 'lambda' && operation === 'Invoke') return invoke(input as never);
        return run(operation, input);
      },
      sessionFor: () => Promise.reject(new Error('not needed')),
    },
  };
  const states = createStates(context, {
    rolePrincipal: () => principal,
    trusts: (arn) => !arn.endsWith('untrusted'),
    refusal: () => undefined,
  });

  async function invoke(input: { FunctionName: string; Payload: Uint8Array }) {
    const name = input.FunctionName.split(':').at(-1) ?? '';
    const payload = JSON.parse(Buffer.from(input.Payload).toString()) as unknown;
    invoked.push({ name, at: clock.now(), payload });
    const script = functions[name];
    if (script === undefined)
      throw new AwsError('ResourceNotFoundException', `Function not found: ${name}`, 404);
    const answer = (value: unknown, failed: boolean) => ({
      StatusCode: 200,
      ExecutedVersion: '$LATEST',
      Payload: Buffer.from(JSON.stringify(value ?? null)),
      ...(failed && { FunctionError: 'Unhandled' }),
    });
    try {
      return answer(await script(payload as never, bench), false);
    } catch (error) {
      if (error instanceof AwsError) throw error;
      const { name: errorType, message: errorMessage } = error as Error;
      return answer({ errorType, errorMessage, trace: [] }, true);
    }
  }

  // biome-ignore lint/suspicious/noExplicitAny: answers of any operation, looked at by tests
  async function run(operation: string, input: unknown): Promise<any> {
    const found = states.service.operations[operation];
    if (found === undefined) throw new Error(`no operation ${operation}`);
    return found.run(input, call(operation));
  }

  /** Creates a machine `m` (or `name`) of these states. @returns its ARN. */
  async function machine(definition: object, name = 'm'): Promise<string> {
    const { stateMachineArn } = await run('CreateStateMachine', {
      name,
      roleArn: 'arn:aws:iam::000000000000:role/machine',
      definition: JSON.stringify({ QueryLanguage: 'JSONata', ...definition }),
    });
    return stateMachineArn;
  }

  /** Runs a machine to its end, within a week. @returns what DescribeExecution tells, with the output read. */
  async function execute(definition: object, input: unknown = {}, name?: string) {
    const stateMachineArn = await machine(definition, name);
    const { executionArn } = await run('StartExecution', { stateMachineArn, input: JSON.stringify(input) });
    return finish(executionArn);
  }

  async function finish(executionArn: string, withinMs = 7 * 24 * 3_600_000) {
    const startedAt = clock.now();
    await clock.runUntil(() => find(executionArn).status !== 'RUNNING', withinMs);
    const told = await run('DescribeExecution', { executionArn });
    return {
      executionArn,
      status: told.status as string,
      output: told.output === undefined ? undefined : JSON.parse(told.output),
      error: told.error as string | undefined,
      cause: told.cause as string | undefined,
      seconds: (clock.now() - startedAt) / 1000,
    };
  }

  const find = (executionArn: string) => {
    const execution = states.executions().find(({ init }) => init.arn === executionArn);
    if (execution === undefined) throw new Error(`no execution ${executionArn}`);
    return execution;
  };

  /** The types of an execution's events, in order. */
  const history = (executionArn: string): string[] =>
    find(executionArn).init.history.events.map(({ type }) => String(type));

  if (before !== undefined) {
    transplant(before.states.persistent, states.persistent);
    states.persistent.resume?.();
  }
  const bench = { clock, random, states, events, invoked, run, machine, execute, finish, find, history };
  return bench;
}

/** Gives a part what another one keeps, as bytes on a disk would. */
function transplant(from: Persistent, to: Persistent): void {
  for (const [index, collection] of from.collections.entries())
    for (const { id, value } of collection.save())
      void to.collections[index]?.load(id, deserialize(serialize(value())));
}

/** A Task state that invokes a scripted function. */
export function task(name: string, more: object = {}): object {
  return {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke',
    Arguments: { FunctionName: name, Payload: '{% $states.input %}' },
    Output: '{% $states.result.Payload %}',
    ...('Next' in more ? {} : { End: true }),
    ...more,
  };
}

/** An error with a name, as a function throws it. */
export function failure(name: string, message = 'no'): Error {
  return Object.assign(new Error(message), { name });
}
