import { type Timer, WallClock } from '../../clock.ts';
import type { Context } from '../../context.ts';
import type { Executor, FunctionRevision, Invocation, LogSink, Outcome } from './executor.ts';
import { endLines, startLine } from './log-lines.ts';
import { ProcessEnvironment } from './process-environment.ts';
import type { VpcProxy } from './vpc.ts';

/** An idle environment is given up after this time; AWS keeps them for minutes and promises nothing. */
const idleMs = 30_000;
/** Credentials are not used within this time of their end. */
const credentialMarginMs = 5 * 60_000;

interface Slot {
  readonly environment: ProcessEnvironment;
  lines: string[];
  busy: boolean;
  reaper: Timer | undefined;
}

/**
 * Runs functions as processes in wall time. Whatever clock the region has, these run on the machine's: on a
 * virtual clock an invocation is work during which time stands still.
 */
export class ProcessExecutor implements Executor {
  readonly loose = [];
  readonly #context: Context;
  readonly #logs: LogSink;
  readonly #clock = new WallClock();
  readonly #vpc: VpcProxy;
  readonly #slots = new Set<Slot>();
  #closed = false;

  constructor(context: Context, logs: LogSink, vpc: VpcProxy) {
    this.#context = context;
    this.#logs = logs;
    this.#vpc = vpc;
  }

  invoke(revision: FunctionRevision, invocation: Invocation): Promise<Outcome> {
    return this.#context.clock.hold(this.#invoke(revision, invocation));
  }

  retire(functionName: string): void {
    for (const slot of this.#slots) {
      if (!slot.busy && slot.environment.revision.name === functionName) this.#drop(slot, 'close');
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const slots = [...this.#slots];
    for (const slot of slots) this.#drop(slot, 'close');
    await Promise.all(slots.map((slot) => slot.environment.ended()));
    await this.#vpc.close();
  }

  /** Kills the busy environments of a function, as if their machines had failed. @returns how many. */
  crash(functionName: string): number {
    const hit = [...this.#slots].filter(
      (slot) => slot.busy && slot.environment.revision.name === functionName,
    );
    for (const slot of hit) slot.environment.kill('crash');
    return hit.length;
  }

  /** Kills the environment that holds these credentials. */
  crashHolder(accessKeyId: string): boolean {
    const slot = this.#holder(accessKeyId);
    slot?.environment.kill('crash');
    return slot !== undefined;
  }

  /** The function whose environment holds these credentials. */
  holderOf(accessKeyId: string): string | undefined {
    return this.#holder(accessKeyId)?.environment.revision.name;
  }

  /** Process ids of the environments there are, for those who look from outside. */
  pids(): readonly number[] {
    return [...this.#slots].flatMap((slot) => slot.environment.pid ?? []);
  }

  async #invoke(revision: FunctionRevision, invocation: Invocation): Promise<Outcome> {
    const slot = this.#idle(revision) ?? (await this.#start(revision));
    slot.busy = true;
    slot.reaper?.cancel();
    slot.lines = [];
    this.#log(slot, startLine(invocation.requestId));
    const raw = await slot.environment.invoke(invocation);
    for (const line of endLines(revision, invocation.requestId, raw)) this.#log(slot, line);
    const log = slot.lines.join('\n');
    slot.lines = [];
    slot.busy = false;
    const { environment } = slot;
    const expired =
      environment.settings.credentials.expiration.getTime() - this.#context.clock.now() < credentialMarginMs;
    if (this.#closed || !environment.alive || expired) this.#drop(slot, 'close');
    else slot.reaper = this.#clock.after(idleMs, () => this.#drop(slot, 'close'));
    return { payload: raw.payload, failed: raw.failed, log };
  }

  #idle(revision: FunctionRevision): Slot | undefined {
    for (const slot of this.#slots) {
      const { environment } = slot;
      if (slot.busy || environment.revision.name !== revision.name) continue;
      if (environment.alive && environment.revision.revisionId === revision.revisionId) {
        slot.busy = true;
        return slot;
      }
      this.#drop(slot, 'close');
    }
    return undefined;
  }

  async #start(revision: FunctionRevision): Promise<Slot> {
    const { hooks, regionName, clock, random } = this.#context;
    const credentials = await hooks.sessionFor(revision.roleArn, revision.name);
    if (this.#closed) throw new Error('The region is closed.');
    const day = new Date(clock.now()).toISOString().slice(0, 10).replaceAll('-', '/');
    const logStream = `${day}/[$LATEST]${random.hex(32)}`;
    const network = revision.vpc === undefined ? {} : await this.#vpc.variables();
    const settings = { regionName, endpoint: this.#context.endpoint(), logStream, credentials, network };
    const environment = new ProcessEnvironment(this.#clock, revision, settings, (line) =>
      this.#log(slot, line),
    );
    const slot: Slot = { environment, lines: [], busy: true, reaper: undefined };
    this.#slots.add(slot);
    return slot;
  }

  #drop(slot: Slot, why: 'close'): void {
    slot.reaper?.cancel();
    this.#slots.delete(slot);
    slot.environment.kill(why);
  }

  #holder(accessKeyId: string): Slot | undefined {
    return [...this.#slots].find((slot) => slot.environment.settings.credentials.accessKeyId === accessKeyId);
  }

  #log(slot: Slot, line: string): void {
    slot.lines.push(line);
    const { revision, settings } = slot.environment;
    this.#logs.append(revision, settings.logStream, [line]);
  }
}
