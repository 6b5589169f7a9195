/** A seed with a few things wrong, as patches over its bytes: nothing of a disk is copied for a case. */
import { ByteWriter } from '../../src/image/tfs/bytes.ts';
import type { Random } from './random.ts';
import type { Range, Seed } from './seeds.ts';

interface Patch {
  readonly at: number;
  readonly bytes: Uint8Array;
}

export interface Case {
  readonly seed: string;
  /** What was done, for whoever reads of a failure. */
  readonly words: readonly string[];
  readonly bytes: Uint8Array;
  readonly patches: readonly Patch[];
  readonly sizeBytes: number;
}

type Mutation = (random: Random, seed: Seed, range: Range) => Patch & { readonly words: string };

/** Numbers at which something overflows, or almost does. */
const telling = [
  0n,
  1n,
  2n,
  7n,
  8n,
  127n,
  128n,
  255n,
  512n,
  1024n,
  65_535n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 52n,
  2n ** 53n,
  2n ** 63n,
  2n ** 64n - 1n,
];

function placeIn(random: Random, { start, end }: Range): number {
  return start + random.below(Math.max(1, end - start));
}

const mutations = {
  byte(random, _, range) {
    const at = placeIn(random, range);
    const bytes = random.bytes(1 + random.below(3));
    return { at, bytes, words: `${bytes.toString('hex')} at ${at}` };
  },
  number(random, _, range) {
    const width = random.pick([2, 4, 8]);
    // the fields of tables stand at multiples of two
    const at = placeIn(random, range) & ~1;
    const value = BigInt.asUintN(width * 8, random.pick(telling));
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(value);
    return { at, bytes: bytes.subarray(0, width), words: `${value} in ${width} bytes at ${at}` };
  },
  varint(random, _, range) {
    const at = placeIn(random, range);
    const out = new ByteWriter();
    const value = random.pick(telling);
    out.varint(value);
    return { at, bytes: out.finish(), words: `the varint ${value} at ${at}` };
  },
  splice(random, { bytes }, range) {
    const from = placeIn(random, range);
    const at = placeIn(random, range);
    const length = 1 + random.below(48);
    return { at, bytes: bytes.slice(from, from + length), words: `${length} bytes of ${from} at ${at}` };
  },
  /** Everything behind moves by a byte or more. */
  shift(random, { bytes }, range) {
    const at = placeIn(random, range);
    const by = 1 + random.below(4);
    const moved = bytes.slice(at, Math.min(range.end, at + 4096));
    return random.below(2) === 0
      ? { at: at + by, bytes: moved, words: `shifted by ${by} from ${at}` }
      : { at, bytes: moved.slice(by), words: `${by} bytes taken out at ${at}` };
  },
  fill(random, _, range) {
    const at = placeIn(random, range);
    const bytes = Buffer.alloc(1 + random.below(64), random.pick([0, 0x80, 0xff]));
    return { at, bytes, words: `${bytes.length} times ${bytes[0]} at ${at}` };
  },
  /** A tuple becomes a reference to an earlier one: the root in itself, most often. */
  reference(random, { bytes }, range) {
    const from = placeIn(random, range);
    let at = from;
    while (at < range.end && ![0x90, 0x91, 0x92, 0x93].includes(bytes[at] ?? 0)) at += 1;
    const head = (bytes[at] ?? 0x90) & 0x7f;
    const to = random.pick([0, 1, 2, 3, 5, 127]);
    return { at, bytes: Buffer.from([head, to]), words: `a reference to ${to} at ${at}` };
  },
  /** A link to the log itself, outside, of no length, of a length beyond all. */
  link(random, _, range) {
    const out = new ByteWriter();
    out.byte(5);
    const sector = random.pick([0n, 1n, 2n, 1025n, 2048n, 30_000n, ...telling]);
    const sectors = random.pick([0n, 1n, 2n, 1024n, ...telling]);
    out.varint(sector);
    out.varint(sectors);
    // the first record of the first sector, of another part, or anywhere
    const at = random.pick([range.start + 25, range.start + 9, placeIn(random, range)]);
    return { at, bytes: out.finish(), words: `a link to ${sector} of ${sectors} at ${at}` };
  },
  /** A number that the log keeps as a text of digits, as Ops does, or a length before a text. */
  digits(random, { bytes }, range) {
    let at = placeIn(random, range);
    while (at < range.end && ((bytes[at] ?? 0) < 0x30 || (bytes[at] ?? 0) > 0x39)) at += 1;
    const digits = Buffer.from(random.pick(['0', '9', '99', '-1', '1e9', '9999', ' 1', '999999999']));
    return { at, bytes: digits, words: `the digits ${digits} at ${at}` };
  },
} satisfies Record<string, Mutation>;

const forAll: readonly Mutation[] = [
  mutations.byte,
  mutations.number,
  mutations.splice,
  mutations.shift,
  mutations.fill,
];
const forLogs: readonly Mutation[] = [
  ...forAll,
  mutations.varint,
  mutations.reference,
  mutations.link,
  mutations.digits,
];

/** Between one and four mistakes in one seed, or, once in sixteen, no seed at all but its first bytes. */
export function mutate(random: Random, seeds: readonly Seed[]): Case {
  const drawn = random.pick(seeds);
  const seed =
    drawn.isCostly && random.below(8) > 0 ? random.pick(seeds.filter((one) => !one.isCostly)) : drawn;
  if (random.below(16) === 0) return noise(random, seed);
  const patches: Patch[] = [];
  const words: string[] = [];
  for (let left = 1 + random.below(4); left > 0; left -= 1) {
    const range = random.pick(seed.hot);
    const { words: said, ...patch } = random.pick(range.isLog === true ? forLogs : forAll)(
      random,
      seed,
      range,
    );
    patches.push(patch);
    words.push(said);
  }
  let sizeBytes = seed.bytes.length;
  if (random.below(8) === 0) {
    sizeBytes = random.below(4) === 0 ? placeIn(random, random.pick(seed.hot)) : random.below(sizeBytes + 1);
    words.push(`cut to ${sizeBytes}`);
  }
  return { seed: seed.name, words, bytes: seed.bytes, patches, sizeBytes };
}

/** Random bytes behind what a program or a boot sector is known by. */
function noise(random: Random, { name, bytes }: Seed): Case {
  const made = random.bytes(random.pick([0, 1, 63, 64, 511, 512, 513, 2048, 8192]));
  const kept = random.pick([0, 4, 20, 64]);
  made.set(bytes.subarray(0, Math.min(kept, made.length)));
  if (made.length >= 512) made.set([0x55, 0xaa], 510);
  return {
    seed: name,
    words: [`${made.length} random bytes, the first ${kept} kept`],
    bytes: made,
    patches: [],
    sizeBytes: made.length,
  };
}

/** A range of the case's bytes; the caller holds to the bounds. */
export function readCase({ bytes, patches }: Case, offset: number, length: number): Uint8Array {
  const end = offset + length;
  let own: Uint8Array | undefined;
  for (const patch of patches) {
    const start = Math.max(offset, patch.at);
    const stop = Math.min(end, patch.at + patch.bytes.length);
    if (start >= stop) continue;
    own ??= bytes.slice(offset, end);
    own.set(patch.bytes.subarray(start - patch.at, stop - patch.at), start - offset);
  }
  return own ?? bytes.subarray(offset, end);
}
