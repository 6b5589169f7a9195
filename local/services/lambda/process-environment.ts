import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Timer, WallClock } from '../../clock.ts';
import { errorPayload, type FunctionRevision, type Invocation } from './executor.ts';
import { type EnvironmentSettings, variablesOf } from './variables.ts';

const bootstrap = fileURLToPath(new URL('./bootstrap.mjs', import.meta.url));
/** With it the kernel ends a child whose parent died, even a frozen one. Without it nothing is frozen. */
const setpriv = ['/usr/bin/setpriv', '/bin/setpriv'].find((path) => existsSync(path));
/** How often the memory of a running function is looked at. */
const memoryCheckMs = 40;
/** https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html: the limit of the init phase. */
const initLimitMs = 10_000;
/** How long to wait for the last lines of output once the result is there. */
const outputGraceMs = 100;

/** How an invocation ended in its process. */
export interface RawOutcome {
  readonly payload: string;
  readonly failed: boolean;
  /** Time in the handler, in milliseconds. */
  readonly durationMs: number;
  readonly maxMemoryMb: number;
  /** Time from start to ready, when this invocation was the environment's first. */
  readonly initMs: number | undefined;
}

interface Answer {
  readonly payload?: string;
  readonly error?: { errorType: string; errorMessage: string; trace: string[] };
}

interface Running {
  readonly invocation: Invocation;
  readonly startedAt: number;
  readonly timers: Timer[];
  answer: Answer | undefined;
  outputDone: boolean;
  finish(outcome: { payload: string; failed: boolean }): void;
}

/** One execution environment: a process that serves one invocation at a time and is frozen in between. */
export class ProcessEnvironment {
  readonly revision: FunctionRevision;
  readonly settings: EnvironmentSettings;
  readonly #clock: WallClock;
  readonly #child: ChildProcess;
  readonly #onLine: (line: string) => void;
  readonly #ended: Promise<void>;
  readonly #startedAt: number;
  #initMs: number | undefined;
  #initError: Answer['error'];
  #ready: Promise<boolean>;
  #running: Running | undefined;
  #alive = true;
  #frozen = false;
  /** Why the region ended it, when it did. */
  #killedFor: 'timeout' | 'memory' | 'crash' | 'close' | undefined;
  #peakMb = 0;

