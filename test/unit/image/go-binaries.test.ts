import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type GoBuildInfo, type GoModule, readBuildInfo } from '../../../src/image/build-info.ts';
import { parseElf } from '../../../src/image/elf.ts';
import { recognise } from '../../../src/image/recognise.ts';
import { bytesSource } from '../../../src/image/source.ts';

const hasTools = [spawnSync('go', ['version']), spawnSync('git', ['--version'])].every(
  ({ status }) => status === 0,
);

/** A C compiler with a static libc for this machine: without one, the variant that wants them is left out. */
const hasCompiler =
  process.arch === 'x64' &&
  spawnSync('gcc', ['-static-pie', '-x', 'c', '-', '-o', '/dev/null'], {
    input: 'int main(void) { return 0; }',
  }).status === 0;

/** Real programs that differ in what the reader must cope with; they import nothing, so that building is quick. */
const variants: {
  readonly name: string;
  readonly goarch: string;
  readonly flags: readonly string[];
  readonly kind: string;
  readonly env?: Readonly<Record<string, string>>;
}[] = [
  { name: 'plain', goarch: 'amd64', flags: [], kind: 'go-elf' },
  {
    name: 'stripped and trimmed, with linker flags',
    goarch: 'amd64',
    flags: ['-trimpath', '-ldflags=-s -w -X "main.note=a b"'],
    kind: 'go-elf',
  },
  {
    name: 'position independent',
    goarch: 'amd64',
    flags: ['-buildmode=pie'],
    kind: 'ArtifactDynamicallyLinked',
  },
  {
    name: 'position independent, by the inner linker',
    goarch: 'amd64',
    flags: ['-buildmode=pie', '-ldflags=-linkmode internal -s'],
    kind: 'ArtifactDynamicallyLinked',
  },
  {
    // it is of type 3 with neither an interpreter nor a dynamic section, and Linux cannot run it either
    name: 'position independent, with nobody to move it',
    goarch: 'amd64',
    flags: ['-buildmode=pie', '-ldflags=-linkmode internal -d'],
    kind: 'ArtifactNotExecutable',
  },
  { name: 'for newer processors', goarch: 'amd64', flags: [], kind: 'go-elf', env: { GOAMD64: 'v3' } },
  { name: 'for arm64', goarch: 'arm64', flags: [], kind: 'go-elf' },
  { name: 'for arm64, stripped', goarch: 'arm64', flags: ['-trimpath', '-ldflags=-s -w'], kind: 'go-elf' },
  {
    name: 'for arm64, position independent',
    goarch: 'arm64',
    flags: ['-buildmode=pie'],
    kind: 'ArtifactDynamicallyLinked',
  },
  // moves itself: C's start code does it
  ...(hasCompiler
    ? [
        {
          name: 'position independent and static',
          goarch: 'amd64',
          flags: ['-buildmode=pie', '-ldflags=-linkmode external -extldflags "-static-pie"'],
          kind: 'go-elf',
          env: { CGO_ENABLED: '1' },
        },
      ]
    : []),
];

let folder = '';
const built = new Map<string, string>();

/** GOFLAGS is emptied because a machine may turn the stamps of version control off for everybody. */
function go(args: readonly string[], goarch: string, more: Readonly<Record<string, string>> = {}): string {
  const env = {
    ...process.env,
    GOFLAGS: '',
    GOOS: 'linux',
    GOARCH: goarch,
    CGO_ENABLED: '0',
    GOPROXY: 'off',
    ...more,
  };
  return execFileSync('go', args, { cwd: join(folder, 'shop'), env, encoding: 'utf8' });
}

function writeModule(name: string, files: Record<string, string>): void {
  mkdirSync(join(folder, name), { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, name, file), text);
}

/** What `go version -m` prints, back into its parts. */
function facts(info: GoBuildInfo): string[] {
  const line = (word: string, { path, version, sum }: GoModule) =>
    `${word}\t${path}\t${version}\t${sum ?? ''}`;
  const replaced = (module: GoModule) => (module.replace ? [line('=>', module.replace)] : []);
  return [
    `path\t${info.path}`,
    ...(info.main ? [line('mod', info.main)] : []),
    ...info.deps.flatMap((dep) => [line('dep', dep), ...replaced(dep)]),
    ...Object.entries(info.settings).map(([key, value]) => `build\t${key}=${value}`),
  ];
}

describe('a program built here', () => {
  if (!hasTools) {
    it('is read', ({ skip }) => skip('go or git is not installed'));
    return;
  }

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'flotilla-go-'));
    writeModule('greet', {
      'go.mod': 'module example.com/greet\n\ngo 1.21\n',
      'greet.go': 'package greet\n\nfunc Text() string { return "hello" }\n',
    });
    writeModule('shop', {
      'go.mod':
        'module example.com/shop\n\ngo 1.21\n\nrequire example.com/greet v1.0.0\n\nreplace example.com/greet v1.0.0 => ../greet\n',
      'main.go':
        'package main\n\nimport "example.com/greet"\n\nvar note string\n\nfunc main() { println(greet.Text(), note) }\n',
    });
    const git = (...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.com', ...args], { cwd: folder });
    git('init', '-q');
    git('add', '.');
    git('commit', '-q', '-m', 'first');
    for (const [i, { name, goarch, flags, env }] of variants.entries()) {
      const out = join(folder, `program-${i}`);
      go(['build', '-buildvcs=true', '-o', out, ...flags, '.'], goarch, env);
      built.set(name, out);
    }
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(variants)('$name: is read as go version -m reads it, and recognised as $kind', async (variant) => {
    const path = built.get(variant.name) ?? '';
    const source = bytesSource(readFileSync(path));
    const info = await readBuildInfo(source, await parseElf(source));
    const [head = '', ...lines] = go(['version', '-m', path], 'amd64').trimEnd().split('\n');
    expect(info.goVersion).toBe(head.split(': ')[1]);
    // its value is quoted when printed; the reader takes the quotes off
    const unquoted = lines
      .map((line) => line.trim().replace(/=("(?:.*)")$/, (_, q) => `=${JSON.parse(q)}`))
      .filter((line) => line !== ''); // go prints one behind a replacement without a sum
    expect(facts(info).map((line) => line.trim())).toEqual(unquoted);
    // the first one was built from a clean checkout, in which it then lay about
    expect(info.vcs).toMatchObject({ system: 'git', modified: variant.name !== 'plain' });
    expect(info.deps[0]?.replace?.path).toBe('../greet');
    await expect(
      recognise(source).then(
        ({ kind }) => kind,
        (error: Error) => error.name,
      ),
    ).resolves.toBe(variant.kind);
  });

  it('is refused when it is cut short anywhere', async () => {
    const whole = readFileSync(built.get('plain') ?? '');
    for (const part of [0.1, 0.5, 0.9, 0.999]) {
      const cut = bytesSource(whole.subarray(0, Math.floor(whole.length * part)));
      await expect(recognise(cut)).rejects.toMatchObject({ name: 'ArtifactMalformed' });
    }
  });
});
