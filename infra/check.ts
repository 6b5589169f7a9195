/**
 * `npm run check`: format and lint with the import borders, types, unused code. Runs all of them, says of each how
 * it went, and fails if one did. With `--write`, what can be repaired is.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './template/declared.ts';

const { values } = parseArgs({ options: { write: { type: 'boolean', default: false } } });

const tools: readonly { readonly what: string; readonly command: readonly string[] }[] = [
  {
    what: 'format, lint and import borders (biome)',
    command: ['biome', 'check', '--error-on-warnings', ...(values.write ? ['--write'] : [])],
  },
  // Biome does not know types; oxlint finds the promise that nobody awaits.
  { what: 'lint with types (oxlint)', command: ['oxlint', '--type-aware', '--deny-warnings'] },
  { what: 'types (tsc)', command: ['tsc'] },
  { what: 'unused code (knip)', command: ['knip'] },
];

let failed = 0;
for (const { what, command } of tools) {
  const [program = '', ...rest] = command;
  const began = performance.now();
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules', '.bin', program), rest, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  if (status !== 0) {
    failed += 1;
    console.log(`${stdout}${stderr}`);
  }
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${what}, ${seconds} s`);
}
process.exitCode = failed === 0 ? 0 : 1;
