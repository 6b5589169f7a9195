import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter } from '../../../src/image/tfs/bytes.ts';
import { LogDecoder } from '../../../src/image/tfs/decode.ts';
import { encodeTuple } from '../../../src/image/tfs/encode.ts';
import { fromPlain, type TfsValue, toPlain } from '../../../src/image/tfs/value.ts';

function decode(...records: (Uint8Array | number[])[]) {
  const decoder = new LogDecoder();
  for (const record of records) decoder.decode(Uint8Array.from(record), false);
  return decoder.root;
}

const ascii = (text: string) => [...Buffer.from(text)];

describe('a number of the log', () => {
  it.each([
    [0n, [0x00]],
    [127n, [0x7f]],
    [128n, [0x81, 0x00]],
    [1024n, [0x88, 0x00]],
  ])('%i has its most significant group first', (value, bytes) => {
    const out = new ByteWriter();
    out.varint(value);
    expect([...out.finish()]).toEqual(bytes);
  });

  it('reads back the same up to 64 bits', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        const out = new ByteWriter();
        out.varint(value);
        expect(new ByteReader(out.finish()).varint()).toBe(value);
      }),
    );
  });

  it('of more than ten bytes is malformed', () => {
    const endless = new ByteReader(new Uint8Array(20).fill(0x80));
    expect(() => endless.varint()).toThrow(/ten bytes/);
  });
});

const name = fc.string({ unit: 'grapheme', maxLength: 12 });
const { tree } = fc.letrec<{ tree: TfsValue; tuple: ReadonlyMap<string, TfsValue> }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'grapheme', maxLength: 300 }),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    fc.uint8Array({ minLength: 1, maxLength: 20 }),
    fc.array(tie('tree'), { maxLength: 10 }),
    tie('tuple'),
  ),
  tuple: fc.array(fc.tuple(name, tie('tree')), { maxLength: 10 }).map((entries) => new Map(entries)),
}));
const root = fc.array(fc.tuple(name, tree), { maxLength: 20 }).map((entries) => new Map(entries));

describe('a tuple', () => {
  it('is written as Nanos writes it', () => {
    const children = new Map([['children', new Map([['kernel', new Map()]])]]);
    const key = [0x88, 0x08, ...ascii('children')];
    const inner = [0x91, 0x86, ...ascii('kernel'), 0x90];
    expect([...encodeTuple(children)]).toEqual([0x91, ...key, ...inner]);
  });

  it('is added to by a later record that refers to it by number', () => {
    const first = [0x91, 0x88, 0x08, ...ascii('children'), 0x91, 0x86, ...ascii('kernel'), 0x90];
    const update = [0x11, 0x05, 0x87, ...ascii('extents'), 0x90];
    const kernel = new Map([['extents', new Map()]]);
    expect(decode(first, update)).toEqual(new Map([['children', new Map([['kernel', kernel]])]]));
  });

  it('loses an attribute that a later record deletes, and has one replaced', () => {
    const first = [0x92, 0x81, ...ascii('a'), 0xc1, ...ascii('x'), 0x81, ...ascii('b'), 0xc1, ...ascii('y')];
    const update = [0x12, 0x01, 0x02, 0x80, 0x03, 0xc1, ...ascii('z')];
    expect(decode(first, update)).toEqual(new Map([['b', 'z']]));
  });

  it('has elements of a vector replaced and added by a later record', () => {
    const first = [0x91, 0x81, ...ascii('a'), 0xa2, 0xc1, ...ascii('x'), 0xc1, ...ascii('y')];
    const update = [
      0x11,
      0x01,
      0x02,
      0x23,
      0x03,
      0xc1,
      ...ascii('p'),
      0xc1,
      ...ascii('q'),
      0xc1,
      ...ascii('r'),
    ];
    expect(decode(first, update)).toEqual(new Map([['a', ['p', 'q', 'r']]]));
  });

  it('of the older encoding has texts and flags, but no types', () => {
    const decoder = new LogDecoder();
    const bytes = [
      0xc2,
      0x81,
      ...ascii('a'),
      0xa0,
      0x21,
      ...ascii('x'.repeat(33)),
      0x81,
      ...ascii('b'),
      0x81,
      0x00,
    ];
    decoder.decode(Uint8Array.from(bytes), true);
    decoder.decode(Uint8Array.from([0x41, 0x01, 0x81, ...ascii('c'), 0x82, ...ascii('zz')]), true);
    expect(decoder.root).toEqual(
      new Map<string, TfsValue>([
        ['a', 'x'.repeat(33)],
        ['b', new Uint8Array(1)],
        ['c', 'zz'],
      ]),
    );
  });

  it('has names only once, whatever it holds twice', () => {
    const twice = new Map(['one', 'two'].map((key) => [key, new Map([['filelength', 5n]])]));
    const text = Buffer.from(encodeTuple(twice)).toString('latin1');
    expect(text.split('filelength')).toHaveLength(2);
  });

  it('tells an empty text from a flag and from nothing', () => {
    const tuple = new Map<string, TfsValue>([
      ['text', ''],
      ['flag', new Uint8Array(1)],
    ]);
    expect(decode(encodeTuple(tuple))).toEqual(tuple);
  });

  it('reads back the same, for any tree of values', () => {
    fc.assert(
      fc.property(root, (tuple) => {
        expect(decode(encodeTuple(tuple))).toEqual(tuple);
      }),
      { numRuns: 300 },
    );
  });

  it('cannot be written with half a character or a number of more than 64 bits', () => {
    expect(() => encodeTuple(new Map([['a', '\ud800']]))).toThrow(RangeError);
    expect(() => encodeTuple(new Map([['\udfff', 'a']]))).toThrow(RangeError);
    expect(() => encodeTuple(new Map([['a', 2n ** 64n]]))).toThrow(RangeError);
    expect(() => encodeTuple(new Map([['a', new Uint8Array(0)]]))).toThrow(RangeError);
  });
});

