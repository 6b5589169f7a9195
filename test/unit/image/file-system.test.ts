import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DiskPlan, makePlan, readPlan } from '../../../src/image/extents.ts';
import { type ByteSource, bytesSource } from '../../../src/image/source.ts';
import { ByteWriter } from '../../../src/image/tfs/bytes.ts';
import { encodeTuple } from '../../../src/image/tfs/encode.ts';
import { find, openFile, readFileSystem, walk } from '../../../src/image/tfs/file-system.ts';
import { readLog, uuidText, writeLog } from '../../../src/image/tfs/log.ts';
import { type FileSystemInput, planFileSystem } from '../../../src/image/tfs/plan.ts';
import type { TfsValue } from '../../../src/image/tfs/value.ts';
import { tree } from './trees.ts';

const uuid = Uint8Array.from({ length: 16 }, (_, i) => i * 16 + i);

function planned(input: Partial<FileSystemInput>): DiskPlan {
  const plan = planFileSystem({ uuid, attributes: new Map(), files: [], ...input });
  return makePlan(Math.max(plan.usedBytes, 1_048_576), plan.extents);
}

function file(path: string, content: string | Uint8Array) {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return { path, sizeBytes: bytes.length, from: { bytes } };
}

/** Everything in a file system: each path with its content, target, or nothing for a directory. */
async function contents(source: ByteSource): Promise<Record<string, unknown>> {
  const fs = await readFileSystem(source);
  const all: [string, unknown][] = [];
  for (const node of walk(fs)) {
    if (node.kind === 'directory') all.push([node.path, null]);
    else if (node.kind === 'symlink') all.push([node.path, { target: node.target }]);
    else {
      const bytes = await openFile(fs, node).read(0, node.sizeBytes);
      all.push([node.path, Buffer.from(bytes).toString('hex')]);
    }
  }
  return Object.fromEntries(all);
}

describe('a file system', () => {
  it('reads back the same, for any tree', async () => {
    await fc.assert(
      fc.asyncProperty(tree, async ({ files, symlinks }) => {
        const plan = planned({
          files: [...files].map(([path, bytes]) => file(path, bytes)),
          symlinks: Object.fromEntries(symlinks),
        });
        const got = await contents(readPlan(plan, {}));
        const leaves = Object.entries(got).filter(([, content]) => content !== null);
        expect(Object.fromEntries(leaves)).toEqual({
          ...Object.fromEntries(
            [...files].map(([path, bytes]) => [path, Buffer.from(bytes).toString('hex')]),
          ),
          ...Object.fromEntries([...symlinks].map(([path, target]) => [path, { target }])),
        });
      }),
      { numRuns: 60 },
    );
  });

  it('has the same bytes, in whatever order its files are named', async () => {
    await fc.assert(
      fc.asyncProperty(tree, fc.integer(), async ({ files, symlinks }, seed) => {
        const entries = [...files].map(([path, bytes]) => file(path, bytes));
        const shuffled = [...entries].sort((a, b) => hash(a.path, seed) - hash(b.path, seed));
        const one = planned({ files: entries, symlinks: Object.fromEntries(symlinks) });
        const other = planned({ files: shuffled, symlinks: Object.fromEntries([...symlinks].reverse()) });
        expect(await whole(one)).toEqual(await whole(other));
      }),
      { numRuns: 25 },
    );
  });

  it('keeps its UUID, label, attributes and empty directories', async () => {
    const attributes = new Map<string, TfsValue>([
      ['program', '/a'],
      ['custom', ['x', 5n]],
    ]);
    const plan = planned({
      attributes,
      label: 'data ✓',
      directories: ['/mnt/vol', '/tmp'],
      files: [file('/tmp/a', 'x')],
    });
    const fs = await readFileSystem(readPlan(plan, {}));
    expect(uuidText(fs.uuid)).toBe('00112233-4455-6677-8899-aabbccddeeff');
    expect(fs.label).toBe('data ✓');
    expect(fs.root.get('custom')).toEqual(['x', 5n]);
    expect([...walk(fs)].map(({ path }) => path)).toEqual(['/', '/mnt', '/mnt/vol', '/tmp', '/tmp/a']);
  });

  it('spreads a log that does not fit into one extension over several', async () => {
    const files = Array.from({ length: 30_000 }, (_, i) =>
      file(`/many/${i % 100}/file-${i}-with-a-long-name`, i < 5 ? `${i}` : ''),
    );
    const plan = planned({ files });
    const source = readPlan(plan, {});
    const fs = await readFileSystem(source);
    expect(fs.extensions.length).toBeGreaterThan(3);
    expect([...walk(fs)].filter(({ kind }) => kind === 'file')).toHaveLength(30_000);
    const third = find(fs, '/many/3/file-3-with-a-long-name');
    expect(third?.kind === 'file' && Buffer.from(await openFile(fs, third).read(0, 9)).toString()).toBe('3');
  });

  it('follows symbolic links, and gives up where they lead in a circle or nowhere', async () => {
    const plan = planned({
      files: [file('/bin/app-1.0', 'elf')],
      symlinks: {
        '/app': 'bin/current',
        '/bin/current': './app-1.0',
        '/abs': '/app',
        '/bin/up': '../../app',
        '/loop': 'loop',
        '/gone': 'x',
      },
    });
    const fs = await readFileSystem(readPlan(plan, {}));
    for (const path of ['/app', 'app', '/abs', '/bin/up', '/bin/./current']) {
      expect(find(fs, path), path).toMatchObject({ kind: 'file', path: '/bin/app-1.0' });
    }
    for (const path of ['/loop', '/gone', '/bin/app-1.0/x', '/nothing'])
      expect(find(fs, path)).toBeUndefined();
    expect(find(fs, '/')).toMatchObject({ kind: 'directory', path: '/' });
  });

  it('finds nothing under a path that is longer than Linux takes, and says so at once', async () => {
    const plan = planned({
      files: [file('/bin/app', 'elf')],
      symlinks: { '/long': `bin/${'./'.repeat(2046)}`, '/longer': `bin/${'./'.repeat(2047)}` },
    });
    const fs = await readFileSystem(readPlan(plan, {}));
    expect(find(fs, `${'/.'.repeat(2044)}/bin/app`)).toMatchObject({ kind: 'file' });
    expect(find(fs, `${'/.'.repeat(2045)}/bin/app`)).toBeUndefined();
    // Copying what is left at each of ten million names would take for ever.
    expect(find(fs, '/.'.repeat(10_000_000))).toBeUndefined();
    expect(find(fs, '/long')).toMatchObject({ path: '/bin' });
    expect(find(fs, '/longer')).toBeUndefined();
    expect(find(fs, '/long/app')).toBeUndefined();
  });

  it.each([
    ['a path of more names than readers follow', ['/a'.repeat(250)]],
    ['a relative path', ['a']],
    ['a path with ..', ['/a/../b']],
    ['a path with an empty part', ['/a//b']],
    ['a path twice', ['/a', '/a']],
    ['a file in a file', ['/a', '/a/b']],
    ['a directory over a file', ['/a/b', '/a']],
  ])('cannot be planned with %s', (_, paths) => {
    expect(() => planned({ files: paths.map((path) => file(path, 'x')) })).toThrow(RangeError);
  });
});

