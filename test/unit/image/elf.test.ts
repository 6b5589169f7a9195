import { describe, expect, it } from 'vitest';
import { parseElf, requireStaticProgram } from '../../../src/image/elf.ts';
import { recognise } from '../../../src/image/recognise.ts';
import { bytesSource } from '../../../src/image/source.ts';
import { type ElfOptions, inlineBuildInfo, loadAddress, makeElf, makeGoElf, type Part } from './elf-maker.ts';

const code: Part = { type: 1, flags: 5, bytes: Buffer.from('code') };
const dynamic = (tag: number): Part => {
  const bytes = Buffer.alloc(32);
  bytes.writeBigInt64LE(BigInt(tag));
  return { type: 2, flags: 6, bytes };
};

const refusals: [string, string, Uint8Array][] = [
  ['an empty file', 'ArtifactEmpty', new Uint8Array(0)],
  ['a text', 'ArtifactNotRecognised', Buffer.from('hello, world\n'.repeat(100))],
  ['a single byte', 'ArtifactNotRecognised', Buffer.from('x')],
  ['a 32-bit ELF', 'ArtifactNot64Bit', makeElf({ class: 1 })],
  ['an ELF of no class', 'ArtifactMalformed', makeElf({ class: 7 })],
  ['four bytes of an ELF', 'ArtifactMalformed', makeElf().subarray(0, 4)],
  ['half a header', 'ArtifactMalformed', makeElf().subarray(0, 40)],
  ['a big-endian ELF', 'ArtifactNotExecutable', makeElf({ order: 2 })],
  ['an ELF for FreeBSD', 'ArtifactNotExecutable', makeElf({ system: 9 })],
  ['an object file', 'ArtifactNotExecutable', makeElf({ type: 1 })],
  ['a core dump', 'ArtifactNotExecutable', makeElf({ type: 4 })],
  ['a library without an entry', 'ArtifactNotExecutable', makeElf({ type: 3, entry: 0n })],
  [
    'a library that needs another',
    'ArtifactNotExecutable',
    makeElf({ type: 3, segments: [code, dynamic(1)] }),
  ],
  ['a library with a name', 'ArtifactNotExecutable', makeElf({ type: 3, segments: [code, dynamic(14)] })],
  ['an ELF for RISC-V', 'ArtifactArchitectureMismatch', makeElf({ machine: 243 })],
  [
    'a program with an interpreter',
    'ArtifactDynamicallyLinked',
    makeElf({ segments: [code, { type: 3, bytes: Buffer.from('/lib64/ld-linux-x86-64.so.2\0') }] }),
  ],
  ['an ELF without segments', 'ArtifactMalformed', makeElf({ segments: [] })],
  ['an ELF cut short', 'ArtifactMalformed', makeGoElf().subarray(0, 4100)],
  ['a program that is not Go', 'ArtifactNotGo', makeElf()],
  ['a Go program for Plan 9', 'ArtifactNotExecutable', makeGoElf('path\tx\nbuild\tGOOS=plan9\n')],
];

describe('an upload that is no program for a unikernel', () => {
  it.each(refusals)('%s is refused as %s', async (_, name, bytes) => {
    await expect(recognise(bytesSource(bytes))).rejects.toMatchObject({ name });
  });

  it('says what the file is where it can tell', async () => {
    await expect(recognise(bytesSource(Buffer.from('\x1f\x8b\x08rest', 'latin1')))).rejects.toThrow(/gzip/);
    await expect(recognise(bytesSource(Buffer.from('MZ')))).rejects.toThrow(/Windows/);
  });

  it('names the linker that a dynamic program wants', async () => {
    const interpreter = { type: 3, bytes: Buffer.from('/lib/ld-musl-x86_64.so.1\0') };
    const source = bytesSource(makeElf({ segments: [code, interpreter] }));
    await expect(recognise(source)).rejects.toMatchObject({
      details: { interpreter: '/lib/ld-musl-x86_64.so.1' },
    });
  });
});

describe('an ELF that lies about its size', () => {
  const lies: [string, (file: Buffer) => void][] = [
    ['the place of the segments', (file) => file.writeBigUInt64LE(2n ** 63n, 32)],
    ['the place of the sections', (file) => file.writeBigUInt64LE(2n ** 62n, 40)],
    ['the number of segments', (file) => file.writeUInt16LE(0xffff, 56)],
    ['the size of a segment', (file) => file.writeBigUInt64LE(2n ** 64n - 1n, 64 + 32)],
    ['the place of a segment', (file) => file.writeBigUInt64LE(2n ** 64n - 1n, 64 + 8)],
    ['the size of a table entry', (file) => file.writeUInt16LE(1, 54)],
  ];
  it.each(lies)('is malformed: %s', async (_, lie) => {
    const file = makeGoElf();
    file.writeUInt16LE(64, 58);
    file.writeUInt16LE(3, 60);
    lie(file);
    await expect(recognise(bytesSource(file))).rejects.toMatchObject({ name: 'ArtifactMalformed' });
  });

  it('is malformed where a section reaches beyond the file', async () => {
    const section = Buffer.alloc(128); // the unused first entry, then one of a kind that has bytes
    section.writeUInt32LE(1, 64 + 4);
    section.writeBigUInt64LE(10_000_000n, 64 + 32);
    const elf = makeGoElf();
    elf.writeBigUInt64LE(BigInt(elf.length), 40);
    elf.writeUInt16LE(64, 58);
    elf.writeUInt16LE(2, 60);
    const file = Buffer.concat([elf, section]);
    await expect(recognise(bytesSource(file))).rejects.toMatchObject({ name: 'ArtifactMalformed' });
    file.writeUInt32LE(8, elf.length + 64 + 4); // memory that starts as zeros takes nothing of the file
    expect(await recognise(bytesSource(file))).toMatchObject({ kind: 'go-elf' });
  });

  it('still wants a linker where the name of the linker is empty', async () => {
    const file = makeElf({ segments: [code, { type: 3, bytes: new Uint8Array(0) }] });
    file.writeBigUInt64LE(2n ** 60n, 64 + 56 + 8);
    const source = bytesSource(file);
    await expect(requireStaticProgram(source, await parseElf(source))).rejects.toMatchObject({
      name: 'ArtifactDynamicallyLinked',
    });
  });
});

describe('a program', () => {
  const machines: [number, string][] = [
    [62, 'x86_64'],
    [183, 'arm64'],
  ];
  it.each(machines)('of machine %i is for %s', async (machine, architecture) => {
    const options: ElfOptions = { machine, system: 3, entry: loadAddress };
    expect(await recognise(bytesSource(makeGoElf(undefined, options)))).toMatchObject({
      kind: 'go-elf',
      architecture,
      buildInfo: { goVersion: 'go1.26.8', path: 'example.com/hello' },
    });
  });
  it('for any address runs where it can move itself there, and not else', async () => {
    const parts = [{ type: 1, flags: 6, bytes: inlineBuildInfo('go1.26.8', 'path\tx\n') }];
    const made = makeElf({ type: 3, segments: [...parts, dynamic(5)] });
    expect(await recognise(bytesSource(made))).toMatchObject({ kind: 'go-elf' });
    await expect(recognise(bytesSource(makeElf({ type: 3, segments: parts })))).rejects.toMatchObject({
      name: 'ArtifactNotExecutable',
      message: expect.stringContaining('position-independent'),
    });
  });
});
