/** The probes of `watch`: loaded once for all bridges, attached only while they count. */

import type { BridgeState, FdbEntry } from "../bridge/state.ts";
import { type ByHand, takeByHand } from "../live/by-hand.ts";
import { type DropNames, readDropNames } from "../live/drop-names.ts";
import type { GuardedProbes } from "../live/guard.ts";
import { loadLive } from "../live/program.ts";
import {
  createSlots,
  deviceKey,
  fdbEntries,
  hostEntry,
  joinedEntry,
  portEntries,
} from "../live/program-keys.ts";
import type { ProbeBackend } from "../probes/backend.ts";
import { WATCH } from "../probes/programs.ts";
import { macInteger } from "../text/mac-address.ts";
import { type Reading, readMaps } from "./tally.ts";
import { type Lesson, takeLessons } from "./taught.ts";

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
  /** Counts of all slots; of ports that joined since the reading before this one too (`slotsOf`). */
  read(): Reading;
  /** What a port of a target, or its own device, was counted by between the last two readings; nothing where there were too many. */
  slotsOf(number: number, device: bigint): bigint[];
  dropNames: DropNames;
  /** What was done to FDBs by hand since the last call. */
  byHand(): ByHand[];
  /** Frames that taught bridges addresses since the last call. */
  lessons(): Lesson[];
  /** Frames that the probes missed, since they were loaded. */
  lost(): number;
  /** A sentence for each map that can take no more. */
  full(): string[];
  close(): Promise<void>;
}

/**
 * Loads the probes, which count when they are told to; nothing of them stays after `close`, nor after our own end. They tell
 * when and where the address `follow` was heard; without one no frame is compared with it.
 */
export async function loadWatch(
  backends: readonly ProbeBackend[],
  follow: string | null,
  signal?: AbortSignal,
): Promise<WatchProbes> {
  const dropNames = await readDropNames();
  const followed = follow === null ? 0n : macInteger(follow);
  const program = await loadLive(WATCH, backends, signal, [String(followed)]);
  const { maps } = program;
  const slots = createSlots(MOST_SLOTS);
  const mirrors = maps.has("fdb");
  const knowsHosts = maps.has("host");
  /** Ports that were counted as newcomers in one of the last two intervals: how many readings ago they were told of. */
  const young = new Map<bigint, number>();
  const aimed = { ports: new Set<bigint>(), peers: new Set<bigint>() };
  /** Points the map at these devices, and away from those of before. */
  const point = (name: "ports" | "peers", devices: [key: bigint[], value: bigint][]) => {
    const now = new Set(devices.flatMap(([key]) => key));
    const gone = [...aimed[name]].filter((key) => !now.has(key));
    maps.set(name, [...gone.map((key) => [[key], 0n] as const), ...devices]);
    aimed[name] = now;
  };
  return {
    aim: (targets) => {
      const devices = targets.flatMap(({ number, state }) => portEntries(number, state, slots));
      if (aimed.ports.size > 0) {
        for (const [device = 0n] of devices.map(([key]) => key)) {
          if (!aimed.ports.has(device)) young.set(device, 0);
        }
      }
      point("ports", devices);
      maps.set(
        "joined",
        targets.map(({ number, state }) =>
          joinedEntry(number, joinedSlot(number, 0n), state.options),
        ),
      );
      point(
        "peers",
        targets.flatMap(({ state: { place, ports } }) =>
          ports.flatMap(({ ifindex, peer }): [bigint[], bigint][] =>
            peer === null
              ? []
              : [
                  [
                    [deviceKey(peer.namespace.inode, peer.ifindex)],
                    slots.of(deviceKey(place.inode, ifindex)),
                  ],
                ],
          ),
        ),
      );
      maps.set(
        "mac",
        targets.map(({ number, state }) => [[BigInt(number)], macInteger(state.address)]),
      );
      if (knowsHosts)
        maps.set(
          "host",
          targets.map(({ number, state }) => hostEntry(number, state, slots)),
        );
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
    read: () => {
      for (const [device, age] of young) {
        if (age === 0) young.set(device, 1);
        else young.delete(device);
      }
      return readMaps(maps);
    },
    slotsOf: (number, device) => {
      const own = slots.of(device);
      if (own === slots.rest) return [];
      return young.has(device) ? [own, joinedSlot(number, device)] : [own];
    },
    dropNames,
    byHand: () => takeByHand(maps, ["added", "deleted"]),
    lessons: () => takeLessons(maps),
    cost: program.cost,
    lost: program.missed,
    full: () => maps.full(["n", "lat", "drops", ...(mirrors ? ["fdb"] : [])]),
    close: program.close,
  };
}

/** As watch.bt has it: the highest of 16 bits, 3 of the bridge, and 12 of the ifindex. Own slots are below. */
const JOINED = 0x8000n;
const MOST_SLOTS = 0x7fff;

function joinedSlot(number: number, device: bigint): bigint {
  return JOINED | (BigInt(number - 1) << 12n) | (device & 0xfffn);
}
