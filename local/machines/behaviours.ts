/**
 * How machines misbehave, each a script of its own; {@link compose} puts several together. All times count from the
 * start of the machine. What is left to chance takes the region's seeded source, so that it can be repeated.
 */
import type { Random } from '../random.ts';
import type { ScriptedAnswer } from './machine.ts';
import type { Answering, MachineScript } from './scripted.ts';

/** Connections are refused for so long. */
export function slowStart(bootMs: number): MachineScript {
  return { bootMs };
}

/** Every request is answered so, from the first on. */
export function neverHealthy(answer: ScriptedAnswer = 503): MachineScript {
  return { healthy: answer };
}

/** Well until then, and answering so from then on. */
export function sickFrom(atMs: number, answer: ScriptedAnswer = 503): MachineScript {
  return { changes: [{ atMs, healthy: answer }] };
}

/** Each answer takes so long: a check with a shorter timeout fails. */
export function answersSlowly(answerMs: number, fromMs?: number): MachineScript {
  return fromMs === undefined ? { answerMs } : { changes: [{ atMs: fromMs, answerMs }] };
}

/** Answers, and says something else than it should: another version's words, or another status. */
export function answersWrong(body: string, status: number = 200): MachineScript {
  return { healthy: status, body };
}

/**
 * Well for a while, then sick for a while, again and again.
 * @param options.badShare how much of each period is bad; half unless told
 * @param options.random where in its first period it begins; at the start unless told
 */
export function flapping(
  periodMs: number,
  options: { readonly badShare?: number; readonly answer?: ScriptedAnswer; readonly random?: Random } = {},
): MachineScript {
  const { badShare = 0.5, answer = 503 } = options;
  const offset = options.random?.integer(periodMs) ?? 0;
  const goodMs = periodMs * (1 - badShare);
  return { healthy: (sinceStartMs) => ((sinceStartMs + offset) % periodMs < goodMs ? true : answer) };
}

/** The program ends then, with this code and these last words. */
export function crashAt(
  crashAtMs: number,
  { exitCode = 1, console = [] }: { readonly exitCode?: number; readonly console?: readonly string[] } = {},
): MachineScript {
  return { crashAtMs, consoleOnExit: [...console, `[flotilla] program ended with exit code ${exitCode}`] };
}

/**
 * The program takes more and more memory: its answers get slower in the last tenth of its life, and then it dies as
 * a Go program does that gets no more.
 */
export function memoryLeak(
  diesAtMs: number,
  { slowMs = 2_000 }: { readonly slowMs?: number } = {},
): MachineScript {
  const death = crashAt(diesAtMs, {
    exitCode: 2,
    console: ['runtime: out of memory: cannot allocate 4194304-byte block', 'fatal error: out of memory'],
  });
  return { ...death, changes: [{ atMs: Math.round(diesAtMs * 0.9), answerMs: slowMs }] };
}

/**
 * All of them at once: the longest start, the first death, the slowest answer, and of what they answer the first
 * that is not well. Changes stay in the order of time.
 */
export function compose(...scripts: readonly MachineScript[]): MachineScript {
  const deaths = scripts.filter((script) => script.crashAtMs !== undefined);
  const [death] = deaths.toSorted((a, b) => (a.crashAtMs ?? 0) - (b.crashAtMs ?? 0));
  const boots = scripts.flatMap((script) => script.bootMs ?? []);
  const changes = scripts.flatMap((script) => script.changes ?? []).toSorted((a, b) => a.atMs - b.atMs);
  const body = scripts.findLast((script) => script.body !== undefined)?.body;
  return {
    ...worst(scripts),
    ...(boots.length === 0 ? {} : { bootMs: Math.max(...boots) }),
    ...(changes.length === 0 ? {} : { changes }),
    ...(body === undefined ? {} : { body }),
    ...(death?.crashAtMs === undefined ? {} : { crashAtMs: death.crashAtMs }),
    console: scripts.flatMap((script) => script.console ?? []),
    consoleOnExit: death?.consoleOnExit ?? scripts.flatMap((script) => script.consoleOnExit ?? []),
  };
}

function worst(scripts: readonly Answering[]): Answering {
  const answerMs = Math.max(0, ...scripts.map((script) => script.answerMs ?? 0));
  const said = scripts.flatMap(({ healthy }) => healthy ?? []);
  const isBad = (answer: boolean | ScriptedAnswer): boolean => answer !== true && answer !== 200;
  const constant = said.filter((one) => typeof one !== 'function');
  const bad = constant.find(isBad);
  if (bad !== undefined || constant.length === said.length) return { healthy: bad ?? true, answerMs };
  const functions = said.filter((one) => typeof one === 'function');
  return {
    healthy: (sinceStartMs, path) =>
      functions.map((one) => one(sinceStartMs, path)).find((answer) => isBad(answer)) ?? true,
    answerMs,
  };
}
