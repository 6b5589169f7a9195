/**
 * Works on the items in order and gives each with its result, while up to `ahead` of them are worked on. Who stops
 * early waits for those that run.
 */
export async function* readAhead<Item, Result>(
  items: Iterable<Item>,
  ahead: number,
  work: (item: Item) => Promise<Result>,
): AsyncGenerator<[Item, Result]> {
  const running: { item: Item; result: Promise<Result> }[] = [];
  try {
    for (const item of items) {
      const result = work(item);
      result.catch(() => undefined); // told when its turn comes
      running.push({ item, result });
      if (running.length < ahead) continue;
      yield await first(running);
    }
    while (running.length > 0) yield await first(running);
  } finally {
    await Promise.allSettled(running.map(({ result }) => result));
  }
}

async function first<Item, Result>(
  running: { item: Item; result: Promise<Result> }[],
): Promise<[Item, Result]> {
  const next = running.shift();
  if (next === undefined) throw new RangeError('nothing is worked on');
  return [next.item, await next.result];
}
