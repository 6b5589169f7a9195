import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type Advice,
  adviceInImage,
  adviseSettings,
  holdsFiles,
  type SettingsToAdvise,
} from '../../../src/image/advice.ts';
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

describe('advice on certificates', () => {
  const advice: Advice[] = [
    { name: 'StartsProcesses', message: '' },
    { name: 'NoRootCertificates', message: '' },
  ];
  const kept = (files: string[], environment: Record<string, string> = {}): boolean =>
    adviceInImage(advice, { environment, holds: holdsFiles(files) }).length === 2;

  it.each<[string, boolean, string[], Record<string, string>?]>([
    ['in an image that holds none', true, ['/bin/web', '/etc/resolv.conf', '/etc/ssl/openssl.cnf']],
    ['not where a bundle is', false, ['/etc/ssl/certs/ca-certificates.crt']],
    ['not where one of a folder is', false, ['/etc/ssl/certs/own.pem']],
    ['not where a variable leads to one', false, ['/own.pem'], { SSL_CERT_FILE: '/own.pem' }],
    ['not where a variable names its folder', false, ['/b/own.pem'], { SSL_CERT_DIR: '/a:/b' }],
    ['where a variable leads astray', true, ['/etc/ssl/cert.pem'], { SSL_CERT_FILE: '/absent.pem' }],
    ['as ever for an empty variable', false, ['/etc/ssl/cert.pem'], { SSL_CERT_FILE: '' }],
  ])('is given %s', (_, expected, files, environment) => {
    expect(kept(files, environment)).toBe(expected);
  });
});

/** A program of these imports that does this, and what is said of it. */
const programs: readonly [what: string, expected: string[], imports: string[], body: string][] = [
  [
    'StartsProcesses where one starts another',
    ['StartsProcesses'],
    ['os/exec'],
    'exec.Command("true").Run()',
  ],
  // The package is imported, and nothing that it starts can be reached.
  [
    'nothing where none can be started',
    [],
    ['os/exec'],
    '_, err := exec.LookPath("true"); println(err == nil)',
  ],
  [
    'NoRootCertificates of an HTTP client',
    ['NoRootCertificates'],
    ['net/http'],
    '_, err := http.Get("https://a.test"); println(err == nil)',
  ],
  [
    'NoRootCertificates of a server that is a client, too',
    ['NoRootCertificates'],
    ['crypto/tls', 'net/http'],
    '_, err := tls.Dial("tcp", "a.test:443", nil); println(err == nil, http.ListenAndServe(":80", nil) == nil)',
  ],
  [
    'NoRootCertificates of a driver that shakes hands itself',
    ['NoRootCertificates'],
    ['crypto/tls', 'net'],
    'a, _ := net.Pipe(); println(tls.Client(a, &tls.Config{ServerName: "a.test"}).Handshake() == nil)',
  ],
  // Each server has functions of a TLS client, which it never calls.
  ['nothing of a server', [], ['net/http'], 'println(http.ListenAndServe(":80", nil) == nil)'],
  [
    'nothing of a server of TLS',
    [],
    ['net/http'],
    'println(http.ListenAndServeTLS(":443", "a", "b", nil) == nil)',
  ],
  // As golang.org/x/crypto/x509roots/fallback does when it is imported.
  [
    'nothing where there are roots to fall back on',
    [],
    ['crypto/x509', 'net/http'],
    'x509.SetFallbackRoots(x509.NewCertPool()); _, err := http.Get("https://a.test"); println(err == nil)',
  ],
];

describe('advice from a real program', () => {
  if (spawnSync('go', ['version']).status !== 0) {
    it('is given', ({ skip }) => skip('go is not installed'));
    return;
  }
  it.each(programs)(
    'is %s, stripped or not',
    async (_, expected, imports, body) => {
      const folder = mkdtempSync(join(tmpdir(), 'flotilla-advice-'));
      try {
        writeFileSync(join(folder, 'go.mod'), 'module example.com/advised\n\ngo 1.21\n');
        const lines = imports.map((path) => `import "${path}"`).join('\n');
        writeFileSync(join(folder, 'main.go'), `package main\n\n${lines}\n\nfunc main() {\n\t${body}\n}\n`);
        for (const flags of ['', '-s -w']) {
          const env = { ...process.env, CGO_ENABLED: '0', GOOS: 'linux', GOARCH: 'amd64', GOFLAGS: '' };
          execFileSync('go', ['build', '-ldflags', flags, '-o', 'program', '.'], { cwd: folder, env });
          const found = await recognise(bytesSource(readFileSync(join(folder, 'program'))));
          expect(found.advice.map((one) => one.name)).toEqual(expected);
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    120_000,
  );
});