describe('the places of files', () => {
  const KiB = 1024;
  /** First sector of each file by path. */
  async function placesOf(sizes: Record<string, number>, mainPath: string): Promise<Record<string, number>> {
    const files = Object.entries(sizes).map(([path, sizeBytes]) =>
      file(path, new Uint8Array(sizeBytes).fill(1)),
    );
    const fs = await readFileSystem(readPlan(planned({ files, mainPath }), {}));
    const nodes = [...walk(fs)].flatMap((node) => (node.kind === 'file' ? [node] : []));
    return Object.fromEntries(nodes.map(({ path, extents }) => [path, extents[0]?.offset ?? -1]));
  }

  it('are behind the log for small ones, as long as they fit before the main one', async () => {
    const sizes = { '/a': 500 * KiB, '/b': 11 * KiB + 512, '/c': 1, '/main': 1 };
    expect(await placesOf(sizes, '/main')).toEqual({ '/a': 1025, '/b': 2025, '/main': 2048, '/c': 3072 });
    expect(await placesOf({ ...sizes, '/b': 12 * KiB }, '/main')).toEqual({
      '/a': 1025,
      '/b': 3072, // it would have ended one sector too late
      '/c': 2025,
      '/main': 2048,
    });
  });

  it('are at a boundary of blocks for the main one, for what follows it, and for large ones', async () => {
    const sizes = { '/a': 511 * KiB, '/b': 3 * KiB, '/c': 600 * KiB, '/main': 513 * KiB };
    expect(await placesOf(sizes, '/main')).toEqual({ '/a': 1025, '/b': 4096, '/c': 5120, '/main': 2048 });
  });
});

function hash(text: string, seed: number): number {
  return Buffer.from(text).reduce((sum, byte) => Math.imul(sum ^ byte, 0x01000193), seed);
}

async function whole(plan: DiskPlan): Promise<Buffer> {
  return Buffer.from(await readPlan(plan, {}).read(0, plan.sizeBytes));
}

