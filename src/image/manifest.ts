/**
 * What a program is started with. In a Nanos disk this is the root tuple of the root file system, beside the
 * tree of files.
 */
import { FlotillaError } from '../errors.ts';
import type { GoBuildInfo } from './build-info.ts';
import { text } from './tfs/decode.ts';
import { encodeTuple } from './tfs/encode.ts';
import { DEEPEST_PATH } from './tfs/plan.ts';
import {
  fromPlain,
  isTuple,
  type PlainBudget,
  type PlainValue,
  plainBudget,
  type TfsTuple,
  type TfsValue,
  toPlain,
} from './tfs/value.ts';

export interface Manifest {
  /** Absolute path of the program in the image. */
  readonly program: string;
  /** All of argv, the program's own name included. */
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Text files by absolute path. */
  readonly files: Readonly<Record<string, string>>;
  /** Kernel modules of the bundle to put in and load, by name. */
  readonly klibs: readonly string[];
  /** Flags of the kernel that are set by being there, such as `noaslr`. */
  readonly flags: readonly string[];
  /** Any other key of the root tuple. */
  readonly attributes: Readonly<Record<string, PlainValue>>;
}

/** The part of a fleet's image settings that goes into the disk. */
export interface ManifestSettings {
  /** Arguments after the program's own name. */
  readonly arguments?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly klibs?: readonly string[];
  readonly flags?: readonly string[];
  readonly attributes?: Readonly<Record<string, PlainValue>>;
}

/**
 * The resolver that every VPC has at a fixed address. Without the file, Go's resolver would ask 127.0.0.1.
 * https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html
 */
const defaultFiles = { '/etc/resolv.conf': 'nameserver 169.254.169.253\n' };

/** Keys that the manifest says by other means. */
const ownKeys = new Set(['children', 'program', 'arguments', 'environment', 'klibs']);
/** Attributes of nodes: on the root they would turn it into something that is no directory. */
const nodeKeys = new Set(['extents', 'filelength', 'linktarget']);

/**
 * Makes the manifest of an image. Deterministic: the same settings and path, in any order of keys, describe the
 * same image.
 *
 * @param program absolute path, see {@link programPath}
 * @throws FlotillaError ManifestInvalid
 */
export function makeManifest(settings: ManifestSettings, program: string): Manifest {
  const manifest = {
    program,
    arguments: [program, ...(settings.arguments ?? [])],
    environment: { ...settings.environment },
    files: { ...defaultFiles, ...settings.files },
    klibs: [...new Set(settings.klibs)].sort(),
    flags: [...(settings.flags ?? [])].sort(),
    attributes: { ...settings.attributes },
  };
  checkTexts(manifest);
  checkPaths(manifest);
  for (const key of [...manifest.flags, ...Object.keys(manifest.attributes)]) {
    if (ownKeys.has(key) || nodeKeys.has(key)) throw invalid(`the key ${key} cannot be set this way`);
  }
  checkEncoding(manifest);
  return manifest;
}

/**
 * Whatever the encoder refuses, or could not be read again, is refused here, with a name, and not later when the
 * disk is planned.
 */
function checkEncoding(manifest: Manifest): void {
  try {
    const tuple = manifestTuple(manifest);
    encodeTuple(tuple);
    readManifest(tuple);
  } catch (cause) {
    if (!(cause instanceof RangeError || cause instanceof FlotillaError)) throw cause;
    throw new FlotillaError(
      'ManifestInvalid',
      `The manifest cannot be written: ${cause.message}.`,
      {},
      { cause },
    );
  }
}

function checkTexts(manifest: Manifest): void {
  const { environment, files } = manifest;
  const texts = [
    manifest.arguments,
    Object.entries(environment).flat(),
    Object.entries(files).flat(),
    manifest.klibs,
  ];
  for (const text of texts.flat()) {
    if (!text.isWellFormed()) throw invalid(`${JSON.stringify(text)} holds half a character`);
  }
  for (const text of [...manifest.arguments, ...Object.entries(environment).flat()]) {
    if (text.includes('\0')) throw invalid('an argument or environment value holds a NUL');
  }
  for (const name of Object.keys(environment)) {
    if (name === '' || name.includes('='))
      throw invalid(`${JSON.stringify(name)} is no name for the environment`);
  }
}

/**
 * Where volumes are to be mounted, `mounts` in the attributes: the directories must be there, as Ops makes them.
 * Nothing in the order of the attributes tells.
 */
export function mountPoints({ attributes }: Pick<Manifest, 'attributes'>): string[] {
  const { mounts } = attributes;
  if (mounts === null || typeof mounts !== 'object' || Array.isArray(mounts)) return [];
  const paths = Object.values(mounts).filter((path): path is string => typeof path === 'string');
  return [...new Set(paths.filter((path) => path !== '/'))].sort();
}

function checkPaths(manifest: Manifest): void {
  const { program, files } = manifest;
  const paths = [program, ...Object.keys(files)];
  const known = new Set(paths);
  if (known.size < paths.length) throw invalid(`the file ${program} would replace the program`);
  const mounts = mountPoints(manifest);
  const covered = mounts.find((path) => known.has(path));
  if (covered !== undefined) throw invalid(`${covered} is a file, and a volume is to be mounted there`);
  for (const path of [...paths, ...mounts]) {
    const [empty, ...names] = path.split('/');
    if (names.length >= DEEPEST_PATH) throw invalid(`a path of ${names.length} names`);
    if (
      empty !== '' ||
      names.some((name) => name === '' || name === '.' || name === '..' || name.includes('\0'))
    ) {
      throw invalid(`${JSON.stringify(path)} is no clean absolute path`);
    }
    for (let i = 1; i < names.length; i += 1) {
      const parent = `/${names.slice(0, i).join('/')}`;
      if (known.has(parent)) throw invalid(`${parent} is a file, and ${path} wants it to be a directory`);
    }
  }
}

