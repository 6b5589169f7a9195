/** Plays one case with one stranger. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Case, differences, type Sheet, type Step } from './case.ts';
import type { Answered, Stranger } from './strangers.ts';

/** Words for `<word>` in a case's strings. A string that is one such word becomes the value itself. */
export type Words = ReadonlyMap<string, string | number>;

/** For what takes its time: longest wait, and how often it is asked. */
const patienceMs = 30_000;
const askEveryMs = 100;

/**
 * @param helper makes what the case needs first, and looks at what it did.
 * @throws Error that says where AWS's page and the answer differ.
 */
export async function play(
  sheet: Sheet,
  one: Case,
  stranger: Stranger,
  helper: Stranger,
  known: Words,
): Promise<void> {
  const words = new Map(known);
  for (const step of one.given ?? []) await take(sheet, step, helper, words);
  const asked = {
    service: sheet.service,
    operation: one.operation,
    input: fill(one.input, words) as Step['input'],
    checked: one.fails === undefined,
  };
  if (one.fails === undefined) {
    const answered = await askUntil(() => stranger.ask(asked), one.until && fill(one.until, words));
    compare(one.operation, answered, fill(one.answers, words));
  } else {
    const answered = await stranger.ask(asked);
    if (!('code' in answered))
      throw new Error(`${one.operation} answers ${JSON.stringify(answered.output)} instead of failing`);
    const { code, status, message, members } = one.fails;
    const found = [
      ...([code].flat().includes(answered.code)
        ? []
        : [`the code is ${answered.code} (${answered.message}), not ${[code].flat().join(' or ')}`]),
      // The AWS CLI tells neither the status nor further members.
      ...(answered.status === 0 || answered.status === status
        ? []
        : [`the status is ${answered.status}, not ${status}`]),
      ...(message === undefined ? [] : differences(message, answered.message, 'the message')),
      ...(members === undefined || answered.status === 0
        ? []
        : differences(fill(members, words), answered.members, 'the error')),
    ];
    if (found.length > 0) throw new Error(`${one.operation}: ${found.join('; ')}`);
  }
  for (const step of one.after ?? []) await take(sheet, step, helper, words);
}

async function take(
  sheet: Sheet,
  step: Step,
  stranger: Stranger,
  words: Map<string, string | number>,
): Promise<void> {
  const [service, operation] = step.call.includes('.')
    ? (step.call.split('.') as [string, string]) // one point in it
    : [sheet.service, step.call];
  const input = fill(step.input, words) as Step['input'];
  const asked = { service, operation, input, checked: step.fails === undefined };
  const answered = await askUntil(() => stranger.ask(asked), step.until && fill(step.until, words));
  if (step.fails !== undefined) {
    if ('code' in answered && answered.code === step.fails) return;
    throw new Error(`${step.call} does not fail with ${step.fails} but answers ${JSON.stringify(answered)}`);
  }
  const output = compare(step.call, answered, fill(step.answers ?? {}, words));
  for (const [word, path] of Object.entries(step.keep ?? {})) {
    const [place, pattern] = typeof path === 'string' ? [path] : path;
    const found = place.split('.').reduce<unknown>(member, output);
    const value = pattern === undefined ? found : pattern.exec(String(found))?.[1];
    if (typeof value !== 'string' && typeof value !== 'number')
      throw new Error(`${step.call} answers nothing at ${place}: ${JSON.stringify(output)}`);
    words.set(word, value);
  }
}

function compare(what: string, answered: Answered, expected: unknown): Readonly<Record<string, unknown>> {
  if ('code' in answered)
    throw new Error(`${what} fails with ${answered.code} (${answered.status}): ${answered.message}`);
  const found = differences(expected, answered.output);
  if (found.length > 0) throw new Error(`${what}: ${found.join('; ')}`);
  return answered.output;
}

async function askUntil(ask: () => Promise<Answered>, wanted: unknown): Promise<Answered> {
  for (const end = performance.now() + patienceMs; ; ) {
    const answered = await ask();
    if (wanted === undefined) return answered;
    const found = 'code' in answered ? [answered.code] : differences(wanted, answered.output);
    if (found.length === 0) return answered;
    if (performance.now() > end) throw new Error(`It does not come to pass: ${found.join('; ')}`);
    // The region takes its time, as AWS does; there is no event to wait for.
    await pause(askEveryMs);
  }
}

function member(at: unknown, name: string): unknown {
  return Array.isArray(at) ? at.at(Number(name)) : (at as Record<string, unknown> | undefined)?.[name];
}

/** The same values with every `<word>` put in. @throws Error for a word that nobody gave. */
function fill(value: unknown, words: Words): unknown {
  if (typeof value === 'string') {
    const wordOf = (_: string, word: string): string | number => {
      const found = words.get(word);
      if (found === undefined) throw new Error(`Nobody gave the word <${word}>`);
      return found;
    };
    const alone = /^<([a-zA-Z]+)>$/.exec(value);
    return alone === null
      ? value.replace(/<([a-zA-Z]+)>/g, (...found: [string, string]) => String(wordOf(...found)))
      : wordOf(value, alone[1] ?? '');
  }
  if (Array.isArray(value)) return value.map((item) => fill(item, words));
  if (
    typeof value !== 'object' ||
    value === null ||
    value instanceof Uint8Array ||
    value instanceof Date ||
    value instanceof RegExp
  )
    return value;
  const filled = Object.entries(value).map(([name, item]) => [name, fill(item, words)]);
  const symbols = Object.getOwnPropertySymbols(value).map((key) => [
    key,
    fill(Reflect.get(value, key), words),
  ]);
  return Object.fromEntries([...filled, ...symbols]);
}
