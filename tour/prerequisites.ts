/** What the tour needs of this machine. bin/with-node.mjs has seen to Linux, its C library and Node before. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Caretaker } from './caretaker.ts';
import { type Ended, runHelper } from './helper-program.ts';

const example = join(dirname(fileURLToPath(import.meta.url)), '..', 'examples', 'hello');

/**
 * What is lacking, in one sentence.
 * @param arch as `process.arch` says it
 * @param goVersion as `go env GOVERSION` says it: `go1.22.4`, `devel go1.23-…`; undefined where there is no Go
 */
export function lacking(arch: string, goVersion: string | undefined): string | undefined {
  if (arch !== 'x64')
    return `The tour runs x86-64 programs as processes of this machine, which is ${arch}; npm start -- --no-tour starts the region alone.`;
  if (goVersion === undefined)
    return 'The tour builds examples/hello, and Go is not installed: see https://go.dev/doc/install';
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(goVersion) ?? [];
  // Before 1.22 `GET /healthz` was no pattern of a method and a path: https://go.dev/doc/go1.22#enhanced_routing_patterns
  if (Number(major) > 1 || (Number(major) === 1 && Number(minor) >= 22)) return undefined;
  return `The tour builds examples/hello, which needs Go 1.22 or later, and this is ${goVersion || 'an older one'}: see https://go.dev/doc/install`;
}

/** The version that would build the example. @returns '' of a Go that is too old to say it, or for the example */
async function goVersion(caretaker: Caretaker): Promise<string | undefined> {
  let ended: Ended;
  try {
    ended = await runHelper('go', ['env', 'GOVERSION'], { cwd: example, caretaker });
  } catch {
    return undefined;
  }
  return ended.code === 0 ? ended.said.trim() : '';
}

/** @throws Error saying what is lacking, before anything is made */
export async function requirePrerequisites(caretaker: Caretaker): Promise<void> {
  const complaint = lacking(process.arch, await goVersion(caretaker));
  if (complaint !== undefined) throw new Error(complaint);
}
