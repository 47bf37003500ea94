import { availableParallelism } from "node:os";

/**
 * The work of all items, as many at once as there are cores. When one fails no other is begun, those that run are
 * waited for, and the first failure is thrown.
 */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const failures: unknown[] = [];
  const open = items.entries();
  const lane = async () => {
    for (const [index, item] of open) {
      try {
        results[index] = await work(item);
      } catch (error) {
        failures.push(error);
      }
      if (failures.length > 0) return;
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, lane));
  if (failures.length > 0) throw failures[0];
  return results;
}
