/** How long a region takes to be up, and what it takes while nobody asks anything of it. */
import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { median } from './median.ts';

export interface RegionStart {
  readonly what: string;
  /** From the start of the process until it says where it is up. */
  readonly seconds: number;
  /** Of the region's own process until then, in user and system mode. */
  readonly cpuSeconds: number;
  /** Resident memory of that process then, in MB. */
  readonly megabytes: number;
}

export interface RegionCost {
  readonly rounds: number;
  readonly starts: readonly RegionStart[];
  /** With the stack, and no fleet. */
  readonly idle: { readonly seconds: number; readonly cpuShare: number; readonly megabytes: number };
}

const script = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));
/** Linux counts CPU time in hundredths of a second, whatever the kernel's own tick. */
const ticksPerSecond = 100;

/** @param scratchDir a folder that the caller removes */
export async function measureRegionStart(
  rounds: number,
  scratchDir: string,
  say: (line: string) => void,
): Promise<RegionCost> {
  const measured = new Map<string, RegionStart[]>();
  const idleSeconds = rounds > 1 ? 60 : 2;
  let idle: RegionCost['idle'] = { seconds: 0, cpuShare: 0, megabytes: 0 };
  for (let round = 1; round <= rounds; round += 1) {
    say(`regions, round ${round} of ${rounds}`);
    const folder = join(scratchDir, `region-${round}`);
    const withStack = [script('tour/main.ts'), '--no-tour', '--data', folder];
    const last = round === rounds;
    const cases: [string, string[]][] = [
      ['an empty region', [script('bench/empty-region.ts')]],
      ['the stack, on a new folder', withStack],
      ['the stack, on its own folder', withStack],
    ];
    for (const [what, words] of cases) {
      const start = await startOnce(what, words, async (pid) => {
        if (last && what.includes('own')) idle = await idleFor(pid, idleSeconds);
      });
      measured.set(what, [...(measured.get(what) ?? []), start]);
    }
    await rm(folder, { recursive: true, force: true });
  }
  const starts = [...measured].map(([what, all]) => ({
    what,
    seconds: median(all.map((one) => one.seconds)),
    cpuSeconds: median(all.map((one) => one.cpuSeconds)),
    megabytes: median(all.map((one) => one.megabytes)),
  }));
  return { rounds, starts, idle };
}

async function startOnce(
  what: string,
  words: readonly string[],
  meanwhile: (pid: number) => Promise<void>,
): Promise<RegionStart> {
  const began = performance.now();
  // The descriptor by which this process knows its parent is not handed on, and so must not be named.
  const { FLOTILLA_PARENT_FD: _parent, ...env } = process.env;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...words], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = new Promise((resolve) => child.on('close', resolve));
  try {
    let said = '';
    await new Promise<void>((resolve, reject) => {
      child.stdout.on('data', (chunk) => {
        said += String(chunk);
        if (said.includes('up at http')) resolve();
      });
      child.on('error', reject);
      child.on('close', () => reject(new Error(`${what} did not come up:\n${said}`)));
    });
    const seconds = (performance.now() - began) / 1_000;
    const pid = child.pid ?? 0;
    const start = { what, seconds, ...(await usedBy(pid)) };
    await meanwhile(pid);
    return start;
  } finally {
    child.kill('SIGTERM');
    await gone;
  }
}

async function idleFor(pid: number, seconds: number): Promise<RegionCost['idle']> {
  // What the start still had to do is not idleness.
  await pause(2_000);
  const before = await usedBy(pid);
  await pause(seconds * 1_000);
  const after = await usedBy(pid);
  const cpuShare = (after.cpuSeconds - before.cpuSeconds) / seconds;
  return { seconds, cpuShare, megabytes: after.megabytes };
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
async function usedBy(pid: number): Promise<{ cpuSeconds: number; megabytes: number }> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold spaces; user and system time are the 14th and 15th field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const cpuSeconds = (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  const resident = /^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  return { cpuSeconds, megabytes: Number(resident) / 1_000 };
}