/** A file system of the given root tuple, without anything else. */
async function fileSystemOf(tuple: readonly number[] | Uint8Array, change?: (disk: Buffer) => void) {
  const disk = Buffer.alloc(1_048_576);
  for (const { sector, bytes } of writeLog(Uint8Array.from(tuple), {
    uuid,
    label: '',
    extensionSectors: [1],
  })) {
    disk.set(bytes, sector * 512);
  }
  change?.(disk);
  return readFileSystem(bytesSource(disk));
}

const name = (text: string) => [0x80 | text.length, ...Buffer.from(text)];
const longName = (text: string) => [0x88, text.length, ...Buffer.from(text)];

function oneFile(filelength: string, extents: TfsValue): Uint8Array {
  const node = new Map<string, TfsValue>([
    ['filelength', filelength],
    ['extents', extents],
  ]);
  return encodeTuple(new Map([['children', new Map([['f', node]])]]));
}

describe('a file whose bytes are not all there', () => {
  const extents = new Map([
    [
      '2',
      new Map<string, TfsValue>([
        ['offset', '1030'],
        ['length', 2n],
      ]),
    ],
    [
      '5',
      new Map<string, TfsValue>([
        ['offset', 40n],
        ['length', '1'],
        ['uninited', new Uint8Array(1)],
      ]),
    ],
  ]);
  const tuple = oneFile('4000', extents);

  it('reads as zeros where nothing was written, and true elsewhere', async () => {
    const fs = await fileSystemOf(tuple, (disk) =>
      disk.fill(7, 1030 * 512, 1032 * 512).fill(9, 40 * 512, 41 * 512),
    );
    const node = find(fs, '/f');
    if (node?.kind !== 'file') throw new Error('no file');
    const bytes = Buffer.from(await openFile(fs, node).read(0, 5000));
    expect(bytes).toEqual(
      Buffer.concat([Buffer.alloc(1024), Buffer.alloc(1024, 7), Buffer.alloc(4000 - 2048)]),
    );
    expect(await openFile(fs, node).read(2000, 100)).toEqual(new Uint8Array(100).fill(7, 0, 48));
  });
});

describe('a file with a length and nothing else', () => {
  it('reads as zeros', async () => {
    const fs = await fileSystemOf(
      encodeTuple(new Map([['children', new Map([['f', new Map([['filelength', 700n]])]])]])),
    );
    const node = find(fs, '/f');
    if (node?.kind !== 'file') throw new Error('no file');
    expect(await openFile(fs, node).read(0, 1000)).toEqual(new Uint8Array(700));
  });
});

describe('names that are no UTF-8', () => {
  const directories = (...names: number[][]) => [
    0x91,
    ...longName('children'),
    0x80 | 0x10 | names.length,
    ...names.flatMap((bytes) => [0x80 | bytes.length, ...bytes, 0x90]),
  ];

  it('are told byte by byte, and stay apart', async () => {
    const fs = await fileSystemOf(directories([0xff], [0xfe], [0x61, 0xc3, 0xbc]));
    expect([...walk(fs)].map(({ path }) => path)).toEqual(['/', '/\\xff', '/\\xfe', '/aü']);
  });

  it('must be of the type that names have', async () => {
    // root { 'x' as a string: … }
    await expect(fileSystemOf([0x91, 0xc1, 0x78, 0x90])).rejects.toMatchObject({ name: 'DiskMalformed' });
  });
});

describe('a later tuple of a log', () => {
  it('adds to an earlier one by its number, changes it and deletes from it', async () => {
    // root #1 { a #2: {} #3, b #4: 'x' }; then #3 { c #5: 'y' }; then #1 { b: nothing, d #6: -5 }
    const records = [
      [0x92, ...name('a'), 0x90, ...name('b'), 0xc1, 0x78],
      [0x11, 3, ...name('c'), 0xc1, 0x79],
      [0x12, 1, 0x04, 0x80, ...name('d'), 0xb1, 5],
    ];
    const fs = await fileSystemOf([0x90], (disk) =>
      disk.set([...records.flatMap((bytes) => [2, bytes.length, bytes.length, ...bytes, 4]), 1], 521),
    );
    expect(fs.root).toEqual(
      new Map<string, TfsValue>([
        ['a', new Map([['c', 'y']])],
        ['d', -5n],
      ]),
    );
  });
});

