/** What Stryker's report says of each file, and which mutants no test fails by, in words that outlive line numbers. */

/** The part of Stryker's JSON report that is read here: https://stryker-mutator.io/docs/mutation-testing-elements/ */
export interface Report {
  readonly files: Readonly<
    Record<string, { readonly source: string; readonly mutants: readonly ReportedMutant[] }>
  >;
}

interface ReportedMutant {
  readonly mutatorName: string;
  readonly replacement?: string;
  readonly status: string;
  readonly static?: boolean;
  readonly location: { readonly start: Place; readonly end: Place };
}

/** Both from 1. */
interface Place {
  readonly line: number;
  readonly column: number;
}

export interface Tally {
  readonly killed: number;
  readonly survived: number;
  /** Not run: the report is of a part. */
  readonly ignored: number;
}

/** A changed line: as it stands, and as Stryker wrote it. */
export interface Survivor {
  readonly mutator: string;
  readonly line: string;
  readonly changed: string;
}

export interface FileResult extends Tally {
  readonly file: string;
  readonly survivors: readonly Survivor[];
}

/**
 * - A mutant that never ends is found, as a test of it never would.
 * - What does not compile, or breaks the runner, is no mutant of a decision: it counts for neither side.
 *
 * https://stryker-mutator.io/docs/mutation-testing-elements/mutant-states-and-metrics/
 */
const standings: Readonly<Record<string, keyof Tally | 'no mutant'>> = {
  Killed: 'killed',
  Timeout: 'killed',
  Survived: 'survived',
  NoCoverage: 'survived',
  Ignored: 'ignored',
  CompileError: 'no mutant',
  RuntimeError: 'no mutant',
};

/** The files of a report in the order of their names. Throws for a state of mutants that it does not know. */
export function resultsOf(report: Report): FileResult[] {
  return Object.entries(report.files)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([file, { source, mutants }]) => {
      const lines = source.split('\n');
      const all = mutants.map((mutant) => ({ mutant, standing: standingOf(mutant.status) }));
      const count = (wanted: keyof Tally): number => all.filter(({ standing }) => standing === wanted).length;
      return {
        file,
        killed: count('killed'),
        survived: count('survived'),
        ignored: count('ignored'),
        survivors: all
          .filter(({ standing }) => standing === 'survived')
          .map(({ mutant }) => mutant)
          .sort((one, other) => comparePlaces(one.location.start, other.location.start))
          .map((mutant) => survivorOf(mutant, lines)),
      };
    });
}

export function sumOf(results: readonly Tally[]): Tally {
  const sum = (name: keyof Tally): number => results.reduce((total, one) => total + one[name], 0);
  return { killed: sum('killed'), survived: sum('survived'), ignored: sum('ignored') };
}

/** Per cent with two digits, never rounded up: `89.99` is not nine in ten. A file without mutants has all of them. */
export function scoreOf({ killed, survived }: Tally): string {
  const all = killed + survived;
  return all === 0 ? '100.00' : (Math.floor((killed / all) * 10_000) / 100).toFixed(2);
}

function standingOf(status: string): keyof Tally | 'no mutant' {
  const standing = standings[status];
  if (standing === undefined) throw new Error(`Stryker calls a mutant ${status}, which nobody knows here`);
  return standing;
}

function comparePlaces(one: Place, other: Place): number {
  return one.line - other.line || one.column - other.column;
}

/** A mutant that spans lines is told by the first of them, and by all that is put in its place. */
function survivorOf({ mutatorName, replacement = '', location }: ReportedMutant, lines: string[]): Survivor {
  const { start, end } = location;
  const first = lines[start.line - 1] ?? '';
  const last = lines[end.line - 1] ?? '';
  return {
    mutator: mutatorName,
    line: oneLine(start.line === end.line ? first : `${first} …`),
    changed: oneLine(first.slice(0, start.column - 1) + replacement + last.slice(end.column - 1)),
  };
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
