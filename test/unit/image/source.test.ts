import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ByteSource, bytesSource, cached, pieces, slice } from '../../../src/image/source.ts';

function counting(bytes: Uint8Array) {
  const source = bytesSource(bytes);
  const reads: [number, number][] = [];
  const counted: ByteSource = {
    sizeBytes: source.sizeBytes,
    read: (offset, length) => {
      reads.push([offset, length]);
      return source.read(offset, length);
    },
  };
  return { counted, reads };
}

const numbered = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

describe('a source of bytes', () => {
  it('gives less only at its end, and refuses to be asked beyond it', async () => {
    const source = bytesSource(numbered);
    expect(await source.read(990, 100)).toEqual(numbered.subarray(990));
    expect(await source.read(1000, 5)).toHaveLength(0);
    await expect(source.read(1001, 1)).rejects.toThrow(RangeError);
    await expect(source.read(-1, 1)).rejects.toThrow(RangeError);
    await expect(source.read(0, Number.NaN)).rejects.toThrow(RangeError);
  });

  it('shows through a slice only what is inside the slice', async () => {
    const part = slice(bytesSource(numbered), 100, 50);
    expect(await part.read(40, 100)).toEqual(numbered.subarray(140, 150));
    await expect(part.read(51, 1)).rejects.toThrow(RangeError);
    expect(() => slice(bytesSource(numbered), 980, 21)).toThrow(RangeError);
  });

  it('passes whole through pieces of any size', async () => {
    const parts: Uint8Array[] = [];
    for await (const piece of pieces(bytesSource(numbered), 333)) parts.push(piece);
    expect(parts.map(({ length }) => length)).toEqual([333, 333, 333, 1]);
    expect(Buffer.concat(parts)).toEqual(Buffer.from(numbered));
  });
});

describe('a cached source', () => {
  it('gives the bytes of its source for any reads in any order', async () => {
    const read = fc.record({ offset: fc.nat(1000), length: fc.nat(300) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(read, { maxLength: 30 }),
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 5 }),
        async (reads, chunkBytes, chunks) => {
          const source = cached(bytesSource(numbered), { chunkBytes, chunks });
          const got = await Promise.all(reads.map(({ offset, length }) => source.read(offset, length)));
          const want = reads.map(({ offset, length }) => numbered.slice(offset, offset + length));
          expect(got.map((bytes) => [...bytes])).toEqual(want.map((bytes) => [...bytes]));
        },
      ),
    );
  });

  it('fetches a chunk once for many small reads, at the same time or one after another', async () => {
    const { counted, reads } = counting(numbered);
    const source = cached(counted, { chunkBytes: 100, chunks: 2 });
    await Promise.all([source.read(0, 10), source.read(20, 30), source.read(99, 1)]);
    await source.read(5, 5);
    expect(reads).toEqual([[0, 100]]);
    await source.read(150, 100); // as long as a chunk: passes through
    expect(reads.slice(1)).toEqual([[150, 100]]);
  });

  it('keeps the chunks used last, and no more than it may', async () => {
    const { counted, reads } = counting(numbered);
    const source = cached(counted, { chunkBytes: 100, chunks: 2 });
    for (const offset of [0, 100, 0, 200, 0, 100]) await source.read(offset, 10);
    expect(reads.map(([offset]) => offset)).toEqual([0, 100, 200, 100]);
  });

  it('asks again after a fetch that failed', async () => {
    let failures = 1;
    const flaky: ByteSource = {
      sizeBytes: 1000,
      read: async (offset, length) => {
        if (failures-- > 0) throw new Error('connection reset');
        return numbered.subarray(offset, offset + length);
      },
    };
    const source = cached(flaky, { chunkBytes: 100, chunks: 2 });
    await expect(source.read(0, 10)).rejects.toThrow('connection reset');
    expect(await source.read(0, 10)).toEqual(numbered.subarray(0, 10));
  });
});