describe('values that no writer would leave', () => {
  it.each<[string, number[]]>([
    ['a reference to what was not seen', [0x11, 0x07, 0x81, 0x61, 0x90]],
    ['a reference to a name where a tuple should be', [0x92, 0x81, 0x61, 0xc0, 0x81, 0x62, 0x10, 0x02]],
    ['a reference to a tuple where a name should be', [0x91, 0x01, 0xc0]],
    ['a text longer than the log', [0x91, 0x81, 0x61, 0xcf, 0xff, 0xff, 0xff, 0x7f]],
    ['a count without an end', [0x9f, ...new Uint8Array(30).fill(0xff)]],
    ['a tuple that ends too early', [0x92, 0x81, 0x61, 0xc0]],
    ['no tuple at all', [0xc0]],
    ['a type that does not exist', [0x91, 0x81, 0x61, 0xf0]],
    ['a hole in a vector', [0x91, 0x81, 0x61, 0xa1, 0x80]],
    ['tuples nested without measure', Array.from({ length: 10_000 }, (_, i) => (i % 2 === 0 ? 0x91 : 0x80))],
  ])('are malformed: %s', (_, bytes) => {
    expect(() => decode(bytes)).toThrow(expect.objectContaining({ name: 'DiskMalformed' }));
  });

  it('are malformed when there are too many of them', () => {
    const vector = [0x91, 0x81, 0x61, 0xab, 0xff, 0xff, 0x7f]; // of two million and some
    const bytes = new Uint8Array(2_000_000).fill(0x90);
    bytes.set(vector);
    expect(() => decode(bytes)).toThrow(/more values/);
  });

  it('may lead back into themselves, and are then not turned into an object', () => {
    const self = decode([0x91, 0x81, 0x61, 0x10, 0x01]);
    expect(self?.get('a')).toBe(self);
    expect(() => toPlain(self ?? '')).toThrow(RangeError);
  });
});

describe('a plain value', () => {
  it('comes back from the tuple that it stands for', () => {
    const plain = { flag: true, text: '', number: 7, list: ['a', { b: 'c' }] };
    expect(toPlain(fromPlain(plain))).toEqual(plain);
    expect(toPlain(fromPlain({ off: false }))).toEqual({});
    expect(toPlain(2n ** 64n - 1n)).toBe('18446744073709551615');
    expect(() => fromPlain(1.5)).toThrow(RangeError);
    expect(() => fromPlain([false])).toThrow(RangeError);
  });
});
