/** What changed between two images, in words. Values of the environment never show: they may be secrets. */
import type { GoBuildInfo, GoModule } from './build-info.ts';
import { canonicalJson } from './identity.ts';
import type { InspectedDisk, InspectedFile, Inspection } from './inspect.ts';

export interface Change {
  readonly about:
    | 'form'
    | 'program'
    | 'dependency'
    | 'build'
    | 'kernel'
    | 'file'
    | 'arguments'
    | 'environment'
    | 'setting'
    | 'size';
  /** One sentence without its full stop. */
  readonly words: string;
}

/**
 * What `b` has otherwise than `a`. A program by itself has no kernel, files or settings: beside a disk it is
 * compared as a program alone.
 */
export function diffImages(a: Inspection, b: Inspection): Change[] {
  return [
    ...differs('form', 'architecture', a.architecture, b.architecture),
    ...programChanges(a, b),
    ...buildChanges(a.buildInfo, b.buildInfo),
    ...(a.disk === undefined || b.disk === undefined ? [] : diskChanges(a.disk, b.disk)),
    ...(a.kind === b.kind && a.kind === 'nanos-disk'
      ? differs('size', 'size of the disk', bytes(a.sizeBytes), bytes(b.sizeBytes))
      : []),
  ];
}

function differs(
  about: Change['about'],
  what: string,
  from: string | undefined,
  to: string | undefined,
): Change[] {
  if (from === to) return [];
  if (from === undefined) return [{ about, words: `${what}: ${to} (new)` }];
  if (to === undefined) return [{ about, words: `${what}: ${from} is gone` }];
  return [{ about, words: `${what}: ${from} → ${to}` }];
}

function programChanges(a: Inspection, b: Inspection): Change[] {
  const moved =
    a.program.path === undefined || b.program.path === undefined
      ? []
      : differs('program', 'path of the program', a.program.path, b.program.path);
  if (a.program.sha256 === b.program.sha256) return moved;
  const words =
    a.program.sizeBytes === b.program.sizeBytes
      ? `the program is another one of the same size (${short(a.program.sha256)} → ${short(b.program.sha256)})`
      : `the program is another one: ${bytes(a.program.sizeBytes)} → ${bytes(b.program.sizeBytes)} (${short(a.program.sha256)} → ${short(b.program.sha256)})`;
  return [...moved, { about: 'program', words }];
}

function buildChanges(a: GoBuildInfo | undefined, b: GoBuildInfo | undefined): Change[] {
  if (a === undefined || b === undefined) {
    return differs('build', 'build information', a && 'there', b && 'there');
  }
  return [
    ...differs('program', 'module', moduleWords(a.main), moduleWords(b.main)),
    ...differs('program', 'main package', a.path, b.path),
    ...differs('program', 'commit', commit(a), commit(b)),
    ...differs('build', 'Go', a.goVersion, b.goVersion),
    ...dependencyChanges(a.deps, b.deps),
    // The commit was told in words of its own.
    ...recordChanges(
      'build',
      'build setting',
      withoutVcs(a.settings),
      withoutVcs(b.settings),
      (value) => value,
    ),
  ];
}

function commit({ vcs }: GoBuildInfo): string | undefined {
  if (vcs?.revision === undefined) return undefined;
  return `${vcs.revision.slice(0, 12)}${vcs.modified === true ? ' with changes on top' : ''}`;
}

function withoutVcs(settings: GoBuildInfo['settings']): Record<string, string> {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !name.startsWith('vcs')));
}

function moduleWords(module: GoModule | undefined): string | undefined {
  if (module === undefined) return undefined;
  const { path, version, replace } = module;
  return replace === undefined ? `${path} ${version}` : `${path} ${version} as ${moduleWords(replace)}`;
}

