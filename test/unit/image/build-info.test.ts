import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseModules, readBuildInfo } from '../../../src/image/build-info.ts';
import { parseElf } from '../../../src/image/elf.ts';
import { bytesSource } from '../../../src/image/source.ts';
import { inlineBuildInfo, loadAddress, makeElf, pointedBuildInfo } from './elf-maker.ts';

const text = [
  'path\texample.com/shop/cmd/shop',
  'mod\texample.com/shop\tv1.2.3\th1:main=',
  'dep\tgolang.org/x/text\tv0.14.0\th1:text=',
  'dep\tgithub.com/old/name\tv1.0.0',
  '=>\tgithub.com/new/name\tv1.0.1\th1:new=',
  'dep\texample.com/local\tv0.0.0',
  '=>\t../local\t(devel)\t',
  'build\t-buildmode=exe',
  'build\t-ldflags="-X main.name=\\"a b\\" -s"',
  'build\t"odd key"=`raw`',
  'build\tGOOS=linux',
  'build\tvcs=git',
  'build\tvcs.revision=999674e0803d491946a4aa93e77cb83c5988503a',
  'build\tvcs.time=2026-01-02T03:04:05Z',
  'build\tvcs.modified=true',
  'later\tword',
  '',
].join('\n');

async function readFrom(data: Uint8Array, address?: bigint) {
  const source = bytesSource(
    makeElf({
      segments: [
        { type: 1, flags: 5, bytes: Buffer.from('code') },
        { type: 1, flags: 6, bytes: data, ...(address !== undefined && { address }) },
      ],
    }),
  );
  return readBuildInfo(source, await parseElf(source));
}

describe('the build information of Go', () => {
  it.each([
    ['path', (long: string) => `path\t${long}\n`],
    ['module', (long: string) => `path\tx\nmod\t${long}\tv1\n`],
    ['version', (long: string) => `path\tx\nmod\tx\t${long}\n`],
    ['commit', (long: string) => `path\tx\nbuild\tvcs=git\nbuild\tvcs.revision=${long}\n`],
    ['time', (long: string) => `path\tx\nbuild\tvcs=git\nbuild\tvcs.time=${long}\n`],
    ['system', (long: string) => `path\tx\nbuild\tGOOS=${long}\n`],
  ])('is malformed where its %s would not fit where it is told', (_, lines) => {
    expect(() => parseModules(lines('x'.repeat(1024)))).not.toThrow();
    expect(() => parseModules(lines('x'.repeat(1025)))).toThrow(
      expect.objectContaining({ name: 'ArtifactMalformed' }),
    );
  });

  it('may name many modules, and long settings', () => {
    const deps = Array.from({ length: 2000 }, (_, i) => `dep\texample.com/${i}\tv1.0.0\n`).join('');
    const found = parseModules(`path\tx\n${deps}build\t-ldflags=${'-X a=b '.repeat(1000)}\n`);
    expect(found.deps).toHaveLength(2000);
  });

  it('holds modules, replacements, settings and the commit', () => {
    expect(parseModules(text)).toEqual({
      path: 'example.com/shop/cmd/shop',
      main: { path: 'example.com/shop', version: 'v1.2.3', sum: 'h1:main=' },
      deps: [
        { path: 'golang.org/x/text', version: 'v0.14.0', sum: 'h1:text=' },
        {
          path: 'github.com/old/name',
          version: 'v1.0.0',
          replace: { path: 'github.com/new/name', version: 'v1.0.1', sum: 'h1:new=' },
        },
        { path: 'example.com/local', version: 'v0.0.0', replace: { path: '../local', version: '(devel)' } },
      ],
      settings: {
        '-buildmode': 'exe',
        '-ldflags': '-X main.name="a b" -s',
        'odd key': 'raw',
        GOOS: 'linux',
        vcs: 'git',
        'vcs.revision': '999674e0803d491946a4aa93e77cb83c5988503a',
        'vcs.time': '2026-01-02T03:04:05Z',
        'vcs.modified': 'true',
      },
      vcs: {
        system: 'git',
        revision: '999674e0803d491946a4aa93e77cb83c5988503a',
        time: '2026-01-02T03:04:05Z',
        modified: true,
      },
    });
  });

  it('is read where the texts stand behind the header', async () => {
    const info = await readFrom(inlineBuildInfo('go1.26.8', text));
    expect(info).toEqual({ goVersion: 'go1.26.8', ...parseModules(text) });
  });

  it('is read where the header points to the texts', async () => {
    const address = loadAddress + 4096n + 16n; // the second segment of the maker
    const info = await readFrom(pointedBuildInfo('go1.17.13', text, address));
    expect(info).toEqual({ goVersion: 'go1.17.13', ...parseModules(text) });
  });

  it('is found behind other data, but only where it is aligned in memory', async () => {
    const decoy = Buffer.concat([Buffer.alloc(8), inlineBuildInfo('go0.0', '')]);
    const padding = Buffer.alloc(16 - (decoy.length % 16));
    const info = await readFrom(Buffer.concat([decoy, padding, inlineBuildInfo('go1.26.8', text)]));
    expect(info.goVersion).toBe('go1.26.8');
  });

  it('is found across the border of what is searched at once', async () => {
    const data = Buffer.concat([Buffer.alloc(1_048_576 - 8), inlineBuildInfo('go1.26.8', text)]);
    expect((await readFrom(data, 0x500008n)).goVersion).toBe('go1.26.8');
  });

  it('without the line end before its closing mark says nothing of modules', async () => {
    const info = await readFrom(inlineBuildInfo('go1.26.8', 'path\texample.com/cut'));
    expect(info).toEqual({ goVersion: 'go1.26.8', path: '', deps: [], settings: {} });
  });

  it.each([
    ['without any', Buffer.from('no magic here'), 'ArtifactNotGo'],
    ['without a version', inlineBuildInfo('', text), 'ArtifactNotGo'],
    ['cut off behind the magic', inlineBuildInfo('go1.26.8', text).subarray(0, 16), 'ArtifactNotGo'],
    ['cut off behind the header', inlineBuildInfo('go1.26.8', text).subarray(0, 32), 'ArtifactMalformed'],
    ['with a pointer to nowhere', pointedBuildInfo('go1.17', text, 0x10n), 'ArtifactMalformed'],
    ['with half a module line', inlineBuildInfo('go1.26.8', 'mod\tx\n'), 'ArtifactMalformed'],
    ['with a replacement of nothing', inlineBuildInfo('go1.26.8', '=>\tx\tv1\n'), 'ArtifactMalformed'],
    ['with an open quote', inlineBuildInfo('go1.26.8', 'build\tx="y\n'), 'ArtifactMalformed'],
  ])('%s is refused', async (_, data, name) => {
    await expect(readFrom(data)).rejects.toMatchObject({ name });
  });

  it('that claims a length beyond the file is malformed', async () => {
    const data = inlineBuildInfo('go1.26.8', 'x'.repeat(50)); // 82 bytes with the marks
    data[41] = 127; // the length of the module text
    await expect(readFrom(data)).rejects.toThrow(/outside the file/);
  });

  it('that is longer than any of Go is malformed', async () => {
    await expect(readFrom(inlineBuildInfo('go'.repeat(1000), text))).rejects.toThrow(/2000 bytes/);
  });

  it('keeps any setting whose value Go quotes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (value) => {
        // JSON's quotes are a subset of Go's, but for \/ which neither writes
        const { settings } = parseModules(`build\tkey=${JSON.stringify(value)}\n`);
        expect(settings).toEqual({ key: value });
      }),
    );
  });
});
