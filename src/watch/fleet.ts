/** The bridges that are watched: which of them the probes look at, and what those must know of their FDBs. */
import type { NameCache } from "../bridge/containers.ts";
import type { Labs } from "../bridge/find-namespace.ts";
import { BridgeGoneError } from "../bridge/read-bridge.ts";
import type { FdbEntry } from "../bridge/state.ts";
import { whichBridge } from "../bridge/which-bridge.ts";
import { openWatched, type WatchedBridge } from "./bridge.ts";
import { MOST_TARGETS, type Target, type WatchProbes } from "./probes.ts";

export interface Fleet {
  bridges(): readonly WatchedBridge[];
  /** What the probes look at, by the numbers that they know them by. */
  targets(): Target[];
  numberOf(bridge: WatchedBridge): number | null;
  /** Reads what is told of the FDBs; while the probes count they see for themselves what is learned. */
  poll(probes: WatchProbes | null): void;
  /** Makes the FDBs of the probes right: all of them the first time, later what changed while they rested. */
  fill(probes: WatchProbes, first: boolean): void;
  /** Gives back to the probes what deletions of the same address on other bridges took from them. */
  mend(probes: WatchProbes, thorough: boolean): void;
  /** Leaves out one that is gone. */
  drop(bridge: WatchedBridge): void;
  /** Reads all of it again, and leaves it out where it is gone. */
  refresh(bridge: WatchedBridge): Promise<void>;
  /** Takes in those that are new; only where no bridge was named. */
  look(): Promise<void>;
  close(): void;
}

/** Each costs a system call. */
const FEW_ENTRIES = 2000;

/** All bridges where none is named. */
export async function openFleet(
  bridge: string | undefined,
  netns: string | undefined,
  labs: Labs | undefined,
): Promise<Fleet> {
  const names: NameCache = new Map();
  const fleet: WatchedBridge[] = [];
  const numbers = new Map<WatchedBridge, number>();
  /** By bridge, keys of entries that the probes do not know of yet. */
  const stale = new Map<WatchedBridge, Set<string>>();

  const add = (watched: WatchedBridge) => {
    fleet.push(watched);
    const taken = new Set(numbers.values());
    for (let number = 1; number <= MOST_TARGETS; number++) {
      if (taken.has(number)) continue;
      numbers.set(watched, number);
      return;
    }
  };
  const close = () => {
    for (const one of fleet) one.close();
  };
  const drop = (one: WatchedBridge) => {
    one.close();
    fleet.splice(fleet.indexOf(one), 1);
    numbers.delete(one);
    stale.delete(one);
  };
  const markStale = (one: WatchedBridge, keys: Iterable<string>) => {
    const set = stale.get(one) ?? new Set();
    stale.set(one, set);
    for (const key of keys) set.add(key);
  };
  const flush = (probes: WatchProbes) => {
    for (const [one, keys] of stale) {
      const entries = one.entries();
      const known = [...keys].flatMap((key): FdbEntry | [] => entries.get(key) ?? []);
      const number = numbers.get(one);
      if (number !== undefined) probes.entries({ number, state: one.state() }, known, true);
    }
    stale.clear();
  };

  const poll = (probes: WatchProbes | null) => {
    for (const act of probes?.byHand() ?? []) {
      for (const one of fleet) one.byHand(act);
    }
    for (const lesson of probes?.lessons() ?? []) {
      for (const [one, number] of numbers) if (number === lesson.number) one.taught(lesson);
    }
    for (const one of fleet) {
      const { learned, set, deleted } = one.poll();
      markStale(one, set);
      if (probes === null || !probes.counting()) markStale(one, learned);
      // The notice of a deletion does not tell the probes which bridge it was on.
      for (const key of deleted) {
        for (const other of fleet) if (other.entries().has(key)) markStale(other, [key]);
      }
    }
    if (probes?.counting()) flush(probes);
  };

  try {
    for (const found of await whichBridge(bridge, netns, labs)) {
      try {
        add(await openWatched(found.place, found.ifindex, names));
      } catch (error) {
        // Of many, one may go while the others are opened.
        if (bridge !== undefined || !(error instanceof BridgeGoneError)) throw error;
      }
    }
  } catch (error) {
    close();
    throw error;
  }
  return {
    bridges: () => fleet,
    targets: () => [...numbers].map(([one, number]) => ({ number, state: one.state() })),
    numberOf: (one) => numbers.get(one) ?? null,
    poll,
    fill: (probes, first) => {
      poll(null);
      if (first) {
        for (const [one, number] of numbers) {
          probes.entries({ number, state: one.state() }, one.entries().values(), false);
        }
        stale.clear();
      } else {
        flush(probes);
      }
    },
    mend: (probes, thorough) => {
      for (const [one, number] of numbers) {
        const entries = one.entries();
        if (thorough || entries.size <= FEW_ENTRIES) {
          probes.entries({ number, state: one.state() }, entries.values(), false);
        }
      }
    },
    drop,
    refresh: async (one) => {
      const known = new Set(one.state().ports.map(({ ifindex }) => ifindex));
      if (!(await one.refresh())) {
        drop(one);
        return;
      }
      // What a port learned before the probes were told of it stands under another number.
      const joined = one.state().ports.filter(({ ifindex }) => !known.has(ifindex));
      if (joined.length === 0) return;
      const fresh = new Set(joined.map(({ ifindex }) => ifindex));
      for (const [key, { port }] of one.entries()) if (fresh.has(port)) markStale(one, [key]);
    },
    look: async () => {
      if (bridge !== undefined) return;
      const known = new Set(fleet.map(({ place, ifindex }) => `${place.inode} ${ifindex}`));
      for (const { place, ifindex } of await whichBridge(undefined, netns, labs).catch(() => [])) {
        if (known.has(`${place.inode} ${ifindex}`)) continue;
        const opened = await openWatched(place, ifindex, names).catch(() => null);
        if (opened === null) continue;
        add(opened);
        markStale(opened, opened.entries().keys());
      }
    },
    close,
  };
}
