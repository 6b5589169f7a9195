/**
 * Pages of lists. A token holds the key of the last item shown, so that items that come and go between two
 * calls neither repeat nor hide others, as an index would make them.
 */

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextToken: string | undefined;
}

/**
 * One page of `items`, which must be ordered by `keyOf` or at least keep their order between calls.
 * @param invalid makes the error for a token that is none of ours.
 */
export function page<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  limit: number,
  token: string | undefined,
  invalid: () => Error,
): Page<T> {
  let start = 0;
  if (token !== undefined) {
    const [at, key] = readToken(token, invalid);
    const found = items.findIndex((item) => keyOf(item) === key);
    // The item may be gone: then its place is the best that is known.
    start = found >= 0 ? found + 1 : Math.min(at, items.length);
  }
  const shown = items.slice(start, start + limit);
  const last = shown.at(-1);
  const more = last !== undefined && start + limit < items.length;
  return { items: shown, nextToken: more ? makeToken(start + limit, keyOf(last)) : undefined };
}

function makeToken(at: number, key: string): string {
  return Buffer.from(JSON.stringify([at, key])).toString('base64');
}

function readToken(token: string, invalid: () => Error): [number, string] {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64').toString());
    if (Array.isArray(value) && typeof value[0] === 'number' && typeof value[1] === 'string') {
      return [value[0], value[1]];
    }
  } catch {
    // Not JSON: refused below like any other foreign token.
  }
  throw invalid();
}
