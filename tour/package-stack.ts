import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Caretaker } from './caretaker.ts';
import { runHelper } from './helper-program.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Bundles and template, made anew only where a source changed. @throws Error with the packager's own words */
export async function packageStack(caretaker?: Caretaker): Promise<void> {
  const { code, said } = await runHelper(process.execPath, [join(root, 'infra', 'package.ts')], {
    cwd: root,
    caretaker,
  });
  if (code !== 0) throw new Error(`The stack could not be packaged:\n${said}`);
}
