import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { transformSync } from 'esbuild';
import type { FunctionCode } from './executor.ts';
import { sandboxNames } from './sandbox.ts';

/** The names that a script is given, in the order in which its function takes them. */
const names = ['exports', 'module', ...sandboxNames].join(', ');

/** The module, which runs anew each time that it is called with what the sandbox replaces. */
export type Main = (...values: unknown[]) => void;

interface Compiled {
  readonly script: Script;
  readonly main: Main;
  /** Where the machine code is to be kept once it has run; undefined where it is kept already. */
  keepAt: string | undefined;
}

/** By package and file: compiled once in this process, whichever region runs it. */
const compiled = new Map<string, Compiled>();

/**
 * The module as a function of what the sandbox replaces: one for all environments, so that what V8 learns of its code in
 * one serves the others. The translation, and V8's code once it has run, lie beside
 * the unpacked package, so that processes that share a folder of packages compile once.
 * @param file a JavaScript module in the package
 */
export function mainOf(code: FunctionCode, file: string): Main {
  const path = join(code.directory, file);
  const found = compiled.get(path);
  if (found !== undefined) return found.main;
  const stem = `${code.directory}.${file}.${process.version}`;
  const source = translated(path, `${stem}.cjs`);
  const cacheFile = `${stem}.v8`;
  const cachedData = existsSync(cacheFile) ? readFileSync(cacheFile) : undefined;
  const script = new Script(source, { filename: path, ...(cachedData === undefined ? {} : { cachedData }) });
  const kept = cachedData !== undefined && script.cachedDataRejected === false;
  const main = script.runInThisContext() as Main;
  compiled.set(path, { script, main, keepAt: kept ? undefined : cacheFile });
  return main;
}

/** Keeps what V8 made of the scripts below a folder. What ran is in it, so that the next process need not even parse. */
export function keepCompiled(directory: string): void {
  for (const [path, one] of compiled) {
    if (one.keepAt === undefined || !path.startsWith(directory)) continue;
    writeWhole(one.keepAt, one.script.createCachedData());
    one.keepAt = undefined;
  }
}

function translated(path: string, keptAt: string): string {
  if (existsSync(keptAt)) return readFileSync(keptAt, 'utf8');
  const { code } = transformSync(readFileSync(path, 'utf8'), {
    loader: 'js',
    format: 'cjs',
    target: 'node24',
    define: { 'import.meta.url': 'importMetaUrl' },
    // import() becomes require(), which the sandbox answers.
    supported: { 'dynamic-import': false },
    logLevel: 'silent',
  });
  const source = `(function (${names}) {${code}\n})`;
  writeWhole(keptAt, source);
  return source;
}

/** Another process may write the same: whoever reads sees the one or the other, and never a part. */
function writeWhole(path: string, bytes: string | Uint8Array): void {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, bytes);
  renameSync(draft, path);
}