function dependencyChanges(a: readonly GoModule[], b: readonly GoModule[]): Change[] {
  const said = (modules: readonly GoModule[]) =>
    Object.fromEntries(
      modules.map((one) => [
        one.path,
        [one.version, ...(one.replace === undefined ? [] : ['as', moduleWords(one.replace)])].join(' '),
      ]),
    );
  const sums = (modules: readonly GoModule[]) => new Map(modules.map((one) => [one.path, one.sum]));
  const [sumsOfA, sumsOfB] = [sums(a), sums(b)];
  const before = said(a);
  const after = said(b);
  const resummed = Object.keys(before).filter(
    (path) => before[path] === after[path] && sumsOfA.get(path) !== sumsOfB.get(path),
  );
  return [
    ...recordChanges('dependency', 'dependency', before, after, (value) => value),
    ...resummed.map((path) => ({
      about: 'dependency' as const,
      words: `dependency ${path} ${before[path]}: the same version with another checksum`,
    })),
  ];
}

/** @param show undefined as an answer hides the value */
function recordChanges(
  about: Change['about'],
  what: string,
  a: Readonly<Record<string, string>>,
  b: Readonly<Record<string, string>>,
  show: (value: string) => string | undefined,
): Change[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].sort().flatMap((name) => {
    const from = Object.hasOwn(a, name) ? a[name] : undefined;
    const to = Object.hasOwn(b, name) ? b[name] : undefined;
    if (from === to) return [];
    const said = (value: string) => (show(value) === undefined ? '' : ` ${show(value)}`);
    if (from === undefined) return { about, words: `${what} ${name}${said(to ?? '')} added` };
    if (to === undefined) return { about, words: `${what} ${name}${said(from)} removed` };
    const shown = show(from) === undefined ? ' changed' : ` ${show(from)} → ${show(to)}`;
    return { about, words: `${what} ${name}${shown}` };
  });
}

function diskChanges(a: InspectedDisk, b: InspectedDisk): Change[] {
  const hidden = () => undefined;
  const attributes = (disk: InspectedDisk) =>
    Object.fromEntries(Object.entries(disk.attributes).map(([name, value]) => [name, canonicalJson(value)]));
  return [
    ...differs('kernel', 'kernel', a.kernel && short(a.kernel.sha256), b.kernel && short(b.kernel.sha256)),
    ...fileChanges('kernel', 'kernel module', a.klibs, b.klibs),
    ...differs('setting', 'boots by', a.boots.join(' and '), b.boots.join(' and ')),
    ...fileChanges('file', 'file', a.files, b.files),
    ...differs('arguments', 'arguments', argv(a.arguments), argv(b.arguments)),
    ...recordChanges('environment', 'environment', a.environment, b.environment, hidden),
    ...recordChanges('setting', 'setting', attributes(a), attributes(b), (value) => value),
  ];
}

function argv(words: readonly string[]): string {
  return words.map((word) => (/^[\w./:=@,+-]+$/.test(word) ? word : JSON.stringify(word))).join(' ');
}

function fileChanges(
  about: Change['about'],
  what: string,
  a: readonly InspectedFile[],
  b: readonly InspectedFile[],
): Change[] {
  const before = new Map(a.map((file) => [file.path, file]));
  const after = new Map(b.map((file) => [file.path, file]));
  return [...new Set([...before.keys(), ...after.keys()])].sort().flatMap((path) => {
    const from = before.get(path);
    const to = after.get(path);
    if (from === undefined && to !== undefined)
      return { about, words: `${what} ${path} added (${extent(to)})` };
    if (to === undefined && from !== undefined)
      return { about, words: `${what} ${path} removed (${extent(from)})` };
    if (from === undefined || to === undefined) return [];
    if (extent(from) !== extent(to))
      return { about, words: `${what} ${path}: ${extent(from)} → ${extent(to)}` };
    return from.sha256 === to.sha256 ? [] : { about, words: `${what} ${path} changed, of the same size` };
  });
}

function extent({ sizeBytes, target }: InspectedFile): string {
  return target === undefined ? bytes(sizeBytes) : `a link to ${target}`;
}

function bytes(count: number): string {
  return `${count} ${count === 1 ? 'byte' : 'bytes'}`;
}

function short(sha256: string): string {
  return sha256.slice(0, 12);
}
