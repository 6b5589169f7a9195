import type { Clock, Timer } from '../clock.ts';
import type { Machine, MachineLaunch, ScriptedAnswer, ScriptedProbe } from './machine.ts';
import { ConsoleRing } from './machine.ts';

/** What a machine answers, and how long it takes to. */
export interface Answering {
  /**
   * What requests are answered with: true is 200, false 500; a function is asked at each request.
   * True unless told.
   */
  readonly healthy?:
    | boolean
    | ScriptedAnswer
    | ((sinceStartMs: number, path: string) => boolean | ScriptedAnswer);
  /** How long an answer takes; none unless told. */
  readonly answerMs?: number;
  /** What an answer says; nothing unless told. */
  readonly body?: string;
}

/** How a machine behaves that runs no program. All times count from the start of the machine. */
export interface MachineScript extends Answering {
  /** Until then connections are refused; 500 unless told. */
  readonly bootMs?: number;
  /** What is otherwise from some moment on, in the order of time. */
  readonly changes?: readonly (Answering & { readonly atMs: number })[];
  /** When the program ends by itself, which powers the machine off. */
  readonly crashAtMs?: number;
  readonly console?: readonly string[];
  readonly consoleOnExit?: readonly string[];
}

/** A machine for virtual time: it does what its script says, and costs neither process nor socket. */
export class ScriptedMachine implements Machine {
  readonly address = undefined;
  readonly script: ScriptedProbe;
  state: 'starting' | 'running' | 'ended' = 'starting';
  readonly #clock: Clock;
  readonly #launch: MachineLaunch;
  readonly #console = new ConsoleRing();
  readonly #timers: Timer[] = [];
  #behaviour: MachineScript;
  #startedAt = 0;

  constructor(clock: Clock, launch: MachineLaunch, script: MachineScript) {
    this.#clock = clock;
    this.#launch = launch;
    this.#behaviour = script;
    this.script = {
      answer: (path, withinMs) => this.#answer(path, withinMs),
      body: () => this.#behaviour.body ?? '',
      steady: () => typeof this.#behaviour.healthy !== 'function',
    };
  }

  start(): void {
    this.#startedAt = this.#clock.now();
    const { bootMs = 500, crashAtMs, changes = [], console: lines = [] } = this.#behaviour;
    this.#timers.push(
      this.#clock.after(bootMs, () => {
        if (this.state !== 'starting') return;
        this.state = 'running';
        for (const line of lines) this.#console.write(`${line}\n`);
        this.#launch.onChange();
      }),
    );
    for (const { atMs, ...change } of changes)
      this.#timers.push(this.#clock.after(atMs, () => this.become(change)));
    if (crashAtMs !== undefined) this.#timers.push(this.#clock.after(crashAtMs, () => this.crash()));
  }

  /** The program ends by itself, now. */
  crash(): void {
    if (this.state === 'ended') return;
    this.#end();
    for (const line of this.#behaviour.consoleOnExit ?? []) this.#console.write(`${line}\n`);
    this.#launch.onExit();
  }

  /** Another behaviour from now on; boot and crash times are not started again. */
  become(script: MachineScript): void {
    this.#behaviour = { ...this.#behaviour, ...script };
    this.#launch.onChange();
  }

  async stop(): Promise<void> {
    if (this.state !== 'ended') this.#end();
  }

  consoleTail(): Uint8Array {
    return this.#console.tail();
  }

  #end(): void {
    this.state = 'ended';
    for (const timer of this.#timers) timer.cancel();
    this.#launch.onChange();
  }

  #answer(path: string, withinMs: number | undefined): ScriptedAnswer {
    if (this.state === 'starting') return 'refused';
    // A machine without power drops packets; nothing is there to refuse them.
    if (this.state === 'ended') return 'timeout';
    const { healthy = true, answerMs = 0 } = this.#behaviour;
    if (withinMs !== undefined && answerMs >= withinMs) return 'timeout';
    const answer =
      typeof healthy === 'function' ? healthy(this.#clock.now() - this.#startedAt, path) : healthy;
    if (typeof answer === 'boolean') return answer ? 200 : 500;
    return answer;
  }
}
