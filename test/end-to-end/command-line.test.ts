/** The command as a process: how it ends by itself, by its reader, and by a signal. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const program = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'bin', 'flotilla.mjs');

/** @param meddle what happens to it once it runs */
async function ends(words: readonly string[], meddle: (child: ReturnType<typeof spawn>) => void = () => {}) {
  const child = spawn(process.execPath, [program, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  const stderr = text(child.stderr);
  meddle(child);
  const [code, signal] = await once(child, 'exit');
  return { code, signal, stderr: await stderr };
}

it('ends without a word where its reader has read enough', async () => {
  const { code, stderr } = await ends(['help'], ({ stdout }) => stdout?.destroy());
  expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
});

it('tells a wrong option of a local region as what it is', async () => {
  const { code, stderr } = await ends(['up', '--port', 'abc']);
  expect(code).toBe(2);
  expect(stderr).toContain('--port abc is no port');
});
