import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import type { Clock } from '../clock.ts';
import type { Address, Machine, MachineLaunch } from './machine.ts';
import { CannotBoot, ConsoleRing } from './machine.ts';
import type { NativeHost } from './native-host.ts';

/** A process that is a machine: what to start, once its files lie in the machine's folder. */
export interface MachineCommand {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly argv0?: string;
  readonly environment: Readonly<Record<string, string>>;
  /** What the console says first, before the program does. */
  readonly greeting?: string;
}

/** Writes what the process needs into `folder`, so that its service answers at the address. */
export type PrepareMachine = (
  launch: MachineLaunch,
  place: Address & { readonly folder: string },
) => Promise<MachineCommand>;

/**
 * A machine that is a process of this host, in a group of its own, under the eyes of the watchdog. What it writes
 * is its console.
 */
export class ProcessMachine implements Machine {
  state: 'starting' | 'running' | 'ended' = 'starting';
  address: Address | undefined;
  readonly #clock: Clock;
  readonly #host: NativeHost;
  readonly #launch: MachineLaunch;
  readonly #prepare: PrepareMachine;
  readonly #console = new ConsoleRing();
  #folder: string | undefined;
  #child: ChildProcess | undefined;
  #childGone: Promise<void> = Promise.resolve();
  #starting: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(clock: Clock, host: NativeHost, launch: MachineLaunch, prepare: PrepareMachine) {
    this.#clock = clock;
    this.#host = host;
    this.#launch = launch;
    this.#prepare = prepare;
  }

  start(): void {
    this.#starting = this.#clock.hold(
      this.#boot().catch(async (error: unknown) => {
        // A kernel that finds nothing to run says so on the console and powers off.
        this.#console.write(`${error instanceof Error ? error.message : String(error)}\n`);
        await this.#ended(error instanceof CannotBoot ? error.message : undefined);
      }),
    );
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#starting;
    const child = this.#child;
    if (child?.pid !== undefined && this.state !== 'ended') killGroup(child.pid);
    await this.#childGone;
    await this.#ended();
  }

  consoleTail(): Uint8Array {
    return this.#console.tail();
  }

  async #boot(): Promise<void> {
    this.#folder = await this.#host.folder(this.#launch.instanceId);
    const port = await this.#host.freePort();
    this.address = { host: '127.0.0.1', port };
    const prepared = await this.#prepare(this.#launch, { folder: this.#folder, ...this.address });
    if (this.#stopped) return;
    if (prepared.greeting !== undefined) this.#console.write(`[flotilla] ${prepared.greeting}\n`);
    const child = spawn(prepared.command, prepared.arguments, {
      ...(prepared.argv0 === undefined ? {} : { argv0: prepared.argv0 }),
      cwd: this.#folder,
      env: prepared.environment,
      // A group of its own, so that whatever it starts ends with it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    if (child.pid !== undefined) this.#host.watch(child.pid);
    child.stdout.on('data', (chunk: Uint8Array) => this.#console.write(chunk));
    child.stderr.on('data', (chunk: Uint8Array) => this.#console.write(chunk));
    this.#childGone = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#console.write(`The program cannot be run: ${error.message}\n`);
        resolve();
      });
      // 'close' comes after the last of its output.
      child.once('close', (code, signal) => {
        this.#console.write(`[flotilla] program ended with ${signal ?? `exit code ${code}`}\n`);
        resolve();
      });
    });
    this.state = 'running';
    this.#launch.onChange();
    void this.#childGone.then(() => this.#ended());
  }

  async #ended(why?: string): Promise<void> {
    if (this.state === 'ended') return;
    this.state = 'ended';
    if (this.#child?.pid !== undefined) {
      killGroup(this.#child.pid);
      this.#host.unwatch(this.#child.pid);
    }
    if (this.address !== undefined) this.#host.releasePort(this.address.port);
    this.address = undefined;
    const folder = this.#folder;
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    this.#launch.onChange();
    if (!this.#stopped) this.#launch.onExit(why);
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left in the group.
  }
}
