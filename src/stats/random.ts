/** A small seeded generator (mulberry32): the same seed gives the same run. Values in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Puts items into random orders, one call after the other; the same seed gives the same orders (Fisher and Yates). */
export function shuffled(seed: number): <Item>(items: readonly Item[]) => Item[] {
  const random = seededRandom(seed);
  return (items) => {
    const left = [...items];
    return items.flatMap(() => left.splice(Math.floor(random() * left.length), 1));
  };
}
