/** However the region ends, no process, no port and no temporary file of it is left. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
/** All temporary files of a test's regions go here, so that what is left can be told from what is others'. */
let temporary: string;
const started: ChildProcess[] = [];

beforeEach(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'region-lifecycle-'));
});

afterEach(async () => {
  for (const one of started.splice(0)) one.kill('SIGKILL');
  await until(async () => (await processesOf(temporary)).length === 0);
  await rm(temporary, { recursive: true, force: true });
});

interface Started {
  readonly parent: ChildProcess;
  /** The region's own process. */
  readonly pid: number;
  readonly ports: readonly number[];
}

function launch(...options: string[]): ChildProcess & { said: () => string } {
  const parent = spawn(
    process.execPath,
    [join(root, 'bin', 'with-node.mjs'), 'tour/main.ts', '--no-tour', ...options],
    {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: temporary, XDG_RUNTIME_DIR: temporary },
    },
  );
  started.push(parent);
  let said = '';
  for (const stream of [parent.stdout, parent.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8');
    });
  }
  return Object.assign(parent, { said: () => said });
}

async function up(...options: string[]): Promise<Started> {
  const parent = launch(...options);
  await until(async () => {
    if (parent.exitCode !== null) throw new Error(parent.said());
    return parent.said().includes('Ctrl-C ends the region');
  });
  const ports = [...parent.said().matchAll(/http:\/\/127\.0\.0\.1:(\d+)/g)].map(([, port]) => Number(port));
  const pid = /** its only child */ (
    await readFile(`/proc/${parent.pid}/task/${parent.pid}/children`, 'utf8')
  )
    .trim()
    .split(' ')
    .map(Number)[0];
  if (pid === undefined) throw new Error('The region has no process');
  return { parent, pid, ports: [...new Set(ports)] };
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const giveUpAt = Date.now() + 50_000;
  while (!(await holds())) {
    if (Date.now() > giveUpAt) throw new Error('It did not come about within 50 seconds');
    await pause(50);
  }
}

/** Those that name the folder in their environment, arguments or working directory. */
async function processesOf(folder: string): Promise<string[]> {
  const own = `${process.pid}`;
  const found: string[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && name !== own)) {
    try {
      const seen = await Promise.all(
        ['environ', 'cmdline'].map((f) => readFile(`/proc/${pid}/${f}`, 'utf8')),
      );
      if (seen.join('\0').includes(folder)) found.push(`${pid}: ${seen[1]}`);
    } catch {
      // It ended while we looked, or is none of ours.
    }
  }
  return found;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

async function leftOver(ports: readonly number[]): Promise<string[]> {
  const open = [];
  for (const port of ports) if (await answers(port)) open.push(`port ${port}`);
  return [...open, ...(await processesOf(temporary)), ...(await readdir(temporary))];
}

const ends = {
  'Ctrl-C': ({ parent }: Started) => parent.kill('SIGINT'),
  SIGTERM: ({ parent }: Started) => parent.kill('SIGTERM'),
  'the death of its parent': ({ parent }: Started) => parent.kill('SIGKILL'),
  'a kill that it cannot see': ({ pid }: Started) => process.kill(pid, 'SIGKILL'),
};

test.for(Object.entries(ends))('nothing is left of a region after %s', async ([, end]) => {
  const region = await up();
  expect(region.ports.length).toBeGreaterThanOrEqual(2);
  for (const port of region.ports) expect(await answers(port)).toBe(true);

  end(region);

  await until(async () => (await leftOver(region.ports)).length === 0);
});

test('nothing is left of a region that is told to end while it comes up', async () => {
  const parent = launch();
  await until(async () => parent.said().includes('packaging the stack'));
  parent.kill('SIGTERM');
  await until(async () => (await leftOver([])).length === 0);
  expect(parent.said()).toContain('Ending (SIGTERM)');
});

test('two regions stand side by side, and one that asks for a port in use is told so', async () => {
  const data = join(temporary, 'mine');
  const [first, second] = [await up(), await up('--data', data)];
  expect(new Set([...first.ports, ...second.ports]).size).toBe(first.ports.length + second.ports.length);
  expect(await readdir(data)).toContain('lambda');

  const holder = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => holder.once('listening', resolve));
  const address = holder.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const third = launch('--port', `${port}`);
  await until(async () => third.exitCode !== null);
  await new Promise((resolve) => holder.close(resolve));
  expect(third.exitCode).toBe(1);
  expect(third.said()).toContain(`Port ${port} is in use`);

  for (const { parent } of [first, second]) parent.kill('SIGTERM');
  // What is in --data belongs to who named it.
  await until(async () => (await leftOver([...first.ports, ...second.ports])).join() === 'mine');
});
