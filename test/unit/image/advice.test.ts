import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { adviseSettings, holdsFiles, type SettingsToAdvise } from '../../../src/image/advice.ts';
import { recognise } from '../../../src/image/recognise.ts';
import { bytesSource } from '../../../src/image/source.ts';

function advised(change: Partial<SettingsToAdvise>): string[] {
  const holds = holdsFiles(['/bin/web', '/etc/web.yml']);
  const settings = { arguments: [], environment: {}, holds, port: 8080 };
  return adviseSettings({ ...settings, ...change }).map(({ name }) => name);
}

describe('advice from settings', () => {
  it.each<[string, Partial<SettingsToAdvise>, string[]]>([
    [
      'a path in an argument that the image lacks',
      { arguments: ['--config=/etc/absent.yml'] },
      ['MissingFile'],
    ],
    ['a path as an argument', { arguments: ['/srv/data'] }, ['MissingFile']],
    ['a path in the environment', { environment: { CONFIG: '/etc/absent.yml' } }, ['MissingFile']],
    ['a path that the image holds', { arguments: ['-c', '/etc/web.yml'], environment: { DIR: '/etc/' } }, []],
    ['a path that the kernel or the program makes', { environment: { TMPDIR: '/tmp', ROOT: '/' } }, []],
    ['what only looks like a path', { arguments: ['//x', '/', 'https://a/b', '/a b'] }, []],
    ['another port than the health check asks', { environment: { PORT: '80' } }, ['PortMismatch']],
    [
      'another port in an address',
      { environment: { LISTEN: ':9000', HTTP_ADDR: '0.0.0.0:9001' } },
      ['PortMismatch', 'PortMismatch'],
    ],
    ['the port of the health check', { environment: { PORT: '8080', ADDR: '[::]:8080' } }, []],
    ['a number that is no port', { environment: { SUPPORT: '80', PORTS: '1' } }, []],
  ])('for %s', (_, change, expected) => {
    expect(advised(change)).toEqual(expected);
  });

  it('is short, whatever is asked for, and tells of ports first', () => {
    const long = `/${'x'.repeat(4000)}`;
    const advice = adviseSettings({
      arguments: Array.from({ length: 256 }, () => long),
      environment: { PORT: '80' },
      holds: () => false,
      port: 8080,
    });
    expect(advice[0]?.name).toBe('PortMismatch');
    expect(advice).toHaveLength(20);
    expect(JSON.stringify(advice).length).toBeLessThan(16_384);
  });

  it('does not look at a path of many slashes once for each of them', () => {
    expect(advised({ environment: { DIR: `/a${'/'.repeat(400_000)}a` } })).toEqual(['MissingFile']);
  });

  it('says what was seen and what to do', () => {
    const [advice] = adviseSettings({
      arguments: ['--config=/x/y'],
      environment: {},
      holds: () => false,
      port: 1,
    });
    expect(advice?.message).toContain('--config=/x/y');
    expect(advice?.message).toContain('image.files');
  });
});

const programs = {
  StartsProcesses: 'package main\n\nimport "os/exec"\n\nfunc main() { exec.Command("true").Run() }\n',
  // The package is imported, and nothing that it starts can be reached.
  none: 'package main\n\nimport "os/exec"\n\nfunc main() { _, err := exec.LookPath("true"); println(err == nil) }\n',
};

describe('advice from a real program', () => {
  if (spawnSync('go', ['version']).status !== 0) {
    it('is given', ({ skip }) => skip('go is not installed'));
    return;
  }
  it.each(Object.entries(programs))(
    'gives %s, for a stripped one too',
    async (name, source) => {
      const folder = mkdtempSync(join(tmpdir(), 'flotilla-advice-'));
      try {
        writeFileSync(join(folder, 'go.mod'), 'module example.com/advised\n\ngo 1.21\n');
        writeFileSync(join(folder, 'main.go'), source);
        for (const flags of ['', '-s -w']) {
          const env = { ...process.env, CGO_ENABLED: '0', GOOS: 'linux', GOARCH: 'amd64', GOFLAGS: '' };
          execFileSync('go', ['build', '-ldflags', flags, '-o', 'program', '.'], { cwd: folder, env });
          const found = await recognise(bytesSource(readFileSync(join(folder, 'program'))));
          expect(found.advice.map((one) => one.name)).toEqual(name === 'none' ? [] : [name]);
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    120_000,
  );
});