describe('a file system that contradicts itself', () => {
  const one = [0x90];
  // the link of the first sector stands at 25, the first record of the extension at 521
  it.each<[string, RegExp, (disk: Buffer) => void]>([
    ['a link back to the log itself', /back into itself/, (disk) => disk.set([5, 1, 0x88, 0], 521)],
    ['a link outside', /outside/, (disk) => disk.set([5, 0xff, 0xff, 0x7f, 0x88, 0], 25)],
    ['a link to nothing', /0 sectors/, (disk) => disk.set([5, 1, 0], 25)],
    ['a link to too much', /2097151 sectors/, (disk) => disk.set([5, 1, 0xff, 0xff, 0x7f], 25)],
    ['an extension without its signature', /signature/, (disk) => disk.fill(0, 512, 518)],
    ['a length that its link does not name', /says 896 sectors/, (disk) => disk.set([0x87], 519)],
    ['a version from the future', /version 6/, (disk) => disk.set([6], 6)],
    ['a label without an end', /label/, (disk) => disk.fill(0x61, 24, 512)],
    ['a record that does not exist', /kind 9/, (disk) => disk.set([9], 521)],
    ['a part of a tuple that was never begun', /more of a tuple/, (disk) => disk.set([3, 1, 0x90], 521)],
    ['a tuple that never ends', /not finished/, (disk) => disk.set([2, 5, 1, 0x90, 1], 521)],
    ['a tuple begun in another', /not finished/, (disk) => disk.set([2, 5, 1, 0x90, 2, 1, 1, 0x90, 1], 521)],
    ['a part longer than its tuple', /longer than/, (disk) => disk.set([2, 1, 2, 0x90, 0x90, 1], 521)],
    ['more of a tuple than announced', /more of/, (disk) => disk.set([2, 2, 1, 0x90, 3, 2, 0, 0, 1], 521)],
    ['an enormous tuple', /a tuple of/, (disk) => disk.set([2, 0xff, 0xff, 0xff, 0xff, 0x7f, 1, 0x90], 521)],
    ['no tuple', /no tuple/, (disk) => disk.set([1], 521)],
  ])('%s', async (_, why, change) => {
    const error = await fileSystemOf(one, change).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'DiskMalformed', message: expect.stringMatching(why) });
  });

  it('a log in more parts than any has', async () => {
    const disk = Buffer.alloc(1_048_576); // three hundred parts of one sector, each linked to the next
    for (let sector = 0; sector < 300; sector += 1) {
      disk.set([0x4e, 0x56, 0x4d, 0x54, 0x46, 0x53, 5, 1], sector * 512);
      const link = new ByteWriter();
      link.byte(5);
      link.varint(sector + 1);
      link.varint(1);
      disk.set(link.finish(), sector * 512 + (sector === 0 ? 25 : 8));
    }
    await expect(readFileSystem(bytesSource(disk))).rejects.toThrow(/256 parts/);
  });

  it('a directory inside itself is found when it is walked', async () => {
    // root { children { d: <the root again> } }
    const fs = await fileSystemOf([0x91, ...longName('children'), 0x91, ...name('d'), 0x10, 0x01]);
    const paths: string[] = [];
    const walking = () => {
      for (const { path } of walk(fs)) paths.push(path);
    };
    expect(walking).toThrow(expect.objectContaining({ name: 'DiskMalformed' }));
    expect(paths).toEqual(['/', '/d']); // at once, and not after walking round for long
    expect(find(fs, '/d/d/d/d')).toMatchObject({ kind: 'directory' });
  });

  it.each([
    ['outside the file system', '9999', '9999999', '1'],
    ['of a length that no disk has', '9999', '1', '9999999999'],
    ['with a place that is no number', '9999', 'here', '1'],
    ['and a length that is negative', '-1', '1', '1'],
  ])('a file %s', async (_, length, offset, blocks) => {
    const extent = new Map([
      ['offset', offset],
      ['length', blocks],
    ]);
    const fs = await fileSystemOf(oneFile(length, new Map([['0', extent]])));
    expect(() => [...walk(fs)]).toThrow(expect.objectContaining({ name: 'DiskMalformed' }));
  });
});

describe('a file whose parts overlap', () => {
  it('is malformed', async () => {
    const part = (offset: bigint) =>
      new Map([
        ['offset', offset],
        ['length', 2n],
      ]);
    const overlapping = new Map([
      ['1', part(1030n)],
      ['0', part(1040n)],
    ]);
    const fs = await fileSystemOf(oneFile('1024', overlapping));
    expect(() => find(fs, '/f')).toThrow(/overlap/);
  });
});

describe('a log written by hand', () => {
  it('is read past old ends of segments', async () => {
    const fs = await fileSystemOf([0x90], (disk) => disk.set([4, 4, 2, 1, 1, 0x90, 4, 1], 521));
    expect(fs.root.size).toBe(0);
    expect((await readLog(fs.source)).extensions).toEqual([
      { sector: 0, sectors: 1 },
      { sector: 1, sectors: 1024 },
    ]);
  });
});
