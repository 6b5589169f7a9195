/** Tells a person what happens: a live line on a terminal, plain lines elsewhere. */

const clearLine = '\r\u001b[2K';
const dim = (text: string, on: boolean): string => (on ? `\u001b[2m${text}\u001b[22m` : text);
const bold = (text: string, on: boolean): string => (on ? `\u001b[1m${text}\u001b[22m` : text);

export interface Narrator {
  /** A chapter: what begins now. */
  chapter(title: string): void;
  /** What is going on; replaced by the next status on a terminal, printed when it changes elsewhere. */
  status(text: string): void;
  /** A fact that stays. */
  fact(text: string): void;
  /** A blank line, or lines to print as they are. */
  print(text?: string): void;
}

/**
 * @param out where to write; `json` mode passes stderr, since stdout's last line is the story.
 * @param now milliseconds, for the seconds in front of each fact.
 */
export function createNarrator(
  out: NodeJS.WriteStream,
  now: () => number,
  live: boolean = out.isTTY === true,
): Narrator {
  const started = now();
  let shown = '';
  const clock = (): string => `${((now() - started) / 1000).toFixed(1).padStart(6)}s`;
  const erase = (): void => {
    if (live && shown !== '') out.write(clearLine);
  };
  return {
    chapter(title) {
      erase();
      shown = '';
      out.write(`\n${bold(title, live)}\n`);
    },
    status(text) {
      if (text === shown) return;
      erase();
      shown = text;
      if (live) out.write(dim(`${clock()}  ${text.slice(0, Math.max(20, (out.columns ?? 100) - 12))}`, true));
      else out.write(`${clock()}  … ${text}\n`);
    },
    fact(text) {
      erase();
      shown = '';
      out.write(`${dim(clock(), live)}  ${text}\n`);
    },
    print(text = '') {
      erase();
      shown = '';
      out.write(`${text}\n`);
    },
  };
}
