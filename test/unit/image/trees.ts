/** Any tree of files, and any manifest. */
import fc from 'fast-check';
import type { ManifestSettings } from '../../../src/image/manifest.ts';
import type { PlainValue } from '../../../src/image/tfs/value.ts';

export interface Tree {
  readonly files: Map<string, Uint8Array>;
  readonly symlinks: Map<string, string>;
  /** Nothing is in them. */
  readonly directories: Set<string>;
}

function isName(text: string): boolean {
  return text !== '.' && text !== '..' && !text.includes('/') && !text.includes('\0');
}

/** Whatever Linux lets a name be that is text: spaces, line ends, marks of order, and what objects hold by birth. */
const segment = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 60 }),
  fc.constantFrom('__proto__', 'constructor', 'children', 'extents', 'linktarget', '0', '10', '\n', ' '),
);
const name = segment.filter(isName);

/** Flat most often; now and then as deep as a path may be. */
const path = fc
  .oneof(
    { weight: 20, arbitrary: fc.array(name, { minLength: 1, maxLength: 4 }) },
    { weight: 1, arbitrary: fc.array(fc.constantFrom('a', 'b'), { minLength: 100, maxLength: 249 }) },
  )
  .map((names) => `/${names.join('/')}`);

/** Empty, small, about a sector, and larger than a block of 512 KiB. */
const content = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ maxLength: 1500 }) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(0, 511, 512, 513, 524_288, 600_001)
      .map((size) => new Uint8Array(size).fill(7)),
  },
);

type Entry = Uint8Array | string | undefined;
const entry: fc.Arbitrary<Entry> = fc.oneof(
  { weight: 6, arbitrary: content },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }) },
  { weight: 1, arbitrary: fc.constant(undefined) },
);

/** Any set of paths in which no file is also a directory. */
export const tree: fc.Arbitrary<Tree> = fc.array(fc.tuple(path, entry), { maxLength: 25 }).map((entries) => {
  const wanted = new Map<string, Entry>(entries);
  const parents = new Set<string>();
  for (const one of wanted.keys()) {
    for (let at = one.indexOf('/', 1); at > 0; at = one.indexOf('/', at + 1)) parents.add(one.slice(0, at));
  }
  const kept = [...wanted].filter(([one]) => !parents.has(one));
  const of = <T extends Entry>(is: (value: Entry) => value is T) =>
    kept.filter((pair): pair is [string, T] => is(pair[1]));
  return {
    files: new Map(of((value) => value instanceof Uint8Array)),
    symlinks: new Map(of((value) => typeof value === 'string')),
    directories: new Set(of((value) => value === undefined).map(([one]) => one)),
  };
});

const text = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((one) => !one.includes('\0'));
const plain: fc.Arbitrary<PlainValue> = fc.letrec<{ value: PlainValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.maxSafeInteger(),
    fc.constant(true),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(segment, tie('value'), { maxKeys: 3 }),
  ),
})).value;

/** Any settings that no rule refuses. Keys that nobody knows are among the attributes. */
export const manifestSettings: fc.Arbitrary<Required<ManifestSettings>> = fc.record({
  arguments: fc.array(text, { maxLength: 5 }),
  environment: fc.dictionary(
    fc.oneof(text, fc.constant('__proto__')).filter((one) => one !== '' && !one.includes('=')),
    text,
    { maxKeys: 6 },
  ),
  files: fc.dictionary(
    fc.constantFrom('/etc/a', '/etc/b', '/a b', '/x/y/z', '/ž/__proto__', '/empty'),
    fc.string({ unit: 'grapheme', maxLength: 40 }),
    { maxKeys: 4 },
  ),
  klibs: fc.subarray(['ntp', 'tls']),
  flags: fc.subarray(['noaslr', 'exec_protection', 'debug_exit', 'a flag of tomorrow']),
  attributes: fc.record(
    {
      mounts: fc.dictionary(
        fc.constantFrom('data', '%1', 'ab-cd'),
        fc.constantFrom('/mnt', '/data', '/mnt/x'),
        { maxKeys: 3 },
      ),
      consoles: fc.array(fc.constantFrom('+vga', '-serial'), { maxLength: 2 }),
      reboot_on_exit: fc.constantFrom('t', '*', '!0'),
      en2: fc.record({ ipaddr: fc.constant('10.0.0.2'), gateway: fc.constant('') }),
      'a key of tomorrow': plain,
      '': plain,
    },
    { requiredKeys: [] },
  ),
});
