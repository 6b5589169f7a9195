import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';
import type { Context, SessionCredentials } from '../../context.ts';
import type { Reach } from '../ec2/reach.ts';
import {
  type Executor,
  errorPayload,
  type FunctionRevision,
  type Invocation,
  type LogSink,
  type LooseEnd,
  type Outcome,
} from './executor.ts';
import type { Crashable } from './faults.ts';
import { endLines, startLine } from './log-lines.ts';
import { Pulse } from './pulse.ts';
import { sandboxValues, type Transport } from './sandbox.ts';
import { mainOf } from './script-store.ts';
import { variablesOf } from './variables.ts';
import { transportOf } from './vpc.ts';

/** An idle environment is given up after this time on the clock. AWS does not say; tens of minutes are usual. */
const idleMs = 30 * 60_000;
/**
 * Even one that is always busy is given up after some hours, AWS says, and not after how many.
 * https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
 */
const credentialsSeconds = 6 * 3_600;
/** Credentials are not handed to an invocation that they may not outlive. */
const longestInvocationMs = 15 * 60_000;

type Handler = (event: unknown, context: unknown) => unknown;

interface Environment {
  readonly revision: FunctionRevision;
  readonly credentials: SessionCredentials;
  readonly logStream: string;
  readonly pulse: Pulse;
  /** `process.env` of the function. */
  variables: Record<string, string>;
  lines: string[];
  busy: boolean;
  usedAt: number;
  requestId: string | undefined;
  handler: Handler | undefined;
  /** How the last invocation ended. */
  failed: boolean;
  /** Ends the invocation that runs, with an error. */
  fail: ((errorType: string, message: string) => void) | undefined;
}

/**
 * Runs functions inside this process, on the region's clock. An environment that crashes hears nothing any more:
 * its timers are dropped and its calls never answer, so that nothing of it goes on, no `finally` either.
 * Memory is not bounded here, and an endless loop is one for the region too.
 */
export class ContextExecutor implements Executor, Crashable {
  readonly #context: Context;
  readonly #logs: LogSink;
  readonly #network: { readonly transport: Transport; readonly reach: Reach };
  readonly #environments = new Set<Environment>();
  /** What answered before it had ended. */
  readonly loose: LooseEnd[] = [];
  #closed = false;

  constructor(
    context: Context,
    logs: LogSink,
    network: { readonly transport: Transport; readonly reach: Reach },
  ) {
    this.#context = context;
    this.#logs = logs;
    this.#network = network;
  }

  async invoke(revision: FunctionRevision, invocation: Invocation): Promise<Outcome> {
    const environment = this.#idle(revision) ?? (await this.#start(revision));
    environment.busy = true;
    environment.lines = [];
    environment.requestId = invocation.requestId;
    const cold = environment.handler === undefined;
    this.#log(environment, startLine(invocation.requestId));
    const startedAt = this.#context.clock.now();
    environment.pulse.thaw();
    const result = await this.#run(environment, invocation);
    const durationMs = this.#context.clock.now() - startedAt;
    const measured = { ...result, durationMs, maxMemoryMb: 0, initMs: cold ? 0 : undefined };
    for (const line of endLines(revision, invocation.requestId, measured)) this.#log(environment, line);
    environment.busy = false;
    environment.usedAt = this.#context.clock.now();
    if (this.#closed || environment.pulse.dead) this.#drop(environment);
    return { ...result, log: environment.lines.join('\n') };
  }

  retire(functionName: string): void {
    for (const one of this.#environments)
      if (!one.busy && one.revision.name === functionName) this.#drop(one);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const environment of this.#environments) this.#drop(environment);
  }

  crash(functionName: string): number {
    const hit = [...this.#environments].filter(
      ({ busy, revision }) => busy && revision.name === functionName,
    );
    for (const environment of hit) this.#crash(environment);
    return hit.length;
  }

  crashHolder(accessKeyId: string): boolean {
    const found = this.#holder(accessKeyId);
    if (found !== undefined) this.#crash(found);
    return found !== undefined;
  }

  holderOf(accessKeyId: string): string | undefined {
    return this.#holder(accessKeyId)?.revision.name;
  }

  #loose({ revision, requestId = '', failed }: Environment): void {
    if (this.loose.some((one) => one.requestId === requestId)) return;
    this.loose.push({ functionName: revision.name, requestId, failed });
  }

  #holder(accessKeyId: string): Environment | undefined {
    return [...this.#environments].find(({ credentials }) => credentials.accessKeyId === accessKeyId);
  }

  #crash(environment: Environment): void {
    const fail = environment.fail;
    environment.pulse.kill();
    fail?.('Runtime.ExitError', 'Runtime exited with error: signal: killed');
  }

