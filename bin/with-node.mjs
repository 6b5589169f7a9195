#!/usr/bin/env node
// Runs one of the project's TypeScript programs with the Node that the lock file pins (Lambda's own
// major version), installing the dependencies first where they are missing or older than the lock file.
//
//   node bin/with-node.mjs tour/main.ts --exit
//
// It uses nothing but Node's own modules, and works from Node 20 on.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = join(root, 'node_modules', '.bin');
const node = join(bin, 'node');

/** The lock file that npm leaves in node_modules lists what is installed; it must say what ours says. */
function installed() {
  try {
    const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
    const present = JSON.parse(
      readFileSync(join(root, 'node_modules', '.package-lock.json'), 'utf8'),
    ).packages;
    return Object.entries(wanted).every(
      ([path, entry]) => path === '' || entry.optional || present[path]?.version === entry.version,
    );
  } catch {
    return false;
  }
}

/** The program that loads the pinned Node, by glibc's name for it: one for musl is named otherwise. */
const loaders = { x64: '/lib64/ld-linux-x86-64.so.2', arm64: '/lib/ld-linux-aarch64.so.1' };

/** What keeps the pinned Node from running here, in one sentence. */
function obstacle() {
  const { platform, arch } = process;
  if (platform !== 'linux')
    return 'flotilla runs on Linux alone: it brings its own Node, a Linux program, and the local region starts instances as Linux processes.';
  const loader = loaders[arch];
  if (loader === undefined) return `flotilla runs on x86-64 and arm64, and this is ${arch}.`;
  if (!existsSync(loader))
    return `flotilla needs glibc: its Node is loaded by ${loader}, which this system does not have.`;
  return undefined;
}

/** @returns {never} */
function giveUp(sentence) {
  console.error(sentence);
  process.exit(1);
}

const reason = obstacle();
if (reason !== undefined) giveUp(reason);
if (!installed()) {
  console.error('Installing dependencies (npm ci) …');
  const { status, error } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (error !== undefined) giveUp(`npm does not start: ${error.message}.`);
  if (status !== 0) process.exit(status ?? 1);
}
if (!existsSync(node))
  giveUp(`There is no Node 24 in ${node}: delete node_modules, and run npm ci without --omit=optional.`);

const [program, ...rest] = process.argv.slice(2);
if (program === undefined) {
  console.error('usage: node bin/with-node.mjs PROGRAM.ts [ARGUMENTS]');
  process.exit(2);
}
// The fourth descriptor is a pipe that nothing is written to: when this process is gone, however it went, the
// program sees it close. npm and the shell between do not pass signals on, so a vanished parent counts as one.
const child = spawn(node, ['--disable-warning=ExperimentalWarning', join(root, program), ...rest], {
  stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
  env: {
    // Compiled code and stripped types are kept: reading them again costs more than half of a start.
    NODE_COMPILE_CACHE: join(root, '.build', 'compile-cache'),
    ...process.env,
    PATH: `${bin}${delimiter}${process.env.PATH}`,
    FLOTILLA_PARENT_FD: '3',
  },
});
child.on('error', (error) => giveUp(`${node} does not start: ${error.message}.`));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) child.kill('SIGTERM');
}, 500).unref();
// As shells have it: 128 and the signal's number.
child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : (code ?? 1)));
