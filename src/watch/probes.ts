/** The probes of `watch`: loaded once for all bridges, attached only while they count. */

import type { BridgeState, FdbEntry } from "../bridge/state.ts";
import { type ByHand, takeByHand } from "../live/by-hand.ts";
import type { GuardedProbes } from "../live/guard.ts";
import { loadLive } from "../live/program.ts";
import { createSlots, fdbEntries, hostEntry, portEntries } from "../live/program-keys.ts";
import type { ProbeBackend } from "../probes/backend.ts";
import { WATCH } from "../probes/programs.ts";
import { macInteger } from "../text/mac-address.ts";
import { type Reading, readMaps } from "./tally.ts";

/** A bridge, and what watch.bt calls it: from 1 to 8. */
export interface Target {
  number: number;
  state: BridgeState;
}

/** Most bridges that one program can tell apart. */
export const MOST_TARGETS = 8;

export interface WatchProbes extends GuardedProbes {
  /** Looks at these devices and no others. */
  aim(targets: readonly Target[]): void;
  /** Puts entries into the program's FDB, where it keeps one; with `newer`, in place of what is there. */
  entries(target: Target, entries: Iterable<FdbEntry>, newer: boolean): void;
  counting(): boolean;
  read(): Reading;
  /** What was done to FDBs by hand since the last call. */
  byHand(): ByHand[];
  /** Frames that the probes missed, since they were loaded. */
  lost(): number;
  /** A sentence for each map that can take no more. */
  full(): string[];
  close(): Promise<void>;
}

/** Loads the probes, which count when they are told to; nothing of them stays after `close`, nor after our own end. */
export async function loadWatch(
  backends: readonly ProbeBackend[],
  signal?: AbortSignal,
): Promise<WatchProbes> {
  const program = await loadLive(WATCH, backends, signal);
  const { maps } = program;
  const slots = createSlots();
  const mirrors = maps.has("fdb");
  const knowsHosts = maps.has("host");
  let aimed = new Set<bigint>();
  return {
    aim: (targets) => {
      const devices = targets.flatMap(({ number, state }) => portEntries(number, state, slots));
      const now = new Set(devices.flatMap(([key]) => key));
      const gone = [...aimed].filter((key) => !now.has(key));
      maps.set("ports", [...gone.map((key) => [[key], 0n] as const), ...devices]);
      maps.set(
        "mac",
        targets.map(({ number, state }) => [[BigInt(number)], macInteger(state.address)]),
      );
      if (knowsHosts)
        maps.set(
          "host",
          targets.map(({ number, state }) => hostEntry(number, state, slots)),
        );
      aimed = now;
    },
    entries: ({ number, state }, entries, newer) => {
      if (!mirrors) return;
      const write = newer ? maps.set : maps.add;
      write("fdb", fdbEntries(number, state, entries, slots));
    },
    ready: program.ready,
    attach: (shift) => program.attach(shift),
    time: program.time,
    detach: () => program.detach(),
    counting: program.attached,
    read: () => readMaps(maps, slots),
    byHand: () => takeByHand(maps, ["added", "deleted"]),
    cost: program.cost,
    lost: program.missed,
    full: () => maps.full(["n", "lat", ...(mirrors ? ["fdb"] : [])]),
    close: program.close,
  };
}
