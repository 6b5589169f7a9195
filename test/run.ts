/**
 * `npm test`: packages the stack, as the scenarios run what is shipped, then runs every test. Arguments are
 * handed on to vitest, for example `npm test -- test/unit`.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function run(script: string, ...rest: string[]): number {
  const { status } = spawnSync(process.execPath, [join(root, script), ...rest], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, NODE_OPTIONS: '--disable-warning=ExperimentalWarning' },
  });
  return status ?? 1;
}

const packaged = run('infra/package.ts');
if (packaged !== 0) {
  console.log('\nThe stack could not be packaged, so nothing was tested.\n\n0 passed, 1 failed');
  process.exit(packaged);
}
process.exit(run('node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)));