  constructor(
    clock: WallClock,
    revision: FunctionRevision,
    settings: EnvironmentSettings,
    onLine: (line: string) => void,
  ) {
    this.#clock = clock;
    this.revision = revision;
    this.settings = settings;
    this.#onLine = onLine;
    this.#startedAt = performance.now();
    this.#child = start(revision, settings);
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', (code, signal) => {
        this.#exited(code, signal);
        resolve();
      });
      this.#child.once('error', () => {
        this.#exited(null, null);
        resolve();
      });
    });
    this.#ready = new Promise((resolve) => {
      const limit = clock.after(initLimitMs, () => {
        this.kill('timeout');
      });
      void this.#ended.then(() => resolve(false));
      this.#child.on('message', (message: { type: string } & Answer & { requestId?: string }) => {
        if (message.type === 'ready') {
          this.#initMs = performance.now() - this.#startedAt;
          limit.cancel();
          resolve(true);
        } else if (message.type === 'init-error' || message.type === 'crash') {
          this.#initError = message.error;
          limit.cancel();
          if (this.#running !== undefined)
            this.#running.answer = { ...(message.error && { error: message.error }) };
        } else if (message.type === 'result' && message.requestId === this.#running?.invocation.requestId) {
          this.#answered(message);
        }
      });
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#line(line));
    }
  }

  get alive(): boolean {
    return this.#alive;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Runs one invocation; the caller sees to it that there is only one at a time. */
  async invoke(invocation: Invocation): Promise<RawOutcome> {
    this.#thaw();
    const first = this.#running === undefined && this.#initMs === undefined;
    // While it starts, memory counts too.
    const watch = first ? this.#watchMemory() : [];
    const ready = await this.#ready;
    for (const timer of watch) timer.cancel();
    if (!ready) {
      const payload = this.#initError
        ? JSON.stringify(this.#initError)
        : this.#exitPayload(invocation.requestId, null, null);
      return {
        payload,
        failed: true,
        durationMs: 0,
        maxMemoryMb: this.#peakMb,
        initMs: performance.now() - this.#startedAt,
      };
    }
    const startedAt = performance.now();
    const { payload, failed } = await new Promise<{ payload: string; failed: boolean }>((finish) => {
      const timers = this.#watchMemory();
      this.#running = { invocation, startedAt, timers, answer: undefined, outputDone: false, finish };
      timers.push(this.#clock.after(this.revision.timeoutSeconds * 1000, () => this.kill('timeout')));
      this.#child.send(
        {
          type: 'invoke',
          requestId: invocation.requestId,
          payload: invocation.payload,
          clientContext: invocation.clientContext,
          remainingMs: this.revision.timeoutSeconds * 1000,
          arn: this.revision.arn,
          trace: invocation.trace,
        },
        // A channel that broke shows as the process's end.
        () => undefined,
      );
    });
    const durationMs = performance.now() - startedAt;
    this.#readMemory();
    if (this.#alive) this.#freeze();
    return {
      payload,
      failed,
      durationMs,
      maxMemoryMb: this.#peakMb,
      initMs: first ? this.#initMs : undefined,
    };
  }

  /** Ends the process at once; what it was doing is never finished. */
  kill(why: 'timeout' | 'memory' | 'crash' | 'close'): void {
    if (!this.#alive) return;
    this.#killedFor ??= why;
    this.#child.kill('SIGKILL');
  }

  /** Resolves when the process is gone. */
  ended(): Promise<void> {
    return this.#ended;
  }

  #line(line: string): void {
    if (line.startsWith('\u0000')) {
      if (this.#running !== undefined && line.slice(1) === this.#running.invocation.requestId) {
        this.#running.outputDone = true;
        this.#settle();
      }
      return;
    }
    this.#onLine(line.replaceAll('\r', '\n'));
  }

  #answered(answer: Answer): void {
    const running = this.#running;
    if (running === undefined) return;
    running.answer = answer;
    running.timers.push(
      this.#clock.after(outputGraceMs, () => {
        running.outputDone = true;
        if (this.#running === running) this.#settle();
      }),
    );
    this.#settle();
  }

  #settle(): void {
    const running = this.#running;
    if (running?.answer === undefined || !running.outputDone) return;
    this.#finish(
      running.answer.error === undefined
        ? { payload: running.answer.payload ?? 'null', failed: false }
        : { payload: JSON.stringify(running.answer.error), failed: true },
    );
  }

  #finish(outcome: { payload: string; failed: boolean }): void {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    for (const timer of running.timers) timer.cancel();
    running.finish(outcome);
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    this.#alive = false;
    const running = this.#running;
    if (running === undefined) return;
    const error = running.answer?.error;
    this.#finish({
      payload: error ? JSON.stringify(error) : this.#exitPayload(running.invocation.requestId, code, signal),
      failed: true,
    });
  }

  #exitPayload(requestId: string, code: number | null, signal: NodeJS.Signals | null): string {
    if (this.#killedFor === 'timeout') {
      return errorPayload(
        'Sandbox.Timedout',
        `RequestId: ${requestId} Error: Task timed out after ${this.revision.timeoutSeconds.toFixed(2)} seconds`,
      );
    }
    let reason = 'Runtime exited without providing a reason';
    if (signal === 'SIGABRT') reason = 'Runtime exited with error: signal: aborted (core dumped)';
    else if (signal !== null || this.#killedFor !== undefined)
      reason = 'Runtime exited with error: signal: killed';
    else if (code !== null && code !== 0) reason = `Runtime exited with error: exit status ${code}`;
    return errorPayload('Runtime.ExitError', `RequestId: ${requestId} Error: ${reason}`);
  }

  #watchMemory(): Timer[] {
    const timers: Timer[] = [];
    const look = (): void => {
      if (!this.#alive) return;
      if (this.#readMemory() > this.revision.memoryMb) this.kill('memory');
      else timers[0] = this.#clock.after(memoryCheckMs, look);
    };
    timers.push(this.#clock.after(memoryCheckMs, look));
    return timers;
  }

  /** Peak resident set so far, in MB of 2^20 bytes. */
  #readMemory(): number {
    try {
      const status = readFileSync(`/proc/${this.#child.pid}/status`, 'latin1');
      const peak = /^VmHWM:\s+(\d+) kB/m.exec(status)?.[1];
      if (peak !== undefined) this.#peakMb = Math.max(this.#peakMb, Math.ceil(Number(peak) / 1024));
    } catch {
      // It ended between two looks; its exit is handled where it is reported.
    }
    return this.#peakMb;
  }

  // https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html: frozen between invocations.
  #freeze(): void {
    if (setpriv === undefined) return;
    this.#frozen = this.#child.kill('SIGSTOP');
  }

  #thaw(): void {
    if (!this.#frozen) return;
    this.#frozen = false;
    this.#child.kill('SIGCONT');
  }
}

function start(revision: FunctionRevision, settings: EnvironmentSettings): ChildProcess {
  // The shares of memory that Lambda's Node runtime gives to V8's two spaces.
  const flags = [
    `--max-old-space-size=${Math.floor(revision.memoryMb * 0.9)}`,
    `--max-semi-space-size=${Math.max(1, Math.floor(revision.memoryMb * 0.05))}`,
    '--enable-source-maps',
  ];
  const command = [
    process.execPath,
    ...(revision.variables.NODE_OPTIONS?.includes('source-maps') ? flags.slice(0, 2) : flags),
    bootstrap,
  ];
  if (setpriv !== undefined) command.unshift(setpriv, '--pdeathsig', 'KILL', '--');
  const [file, ...args] = command as [string, ...string[]];
  return spawn(file, args, {
    cwd: revision.code.directory,
    // A session of its own: Ctrl-C in the region's terminal must not reach it before the region has ended in order.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: variablesOf(revision, settings),
  });
}
