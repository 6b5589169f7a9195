import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const script = join(import.meta.dirname, '../../../bin/with-node.mjs');

/** What bin/with-node.mjs says on a machine that these lines make of this one. */
function on(machine: string): { readonly code: number | null; readonly said: string } {
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-with-node-'));
  try {
    const preload = join(folder, 'machine.mjs');
    writeFileSync(preload, machine);
    const run = spawnSync(process.execPath, ['--import', preload, script, 'cli/main.ts', 'help'], {
      encoding: 'utf8',
    });
    return { code: run.status, said: run.stderr };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

it('says in one sentence that it wants Linux', () => {
  const { code, said } = on(`Object.defineProperty(process, 'platform', { value: 'darwin' });`);
  expect(said).toMatch(/^flotilla runs on Linux alone: .*\n$/);
  expect(code).toBe(1);
});

it('says in one sentence that it wants glibc', () => {
  const { code, said } = on(`
    import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    const { existsSync } = fs;
    fs.existsSync = (path) => !/ld-linux/.test(path) && existsSync(path);
    syncBuiltinESMExports();
  `);
  expect(said).toMatch(/^flotilla needs glibc: .*\n$/);
  expect(code).toBe(1);
});

it('says in one sentence that there is no Node for another processor', () => {
  const { code, said } = on(`Object.defineProperty(process, 'arch', { value: 's390x' });`);
  expect(said).toMatch(/^flotilla runs on x86-64 and arm64, and this is s390x\.\n$/);
  expect(code).toBe(1);
});

it('says why its Node does not start', () => {
  const { code, said } = on(`
    import child from 'node:child_process';
    import { syncBuiltinESMExports } from 'node:module';
    const { spawn } = child;
    child.spawn = (_, ...rest) => spawn('/nonexistent/node', ...rest);
    syncBuiltinESMExports();
  `);
  expect(said).toMatch(/^\/\S+\/node does not start: .*ENOENT\.\n$/);
  expect(code).toBe(1);
});

it('runs the command by a link, in the folder of whoever calls it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-linked-'));
  try {
    symlinkSync(join(script, '../flotilla.mjs'), join(folder, 'flotilla'));
    writeFileSync(join(folder, 'web.yml'), 'fleet: web\nprot: 80\n');
    const words = ['fleet', 'apply', 'web.yml'];
    const { status, stderr } = spawnSync(join(folder, 'flotilla'), words, { cwd: folder, encoding: 'utf8' });
    expect(stderr).toContain('prot');
    expect(status).toBe(2);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
