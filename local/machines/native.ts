import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { chmod, open, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Clock } from '../clock.ts';
import { readBootPlan } from './disk-reader.ts';
import type { Address, Machine, MachineLaunch } from './machine.ts';
import { ConsoleRing } from './machine.ts';
import type { NativeHost } from './native-host.ts';

/**
 * Runs the program found inside the AMI's snapshot as a process of this host. The program gets the manifest's
 * arguments and environment, and nothing of the host's own: only PORT and HOST to listen on, and the fleet
 * and release from the instance's tags.
 */
export class NativeMachine implements Machine {
  state: 'starting' | 'running' | 'ended' = 'starting';
  address: Address | undefined;
  readonly #clock: Clock;
  readonly #host: NativeHost;
  readonly #launch: MachineLaunch;
  readonly #console = new ConsoleRing();
  #folder: string | undefined;
  #child: ChildProcess | undefined;
  #childGone: Promise<void> = Promise.resolve();
  #starting: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(clock: Clock, host: NativeHost, launch: MachineLaunch) {
    this.#clock = clock;
    this.#host = host;
    this.#launch = launch;
  }

  start(): void {
    this.#starting = this.#clock.hold(
      this.#boot().catch(async (error: unknown) => {
        // A kernel that finds nothing to run says so on the console and powers off.
        this.#console.write(`${error instanceof Error ? error.message : String(error)}\n`);
        await this.#ended();
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
    const plan = await readBootPlan(this.#launch.disk);
    this.#folder = await this.#host.folder(this.#launch.instanceId);
    // Named as in the image, so that argv[0] ends in the name that the program expects.
    const path = join(this.#folder, basename(plan.program) || 'program');
    const file = await open(path, 'wx', 0o700);
    try {
      for await (const piece of plan.programPieces()) await file.write(piece);
    } finally {
      await file.close();
    }
    await chmod(path, 0o700);
    const port = await this.#host.freePort();
    this.address = { host: '127.0.0.1', port };
    if (this.#stopped) return;

    const child = spawn(path, plan.arguments.slice(1), {
      argv0: plan.arguments[0] ?? plan.program,
      cwd: this.#folder,
      env: {
        ...plan.environment,
        PORT: `${port}`,
        HOST: '127.0.0.1',
        FLOTILLA_FLEET: this.#launch.tags['flotilla:fleet'] ?? '',
        FLOTILLA_RELEASE: this.#launch.tags['flotilla:release'] ?? '',
      },
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

  async #ended(): Promise<void> {
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
    if (!this.#stopped) this.#launch.onExit();
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left in the group.
  }
}
