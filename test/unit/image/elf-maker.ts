/** Makes small ELF files for tests, field by field, so that one thing at a time can be wrong. */

export interface Part {
  readonly type: number;
  readonly flags?: number;
  readonly address?: bigint;
  readonly bytes: Uint8Array;
}

export interface ElfOptions {
  readonly class?: number;
  readonly order?: number;
  readonly system?: number;
  readonly type?: number;
  readonly machine?: number;
  readonly entry?: bigint;
  readonly segments?: readonly Part[];
}

export const loadAddress = 0x400000n;
const dataStart = 4096;

/** The file: header, program headers, then each segment at the next multiple of 16 from 4,096 on. */
export function makeElf(options: ElfOptions = {}): Buffer {
  const segments: readonly Part[] = options.segments ?? [{ type: 1, flags: 5, bytes: Buffer.from('code') }];
  const places: number[] = [];
  let end = dataStart;
  for (const { bytes } of segments) {
    places.push(end);
    end = Math.ceil((end + bytes.length) / 16) * 16;
  }
  const file = Buffer.alloc(end);
  file.set([0x7f, 0x45, 0x4c, 0x46, options.class ?? 2, options.order ?? 1, 1, options.system ?? 0]);
  file.writeUInt16LE(options.type ?? 2, 16);
  file.writeUInt16LE(options.machine ?? 62, 18);
  file.writeUInt32LE(1, 20);
  file.writeBigUInt64LE(options.entry ?? loadAddress, 24);
  file.writeBigUInt64LE(64n, 32); // program headers follow
  file.writeUInt16LE(64, 52);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(segments.length, 56);
  for (const [i, { type, flags = 4, address, bytes }] of segments.entries()) {
    const at = 64 + i * 56;
    const offset = places[i] ?? 0;
    file.writeUInt32LE(type, at);
    file.writeUInt32LE(flags, at + 4);
    file.writeBigUInt64LE(BigInt(offset), at + 8);
    file.writeBigUInt64LE(address ?? loadAddress + BigInt(offset), at + 16);
    file.writeBigUInt64LE(BigInt(bytes.length), at + 32);
    file.writeBigUInt64LE(BigInt(bytes.length), at + 40);
    file.set(bytes, offset);
  }
  return file;
}

/** The text between its sentinels, as the linker frames it. */
function framed(text: string): Buffer {
  const frame = Buffer.alloc(16, 0xab);
  return Buffer.concat([frame, Buffer.from(text), frame]);
}

function leb128(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}

/** Build information as Go 1.18 and later write it: the texts stand behind the header. */
export function inlineBuildInfo(version: string, modules: string): Buffer {
  const header = Buffer.alloc(32);
  header.write('\xff Go buildinf:', 'latin1');
  header[14] = 8;
  header[15] = 2;
  const texts = [Buffer.from(version), framed(modules)];
  return Buffer.concat([header, ...texts.flatMap((text) => [leb128(text.length), text])]);
}

/** Build information as before: the header points to Go strings, which point to their bytes. */
export function pointedBuildInfo(version: string, modules: string, address: bigint): Buffer {
  const texts = [Buffer.from(version), framed(modules)];
  const bytes = Buffer.alloc(64 + texts.reduce((sum, text) => sum + text.length, 0));
  bytes.write('\xff Go buildinf:', 'latin1');
  bytes[14] = 8;
  let textAt = 64;
  for (const [i, text] of texts.entries()) {
    const stringAt = 32 + i * 16;
    bytes.writeBigUInt64LE(address + BigInt(stringAt), 16 + i * 8);
    bytes.writeBigUInt64LE(address + BigInt(textAt), stringAt);
    bytes.writeBigUInt64LE(BigInt(text.length), stringAt + 8);
    bytes.set(text, textAt);
    textAt += text.length;
  }
  return bytes;
}

/** A Go program as far as anybody looks. */
export function makeGoElf(modules = 'path\texample.com/hello\n', options: ElfOptions = {}): Buffer {
  return makeElf({
    segments: [
      { type: 1, flags: 5, bytes: Buffer.from('code') },
      { type: 1, flags: 6, bytes: inlineBuildInfo('go1.26.8', modules) },
    ],
    ...options,
  });
}

/** The same file with a section of this name, and the table of sections that a linker writes. */
export function withSection(elf: Buffer, name: string, bytes: Uint8Array): Buffer {
  const names = Buffer.from(`\0${name}\0.shstrtab\0`);
  const tableAt = elf.length + bytes.length + names.length;
  const entries = [
    { nameAt: 1, type: 1, offset: elf.length, sizeBytes: bytes.length },
    { nameAt: name.length + 2, type: 3, offset: elf.length + bytes.length, sizeBytes: names.length },
  ];
  const table = Buffer.alloc(64 * 3); // the first entry is unused
  for (const [i, { nameAt, type, offset, sizeBytes }] of entries.entries()) {
    const at = 64 * (i + 1);
    table.writeUInt32LE(nameAt, at);
    table.writeUInt32LE(type, at + 4);
    table.writeBigUInt64LE(BigInt(offset), at + 24);
    table.writeBigUInt64LE(BigInt(sizeBytes), at + 32);
  }
  const file = Buffer.concat([elf, bytes, names, table]);
  file.writeBigUInt64LE(BigInt(tableAt), 40);
  file.writeUInt16LE(64, 58);
  file.writeUInt16LE(3, 60);
  file.writeUInt16LE(2, 62);
  return file;
}
