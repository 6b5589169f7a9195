/** What the person sees: results on stdout, progress where it is out of a script's way, mistakes on stderr. */
import type { Problem } from '../src/contracts/api-views.ts';
import type { CommandError } from './exit-codes.ts';

export interface Output {
  readonly json: boolean;
  /** The result, for people; nothing under `--json`. */
  line(text?: string): void;
  /** The result, for programs: one object, once; nothing without `--json`. */
  result(value: object): void;
  /** What goes on. On a terminal the last line is replaced while `settled` is false. */
  progress(text: string, settled?: boolean): void;
  /** Takes the line that is being replaced away: what it said is over. */
  endProgress(): void;
  error(error: CommandError): void;
}

interface Sink {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface Streams {
  readonly stdout: Sink;
  readonly stderr: Sink;
}

const esc = String.fromCharCode(27);
const clearLine = `\r${esc}[2K`;

/** Text from outside (a console, a message) may hold control characters, which would act on the terminal. */
export function printable(text: string): string {
  return [...text]
    .map((c) => {
      const code = c.codePointAt(0) ?? 0;
      return c === '\n' || c === '\t' || (code >= 0x20 && (code < 0x7f || code > 0x9f)) ? c : '\u00b7';
    })
    .join('');
}

export function openOutput({ stdout, stderr }: Streams, json: boolean): Output {
  // With --json stdout belongs to the one object; progress is for whoever watches stderr.
  const side = json ? stderr : stdout;
  const live = side.isTTY === true;
  let replacing = false;
  let last = '';
  const settle = () => {
    if (replacing) side.write(clearLine);
    replacing = false;
  };
  return {
    json,
    line(text = '') {
      if (json) return;
      settle();
      stdout.write(`${printable(text)}\n`);
    },
    result(value) {
      if (json) stdout.write(`${JSON.stringify(value)}\n`);
    },
    progress(text, settled = true) {
      if (live && replacing && !settled && text === last) return;
      if (live) {
        // A line that is to be replaced must not wrap; one that stays is told whole.
        const most = settled ? Number.POSITIVE_INFINITY : Math.max(20, (side.columns ?? 100) - 1);
        const shown = printable(text).slice(0, most);
        side.write(`${replacing ? clearLine : ''}${shown}${settled ? '\n' : ''}`);
        replacing = !settled;
      } else if (settled && text !== last) {
        // What would be replaced at once is noise in a log.
        side.write(`${printable(text)}\n`);
      }
      last = text;
    },
    endProgress: settle,
    error({ message, advice, details, exitCode }) {
      settle();
      stderr.write(`flotilla: ${printable(message)}\n`);
      if (advice !== undefined) stderr.write(`  ${printable(advice)}\n`);
      for (const fact of factsOf(message, details)) stderr.write(`  ${printable(fact)}\n`);
      if (json) stdout.write(`${JSON.stringify({ error: { exitCode, message, advice, ...details } })}\n`);
    },
  };
}

/** More than an operator pastes into a console. */
const mostFacts = 12;

/** The ids that an error carries and its sentence does not say, one a line: `snapshotId  snap-…`. */
function factsOf(message: string, error: object = {}): string[] {
  const { details = {}, instance, status = 0 }: Partial<Problem> = error;
  const facts = Object.entries(details).flatMap(([name, value]) => {
    const values = (Array.isArray(value) ? value : [value]).filter((one) => typeof one !== 'object');
    const untold = values.map(String).filter((one) => !message.includes(one));
    return untold.length === 0 ? [] : [[name, untold.join(', ')]];
  });
  // What is the caller's own mistake stands in no log.
  if (instance !== undefined && status >= 500) facts.push(['request', instance.replace(/^.*:/, '')]);
  const width = Math.max(0, ...facts.map(([name = '']) => name.length));
  return facts.slice(-mostFacts).map(([name = '', words]) => `${name.padEnd(width)}  ${words}`);
}

/** Columns with as much room as their widest cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** `3 min ago`: how people tell times of the last days. */
export function ago(time: string, now: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - Date.parse(time)) / 1000));
  if (seconds < 90) return `${seconds} s ago`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 129_600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} days ago`;
}
