/**
 * Calls `work` for each item with at most `limit` calls at a time, in order of the items; the answers keep
 * that order. The first failure stops further calls from starting; those that run are awaited before it is
 * thrown, so that nothing is left running behind the caller's back.
 */
export async function mapBounded<Item, Result>(
  items: Iterable<Item> | AsyncIterable<Item>,
  limit: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const running = new Set<Promise<void>>();
  const failures: unknown[] = [];
  let index = 0;
  for await (const item of items) {
    if (failures.length > 0) break;
    const place = index++;
    const task: Promise<void> = work(item, place).then(
      (result) => {
        results[place] = result;
        running.delete(task);
      },
      (error: unknown) => {
        failures.push(error);
        running.delete(task);
      },
    );
    running.add(task);
    if (running.size >= limit) await Promise.race(running);
  }
  await Promise.all(running);
  if (failures.length > 0) throw failures[0];
  return results;
}
