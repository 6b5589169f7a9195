/** `flotilla up`: a local region in the foreground. */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from '../command.ts';
import { exitCodes } from '../exit-codes.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

export const up: Command = async ({ invocation }) => {
  const { values, flags } = invocation;
  const options = [
    ...(values.port === undefined ? [] : ['--port', values.port]),
    ...(values.data === undefined ? [] : ['--data', values.data]),
    ...(flags.has('json') ? ['--json'] : []),
    '--no-tour',
  ];
  const child = spawn(process.execPath, [join(root, 'bin', 'with-node.mjs'), 'tour/main.ts', ...options], {
    stdio: 'inherit',
  });
  const pass = (signal: NodeJS.Signals) => child.kill(signal);
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, pass);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', resolve);
    });
    const told = [exitCodes.ok, exitCodes.usage, exitCodes.interrupted].find((one) => one === code);
    return told ?? exitCodes.failed;
  } finally {
    for (const signal of signals) process.off(signal, pass);
  }
};