/**
 * Where the program lies in the image: named after the Go package, so that the path depends on nothing but the
 * artifact. `example.com/shop/v2` becomes `/bin/shop`. In a folder of its own it is in nobody's way: a fleet whose
 * program is `etc` or that has files under `/shop` is as good as another.
 */
export function programPath(buildInfo: GoBuildInfo): string {
  const names = buildInfo.path
    .split('/')
    .filter((name) => /^[A-Za-z0-9._-]+$/.test(name) && /[A-Za-z0-9]/.test(name));
  if (names.length > 1 && /^v\d+$/.test(names.at(-1) ?? '')) names.pop();
  const name = names.at(-1);
  return name === undefined || buildInfo.path === 'command-line-arguments' ? '/bin/program' : `/bin/${name}`;
}

/** The attributes of the root tuple, in a fixed order. */
export function manifestTuple(manifest: Manifest): TfsTuple {
  const tuple = new Map<string, TfsValue>([
    ['program', manifest.program],
    ['arguments', [...manifest.arguments]],
    ['environment', fromPlain(manifest.environment)],
  ]);
  if (manifest.klibs.length > 0) tuple.set('klibs', 'bootfs');
  const rest = new Map<string, TfsValue>(manifest.flags.map((flag) => [flag, 't']));
  for (const [key, value] of Object.entries(manifest.attributes)) {
    if (value !== false) rest.set(key, fromPlain(value));
  }
  for (const [key, value] of [...rest].sort(([a], [b]) => (a < b ? -1 : 1))) tuple.set(key, value);
  return tuple;
}

/** Of a program's path, in characters: it goes into items and from state to state. Files of a fleet have as much. */
const longestProgram = 1024;
/** Characters of an environment, names and values: as much as the item of a fleet could hold, that has one. */
const mostEnvironment = 400_000;

/** What a disk says of how its program is started. */
export interface DiskManifest {
  /** As written: Ops' package images hold a bare name. */
  readonly program: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Every other key of the root tuple, known or not, the tree of files left out. */
  readonly attributes: Readonly<Record<string, PlainValue>>;
}

/**
 * Reads the manifest from a root tuple.
 *
 * @throws FlotillaError DiskMalformed where there is no program, or the values are of the wrong kind
 */
export function readManifest(root: TfsTuple): DiskManifest {
  const program = textOf(root.get('program'));
  if (program === undefined || program === '') throw malformed('it names no program');
  if (program.length > longestProgram) throw malformed(`its program's path has ${program.length} characters`);
  const attributes = [...root].filter(([key]) => key === 'klibs' || !ownKeys.has(key));
  const left = plainBudget();
  return {
    program,
    arguments: readArguments(root.get('arguments')),
    environment: readEnvironment(root.get('environment')),
    attributes: Object.fromEntries(attributes.map(([key, value]) => [key, readAttribute(key, value, left)])),
  };
}

function readAttribute(key: string, value: TfsValue, left: PlainBudget): PlainValue {
  try {
    return toPlain(value, left);
  } catch (cause) {
    throw new FlotillaError(
      'DiskMalformed',
      `The disk's manifest has no end, or more than is read of one, in ${brief(key)}.`,
      {},
      { cause },
    );
  }
}

/** A vector; or a tuple keyed 0 to n, as older disks have it. */
function readArguments(value: TfsValue | undefined): string[] {
  if (value === undefined) return [];
  const list = isTuple(value)
    ? [...value].sort(([a], [b]) => Number(a) - Number(b)).map(([, argument]) => argument)
    : value;
  if (!Array.isArray(list)) throw malformed('its arguments are no list');
  return list.map((argument: TfsValue) => {
    const said = textOf(argument);
    if (said === undefined) throw malformed('an argument is no text');
    return said;
  });
}

/** The kernel takes an untyped buffer for a text, and warns. */
function textOf(value: TfsValue | undefined): string | undefined {
  return value instanceof Uint8Array ? text(value) : typeof value === 'string' ? value : undefined;
}

function readEnvironment(value: TfsValue | undefined): Record<string, string> {
  if (value === undefined) return {};
  if (!isTuple(value)) throw malformed('its environment is no tuple');
  let characters = 0;
  return Object.fromEntries(
    [...value].map(([name, setting]) => {
      if (setting instanceof Uint8Array && setting.length === 1 && setting[0] === 0) return [name, '']; // the null value
      const said = textOf(setting);
      if (said === undefined) throw malformed(`the environment's ${brief(name)} is no text`);
      characters += name.length + said.length;
      if (characters > mostEnvironment) throw malformed('its environment is too long');
      return [name, said];
    }),
  );
}

/** A name from a disk, for a message: such a name may have megabytes. */
function brief(name: string): string {
  return name.length <= 100 ? name : `${name.slice(0, 100)}…`;
}

function invalid(why: string): FlotillaError {
  return new FlotillaError('ManifestInvalid', `The manifest cannot be written: ${why}.`);
}

function malformed(why: string): FlotillaError {
  return new FlotillaError('DiskMalformed', `The disk's manifest contradicts itself: ${why}.`);
}
