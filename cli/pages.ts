/** Lists of the API, page by page. */
interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string | undefined;
}

/** Every page until the last. */
export async function* everyPage<T>(
  read: (after: string | undefined) => Promise<Page<T>>,
): AsyncGenerator<readonly T[]> {
  let after: string | undefined;
  do {
    const page = await read(after);
    yield page.items;
    after = page.next;
  } while (after !== undefined);
}

/** At most `limit` items, from as many pages as that takes. */
export async function firstItems<T>(
  limit: number,
  read: (after: string | undefined, limit: number) => Promise<Page<T>>,
): Promise<T[]> {
  const found: T[] = [];
  for await (const items of everyPage((after) => read(after, Math.min(100, limit - found.length)))) {
    found.push(...items);
    if (found.length >= limit) break;
  }
  return found.slice(0, limit);
}
