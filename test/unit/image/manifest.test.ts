import { describe, expect, it } from 'vitest';
import {
  type ManifestSettings,
  makeManifest,
  manifestTuple,
  programPath,
  readManifest,
} from '../../../src/image/manifest.ts';
import type { PlainValue, TfsValue } from '../../../src/image/tfs/value.ts';

const malformed = expect.objectContaining({ name: 'DiskMalformed' });

function nested(depth: number): PlainValue {
  return depth === 0 ? 'x' : { in: nested(depth - 1) };
}

describe('a manifest', () => {
  it('gives the program its own name as first argument, and a resolver', () => {
    const manifest = makeManifest({ arguments: ['-v'], environment: { A: '' } }, '/hello');
    expect(manifest.arguments).toEqual(['/hello', '-v']);
    expect(manifest.files).toEqual({ '/etc/resolv.conf': 'nameserver 169.254.169.253\n' });
    const own = makeManifest({ files: { '/etc/resolv.conf': 'nameserver 10.0.0.2\n' } }, '/hello');
    expect(own.files['/etc/resolv.conf']).toBe('nameserver 10.0.0.2\n');
  });

  it('comes back from the root tuple with every key', () => {
    const settings: ManifestSettings = {
      arguments: ['', 'žluť'],
      environment: { B: '2', A: '', __proto__x: 'y' },
      klibs: ['tls', 'ntp'],
      flags: ['noaslr', 'exec_protection'],
      attributes: { mounts: { data: '/mnt' }, notrace: ['read'], coredumplimit: 5, debug: false, own: true },
    };
    expect(readManifest(manifestTuple(makeManifest(settings, '/hello')))).toEqual({
      program: '/hello',
      arguments: ['/hello', '', 'žluť'],
      environment: { A: '', B: '2', __proto__x: 'y' },
      attributes: {
        klibs: 'bootfs',
        noaslr: 't',
        exec_protection: 't',
        mounts: { data: '/mnt' },
        notrace: ['read'],
        coredumplimit: 5,
        own: true,
      },
    });
  });

  it.each<[string, ManifestSettings]>([
    ['an argument with a NUL', { arguments: ['a\0'] }],
    ['a value with a NUL', { environment: { A: 'a\0' } }],
    ['a name with =', { environment: { 'A=B': 'a' } }],
    ['no name at all', { environment: { '': 'a' } }],
    ['half a character', { environment: { A: '\ud83d' } }],
    ['half a character in a file', { files: { '/a': '\ud83d' } }],
    ['a relative path', { files: { 'etc/motd': '' } }],
    ['a path with ..', { files: { '/etc/../motd': '' } }],
    ['a path that ends in a slash', { files: { '/etc/': '' } }],
    ['a file in place of the program', { files: { '/hello': '' } }],
    ['a file below the program', { files: { '/hello/x': '' } }],
    ['a file below a file', { files: { '/etc/resolv.conf/x': '' } }],
    ['a flag that would replace the files', { flags: ['children'] }],
    ['a key that would make the root a file', { attributes: { extents: {} } }],
    ['a key that has a setting of its own', { attributes: { program: '/x' } }],
    ['a fraction', { attributes: { coredumplimit: 1.5 } }],
    ['a volume over a file', { files: { '/data': '' }, attributes: { mounts: { x: '/data' } } }],
    ['a volume below a file', { files: { '/data': '' }, attributes: { mounts: { x: '/data/x' } } }],
    ['a volume nowhere', { attributes: { mounts: { x: 'data' } } }],
    ['a path of more names than readers follow', { files: { ['/a'.repeat(250)]: '' } }],
    ['a value nested deeper than it could be read', { attributes: { own: nested(40) } }],
  ])('cannot have %s', (_, settings) => {
    expect(() => makeManifest(settings, '/hello')).toThrow(
      expect.objectContaining({ name: 'ManifestInvalid' }),
    );
  });

  it.each<[string, TfsValue][]>([
    [['program', '']],
    [['program', 5n]],
    [['arguments', 'text']],
    [['arguments', [5n]]],
    [['environment', []]],
    [['environment', new Map([['A', 5n]])]],
  ])('is malformed on a disk with %s', (entry) => {
    expect(() => readManifest(new Map<string, TfsValue>([['program', '/x'], entry]))).toThrow(malformed);
  });

  it.each<[string, string, TfsValue]>([
    ['path', 'program', `/${'x'.repeat(1024)}`],
    ['value in the environment', 'environment', new Map([['A', 'x'.repeat(400_000)]])],
    ['name in the environment', 'environment', new Map([['x'.repeat(400_000), 'A']])],
  ])('is malformed on a disk with too long a %s', (_, key, value) => {
    const root = new Map([['program', '/x'] as const, [key, value] as const]);
    expect(() => readManifest(root)).toThrow(malformed);
  });

  it('is malformed on a disk where a key leads into itself', () => {
    const circle = new Map<string, TfsValue>();
    circle.set('again', circle);
    expect(() =>
      readManifest(
        new Map<string, TfsValue>([
          ['program', '/x'],
          ['mounts', circle],
        ]),
      ),
    ).toThrow(malformed);
  });

  it('is malformed on a disk whose keys share what is too much for all of them together', () => {
    // Half of what one may have, under a hundred keys.
    const shared = new Map(Array.from({ length: 50_000 }, (_, i) => [`${i}`, 'x']));
    const root = new Map<string, TfsValue>([['program', '/x']]);
    for (let i = 0; i < 100; i += 1) root.set(`key ${i}`, shared);
    expect(() => readManifest(root)).toThrow(malformed);
  });

  it('is malformed on a disk whose keys share bytes that would be too many texts', () => {
    const long = new Uint8Array(1_048_576);
    const root = new Map<string, TfsValue>([['program', '/x']]);
    for (let i = 0; i < 40; i += 1) root.set(`key ${i}`, long);
    expect(() => readManifest(root)).toThrow(malformed);
  });

  it('takes an untyped buffer for a text, as the kernel does', () => {
    const [program, setting] = [Buffer.from('/x'), Buffer.from('ü\xff', 'latin1')];
    const root = new Map<string, TfsValue>([
      ['program', program],
      ['arguments', [program, '']],
      [
        'environment',
        new Map<string, TfsValue>([
          ['A', setting],
          ['B', new Uint8Array(1)],
        ]),
      ],
    ]);
    expect(readManifest(root)).toEqual({
      program: '/x',
      arguments: ['/x', ''],
      environment: { A: '\\xfc\\xff', B: '' },
      attributes: {},
    });
  });

  it('reads the arguments of older disks in the order of their numbers', () => {
    const numbered = new Map(['10', '2', '0'].map((key) => [key, `argument ${key}`]));
    const root = new Map<string, TfsValue>([
      ['program', '/x'],
      ['arguments', numbered],
    ]);
    expect(readManifest(root).arguments).toEqual(['argument 0', 'argument 2', 'argument 10']);
  });
});

describe('the path of a program', () => {
  it.each([
    ['example.com/shop/cmd/api', '/bin/api'],
    ['example.com/shop/v2', '/bin/shop'],
    ['v2', '/bin/v2'],
    ['example.com/etc', '/bin/etc'],
    ['hello', '/bin/hello'],
    ['command-line-arguments', '/bin/program'],
    ['', '/bin/program'],
    ['example.com/..', '/bin/example.com'],
    ['example.com/ä', '/bin/example.com'],
  ])('of the package %s is %s', (path, expected) => {
    expect(programPath({ goVersion: 'go1.26.8', path, deps: [], settings: {} })).toBe(expected);
  });
});