  #idle(revision: FunctionRevision): Environment | undefined {
    const now = this.#context.clock.now();
    for (const one of this.#environments) {
      if (one.busy || one.revision.name !== revision.name) continue;
      const expired =
        now - one.usedAt > idleMs || one.credentials.expiration.getTime() - now < longestInvocationMs;
      if (!expired && one.revision.revisionId === revision.revisionId) return one;
      this.#drop(one);
    }
    return undefined;
  }

  async #start(revision: FunctionRevision): Promise<Environment> {
    const { hooks, clock, random } = this.#context;
    const credentials = await hooks.sessionFor(revision.roleArn, revision.name, credentialsSeconds);
    const day = new Date(clock.now()).toISOString().slice(0, 10).replaceAll('-', '/');
    const environment: Environment = {
      revision,
      credentials,
      logStream: `${day}/[$LATEST]${random.hex(32)}`,
      pulse: new Pulse(clock, () => this.#loose(environment)),
      variables: {},
      lines: [],
      busy: true,
      usedAt: clock.now(),
      requestId: undefined,
      handler: undefined,
      failed: false,
      fail: undefined,
    };
    this.#environments.add(environment);
    return environment;
  }

  #run(environment: Environment, invocation: Invocation): Promise<{ payload: string; failed: boolean }> {
    const { revision, pulse } = environment;
    const { clock } = this.#context;
    const deadline = clock.now() + revision.timeoutSeconds * 1000;
    return new Promise((resolve) => {
      const end = (payload: string, failed: boolean): void => {
        timer.cancel();
        environment.fail = undefined;
        environment.failed = failed;
        pulse.freeze();
        resolve({ payload, failed });
      };
      const named = (errorType: string, message: string): void =>
        end(errorPayload(errorType, `RequestId: ${invocation.requestId} Error: ${message}`), true);
      const timer = clock.after(revision.timeoutSeconds * 1000, () => {
        pulse.kill();
        named('Sandbox.Timedout', `Task timed out after ${revision.timeoutSeconds.toFixed(2)} seconds`);
      });
      environment.fail = named;
      const thrown = (error: unknown): void => {
        if (pulse.dead) return;
        const body = describe(error);
        this.#console(environment, 'ERROR', ['Invoke Error ', JSON.stringify(body)]);
        end(JSON.stringify(body), true);
      };
      try {
        environment.handler ??= this.#load(environment);
      } catch (error) {
        pulse.kill();
        end(JSON.stringify(describe(error)), true);
        return;
      }
      const { handler, variables } = environment;
      // https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html: it changes with each invocation
      if (invocation.trace === undefined) delete variables._X_AMZN_TRACE_ID;
      else variables._X_AMZN_TRACE_ID = invocation.trace;
      const context = {
        callbackWaitsForEmptyEventLoop: true,
        functionName: revision.name,
        functionVersion: '$LATEST',
        memoryLimitInMB: String(revision.memoryMb),
        logGroupName: revision.logGroup,
        logStreamName: environment.logStream,
        invokedFunctionArn: revision.arn,
        awsRequestId: invocation.requestId,
        clientContext: invocation.clientContext && JSON.parse(invocation.clientContext),
        getRemainingTimeInMillis: () => deadline - clock.now(),
      };
      void (async () => {
        try {
          const value = await handler(JSON.parse(invocation.payload), context);
          if (!pulse.dead) end(JSON.stringify(value === undefined ? null : value), false);
        } catch (error) {
          thrown(error);
        }
      })();
    });
  }

  #load(environment: Environment): Handler {
    const { revision, pulse } = environment;
    const [file = '', ...exported] = revision.handler.split('.');
    const found = ['.mjs', '.js', '.cjs']
      .map((extension) => file + extension)
      .find((one) => existsSync(join(revision.code.directory, one)));
    if (found === undefined) throw named('Runtime.ImportModuleError', `Error: Cannot find module '${file}'`);
    const { regionName } = this.#context;
    const settings = {
      regionName,
      endpoint: this.#endpoint(),
      logStream: environment.logStream,
      credentials: environment.credentials,
    };
    environment.variables = variablesOf(revision, settings);
    const values = sandboxValues({
      pulse,
      random: this.#context.random,
      transport: transportOf(revision.vpc, this.#network.transport, this.#network.reach),
      env: environment.variables,
      url: pathToFileURL(join(revision.code.directory, found)).href,
      startedAt: this.#context.clock.now(),
      // A dead function is not heard, not even when a promise of it was about to go on as it died.
      console: (level, given) => {
        if (!pulse.dead) this.#console(environment, level, given);
      },
      write: (text) => {
        if (!pulse.dead) this.#log(environment, text.replace(/\n$/, ''));
      },
      exit: (code) => {
        if (pulse.dead) return;
        const fail = environment.fail;
        pulse.kill();
        fail?.(
          'Runtime.ExitError',
          code === 0
            ? 'Runtime exited without providing a reason'
            : `Runtime exited with error: exit status ${code}`,
        );
      },
    });
    const module = { exports: {} as Record<string, unknown> };
    mainOf(revision.code, found)(module.exports, module, ...values);
    const handler = exported.reduce<unknown>(
      (value, key) => (value as Record<string, unknown>)?.[key],
      module.exports,
    );
    if (typeof handler !== 'function') {
      throw named('Runtime.HandlerNotFound', `${revision.handler} is undefined or not exported`);
    }
    return handler as Handler;
  }

  /** A region that does not listen has an endpoint of its own, as nothing leaves the process. */
  #endpoint(): string {
    try {
      return this.#context.endpoint();
    } catch {
      return 'http://127.0.0.1:4566';
    }
  }

  #console(environment: Environment, level: string, values: readonly unknown[]): void {
    const time = new Date(this.#context.clock.now()).toISOString();
    this.#log(environment, `${time}\t${environment.requestId}\t${level}\t${format(...values)}`);
  }

  #log(environment: Environment, line: string): void {
    environment.lines.push(line);
    this.#logs.append(environment.revision, environment.logStream, [line]);
  }

  #drop(environment: Environment): void {
    this.#environments.delete(environment);
    environment.pulse.kill();
  }
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

function describe(error: unknown): { errorType: string; errorMessage: string; trace: string[] } {
  if (error instanceof Error) {
    return {
      errorType: error.name,
      errorMessage: error.message,
      trace: String(error.stack ?? '').split('\n'),
    };
  }
  return { errorType: typeof error, errorMessage: String(error), trace: [] };
}
