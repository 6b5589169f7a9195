import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * What all native machines of a region share: a private folder for their programs, a watchdog that ends them
 * should the region be killed, and the knowledge of ports given out.
 */
export class NativeHost {
  #folder: Promise<string> | undefined;
  #watchdog: ChildProcess | undefined;
  readonly #ports = new Set<number>();
  #closed = false;

  /** A new, empty folder of mode 0700. */
  async folder(instanceId: string): Promise<string> {
    this.#folder ??= mkdtemp(join(tmpdir(), 'flotilla-machines-'));
    const folder = await this.#folder;
    if (this.#closed) throw new Error('The region is closed');
    this.#watchdog ??= startWatchdog(folder);
    return await mkdtemp(join(folder, `${instanceId}-`));
  }

  watch(processGroup: number): void {
    this.#watchdog?.stdin?.write(`+${processGroup}\n`);
  }

  unwatch(processGroup: number): void {
    this.#watchdog?.stdin?.write(`-${processGroup}\n`);
  }

  /** A loopback port that was free a moment ago and is promised to no other machine of this region. */
  async freePort(): Promise<number> {
    for (;;) {
      const port = await new Promise<number>((resolve, reject) => {
        const server = createServer();
        server.on('error', reject);
        server.listen(0, '127.0.0.1', () => {
          const address = server.address();
          server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
        });
      });
      if (this.#ports.has(port)) continue;
      this.#ports.add(port);
      return port;
    }
  }

  releasePort(port: number): void {
    this.#ports.delete(port);
  }

  /** Ends the watchdog and removes the folder; the machines have been stopped before. */
  async close(): Promise<void> {
    this.#closed = true;
    const watchdog = this.#watchdog;
    if (watchdog !== undefined) {
      const gone = new Promise((resolve) => watchdog.once('exit', resolve));
      // Whoever closes the region waits for this, even when nothing else keeps the process alive.
      watchdog.ref();
      watchdog.stdin?.end();
      if (watchdog.exitCode === null && watchdog.signalCode === null) await gone;
    }
    const folder = await this.#folder;
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

function startWatchdog(folder: string): ChildProcess {
  const script = fileURLToPath(new URL('./watchdog.ts', import.meta.url));
  // In a session of its own, so that a Ctrl-C for the region does not end it first.
  const child = spawn(process.execPath, ['--no-warnings', script, folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {},
  });
  child.on('error', () => undefined);
  child.stdin.on('error', () => undefined);
  child.unref();
  const pipe: unknown = child.stdin;
  // The pipe must not keep the region alive either.
  if (pipe !== null && typeof pipe === 'object' && 'unref' in pipe && typeof pipe.unref === 'function')
    pipe.unref();
  return child;
}
