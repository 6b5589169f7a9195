import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES, blockChecksum, blockCount, isZero, linearChecksum } from '../../../src/image/blocks.ts';
import {
  amiName,
  BUILDER_VERSION,
  canonicalJson,
  type IdentityInput,
  imageIdentity,
  kernelDigest,
  uuidFrom,
} from '../../../src/image/identity.ts';
import {
  isStandIn,
  refuseStandIn,
  requireKernelBundle,
  standInKernel,
} from '../../../src/image/kernel-bundle.ts';
import { makeManifest } from '../../../src/image/manifest.ts';
import { makeElf } from './elf-maker.ts';

const manifest = makeManifest({ arguments: ['-v'], environment: { A: '1', B: '2' } }, '/hello');
const input: IdentityInput = {
  artifactSha256: 'a'.repeat(64),
  kernelDigest: 'b'.repeat(64),
  manifest,
  builderVersion: BUILDER_VERSION,
  volumeSizeGiB: 1,
};

describe('the identity of an image', () => {
  it('is 64 hexadecimal digits, and the same for the same content in any order of keys', () => {
    const reordered = { ...input, manifest: { ...manifest, environment: { B: '2', A: '1' } } };
    expect(imageIdentity(input)).toMatch(/^[0-9a-f]{64}$/);
    expect(imageIdentity(reordered)).toBe(imageIdentity(input));
  });

  it.each<[string, Partial<IdentityInput>]>([
    ['artifact', { artifactSha256: 'c'.repeat(64) }],
    ['kernel', { kernelDigest: 'c'.repeat(64) }],
    ['argument', { manifest: { ...manifest, arguments: ['/hello', '-w'] } }],
    ['order of arguments', { manifest: { ...manifest, arguments: ['-v', '/hello'] } }],
    ['environment', { manifest: { ...manifest, environment: { A: '1', B: '3' } } }],
    ['file', { manifest: { ...manifest, files: { '/a': '' } } }],
    ['builder', { builderVersion: `${BUILDER_VERSION}x` }],
    ['volume size', { volumeSizeGiB: 2 }],
  ])('is another for another %s', (_, change) => {
    expect(imageIdentity({ ...input, ...change })).not.toBe(imageIdentity(input));
  });

  it('cannot be confused by texts that look like structure', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        expect(canonicalJson(a) === canonicalJson(b)).toBe(
          canonicalJson(JSON.parse(JSON.stringify(a))) === canonicalJson(b),
        );
        expect(JSON.parse(canonicalJson(a))).toEqual(JSON.parse(JSON.stringify(a)));
      }),
    );
  });

  it('makes an AMI name that EC2 accepts', () => {
    // No stack has a longer name, see docs/deploying.md.
    const stack = 's'.repeat(20);
    expect(amiName(stack, imageIdentity(input))).toMatch(/^[A-Za-z0-9()[\] ./'@_-]{3,128}$/);
  });

  it('makes UUIDs of the kind that an application makes', () => {
    expect(Buffer.from(uuidFrom('x')).toString('hex')).toMatch(/^.{12}8.{3}[89ab].{15}$/);
    expect(uuidFrom('x')).toEqual(uuidFrom('x'));
    expect(uuidFrom('x')).not.toEqual(uuidFrom('y'));
  });
});

describe('a kernel bundle', () => {
  const files = standInKernel().files;
  const [kernel, boot] = files.map(({ bytes }) => bytes) as [Uint8Array, Uint8Array];
  const valid = {
    architecture: 'x86_64',
    kernelImgStart: kernel,
    kernelImgBytes: kernel.length,
    bootImg: boot,
  } as const;
  const changed = (change: (bytes: Uint8Array) => void) => {
    const bytes = boot.slice();
    change(bytes);
    return bytes;
  };

  it('has one digest for its files in any order', () => {
    const named = ['kernel.img', 'boot.img'].map((name) => ({ name, sha256: name }));
    expect(kernelDigest(named)).toBe(kernelDigest([...named].reverse()));
    expect(kernelDigest(named)).not.toBe(kernelDigest(named.slice(1)));
  });

  it('is usable in the form that the stand-in has', () => {
    expect(() => requireKernelBundle(valid)).not.toThrow();
    expect(files.map(({ name }) => name)).toEqual(['kernel.img', 'boot.img']);
  });

  it.each([
    ['a kernel that is no ELF', { kernelImgStart: new Uint8Array(64) }],
    ['a kernel for arm64', { kernelImgStart: makeElf({ machine: 183 }) }],
    ['a kernel that does not fit', { kernelImgBytes: 12 * 1_048_576 }],
    ['no boot.img', { bootImg: undefined }],
    ['a boot.img of one sector', { bootImg: boot.slice(0, 512) }],
    ['a boot.img of half a sector', { bootImg: boot.slice(0, 700) }],
    ['a boot.img without a signature', { bootImg: changed((bytes) => bytes.fill(0, 510, 512)) }],
    ['a boot.img without a region', { bootImg: changed((bytes) => bytes.fill(0, 0x1aa, 0x1be)) }],
    [
      'a boot.img of another length than it says',
      { bootImg: new Uint8Array([...boot, ...new Uint8Array(512)]) },
    ],
    ['an enormous boot.img', { bootImg: new Uint8Array(1_048_576) }],
  ])('is refused with %s', (_, change) => {
    expect(() => requireKernelBundle({ ...valid, ...change })).toThrow(
      expect.objectContaining({ name: 'KernelInvalid' }),
    );
  });

  it('that is the stand-in says so in plain text, and is refused where it would have to boot', () => {
    const standIn = expect.objectContaining({ name: 'KernelStandIn' });
    for (const { bytes } of files) {
      expect(isStandIn(bytes)).toBe(true);
      expect(() => refuseStandIn('0.1.54', bytes)).toThrow(standIn);
    }
    expect(isStandIn(makeElf())).toBe(false);
    expect(() => refuseStandIn(standInKernel().version, makeElf())).toThrow(standIn);
    expect(() => refuseStandIn('0.1.54', makeElf())).not.toThrow();
  });
});

describe('a block', () => {
  it('is zero only if each byte is', () => {
    expect(isZero(new Uint8Array(BLOCK_BYTES * 2 + 5))).toBe(true);
    for (const at of [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES * 2 + 4]) {
      const bytes = new Uint8Array(BLOCK_BYTES * 2 + 5);
      bytes[at] = 1;
      expect(isZero(bytes)).toBe(false);
    }
    expect(isZero(new Uint8Array(0))).toBe(true);
  });

  it('is counted also where the disk ends inside it', () => {
    expect([0, 1, BLOCK_BYTES, BLOCK_BYTES + 1].map(blockCount)).toEqual([0, 1, 1, 2]);
  });

  it('has a checksum in base64, and a snapshot one over the digests of its blocks in order', () => {
    const blocks = [new Uint8Array(BLOCK_BYTES), new Uint8Array(BLOCK_BYTES).fill(1)];
    const digests = blocks.map((block) => createHash('sha256').update(block).digest());
    expect(blocks.map(blockChecksum)).toEqual(digests.map((digest) => digest.toString('base64')));
    expect(linearChecksum(blocks.map(blockChecksum))).toBe(
      createHash('sha256').update(Buffer.concat(digests)).digest('base64'),
    );
  });
});
