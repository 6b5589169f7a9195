import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

const script = join(import.meta.dirname, '../../../infra/smoke.sh');
let bin: string;

/** A program of this name for the script to find. */
function tool(name: string, body: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`);
  chmodSync(join(bin, name), 0o700);
}

function smoke(): { readonly code: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync('/bin/sh', [script], {
    encoding: 'utf8',
    env: {
      PATH: bin,
      FLOTILLA_API_URL: 'https://a1.execute-api.eu-west-1.amazonaws.com',
      FLOTILLA_KERNEL_BUNDLE: '/kernel',
      FLOTILLA_LOAD_BALANCER: 'http://balancer.test',
    },
  });
  return { code: status, said: stdout + stderr };
}

beforeEach(() => {
  bin = mkdtempSync(join(tmpdir(), 'flotilla-smoke-'));
  for (const name of ['dirname', 'mktemp', 'rm', 'cat']) symlinkSync(`/usr/bin/${name}`, join(bin, name));
  for (const name of ['npm', 'go', 'curl', 'node']) tool(name, ':');
});
afterEach(() => rmSync(bin, { recursive: true, force: true }));

const removal =
  /FLOTILLA_API_URL=https:\/\/a1\S+ node \/\S*bin\/flotilla\.mjs fleet delete smoke --force --confirm smoke\n/;

it('says how to remove what a failed deployment leaves', () => {
  tool('node', '[ "$2" != deploy ]');
  const { code, said } = smoke();
  expect(code).toBe(1);
  expect(said).toMatch(removal);
});

it('speaks of no fleet where none was made yet', () => {
  tool('node', '[ "$2" != kernel ]');
  const { code, said } = smoke();
  expect(code).toBe(1);
  expect(said).not.toMatch(removal);
});

it('ends with nothing left', () => {
  // The load balancer answers with whatever version was deployed last.
  tool('node', `case $2 in deploy) echo "$3" >${bin}/live ;; rollback) echo smoke-1 >${bin}/live ;; esac`);
  tool('curl', `cat ${bin}/live`);
  const { code, said } = smoke();
  expect(said).toContain('The stack does its work.');
  expect(said).not.toMatch(removal);
  expect(code).toBe(0);
});

it('asks first for what it needs', () => {
  rmSync(join(bin, 'curl'));
  expect(smoke()).toEqual({ code: 1, said: 'infra/smoke.sh needs curl, which is not installed.\n' });
});
