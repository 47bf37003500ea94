/** One bridge while it is watched: its state, its counters, and what becomes of its FDB. */

import { bridgeOptions, portFlags } from "../bridge/bridge-options.ts";
import type { NameCache } from "../bridge/containers.ts";
import { entriesAt } from "../bridge/fdb.ts";
import { type Link, readLinks } from "../bridge/links.ts";
import { atPlace } from "../bridge/places.ts";
import { portName } from "../bridge/port-name.ts";
import { BridgeGoneError, readBridge } from "../bridge/read-bridge.ts";
import type { BridgeState, FdbEntry, Place } from "../bridge/state.ts";
import type { FdbEvent, WatchPort } from "../document/watch.ts";
import type { ByHand } from "../live/by-hand.ts";
import { SystemCallError } from "../system/libc.ts";
import { type NeighbourFeed, openNeighbourFeed } from "../system/neighbours.ts";
import type { Lesson } from "./taught.ts";
import { type Change, createTimeline, type Timeline } from "./timeline.ts";

/** Beyond these an interval's events are counted only. */
const MOST_EVENTS = 1000;

export type Counters = Map<number, WatchPort["counters"]>;

export interface WatchedBridge {
  readonly place: Place;
  readonly ifindex: number;
  state(): BridgeState;
  /** Reads all of it again; false when it is gone. */
  refresh(): Promise<boolean>;
  /**
   * Interface counters by ifindex as they are now, of its ports and its own device, and of the other links beside it; null
   * when it is gone. Tells whether its name, its ports, their states, or whether and how it filters VLANs are others than
   * before.
   */
  counters(): { counters: Counters; others: Counters; changed: boolean } | null;
  /** Keys of entries that changed since the last call: that it learned, that were set, that are gone. */
  poll(): { learned: string[]; set: string[]; deleted: string[] };
  byHand(act: ByHand): void;
  taught(lesson: Lesson): void;
  entries(): ReadonlyMap<string, FdbEntry>;
  /** What is told of the FDB since the last call, but for the last `holdMs`. */
  events(holdMs: number): { events: FdbEvent[]; more: number };
  close(): void;
}

/** Rejected with a BridgeGoneError when the bridge is gone. */
export async function openWatched(
  place: Place,
  ifindex: number,
  names: NameCache,
): Promise<WatchedBridge> {
  const feed = atPlace(place, openNeighbourFeed);
  let state: BridgeState;
  try {
    state = await readBridge(place, ifindex, names);
  } catch (error) {
    feed?.close();
    throw error;
  }
  const timeline = createTimeline(
    () => ({
      name: state.name,
      ifindex,
      ageingMs: state.ageingMs,
      portName: (port) => portName(state, port),
    }),
    state.entries,
  );
  let overruns = 0;
  /** Netlink has told of a link since the bridge was read. */
  let linksTold = false;
  return {
    place,
    ifindex,
    state: () => state,
    refresh: async () => {
      try {
        state = await readBridge(place, ifindex, names);
        linksTold = false;
        return true;
      } catch (error) {
        if (error instanceof BridgeGoneError) return false;
        // Devices come and go faster than they can be read: it is as it was until the next look.
        if (error instanceof SystemCallError && error.code === "ENODEV") return true;
        throw error;
      }
    },
    counters: () => {
      const links = readLinks(place);
      const device = links.find((link) => link.ifindex === ifindex && link.kind === "bridge");
      if (device === undefined) return null;
      const ports = links.filter((link) => link.master === ifindex);
      return {
        counters: new Map([
          [ifindex, turned(device.counters)],
          ...ports.map((link) => [link.ifindex, link.counters] as const),
        ]),
        others: new Map(
          links.flatMap((link) =>
            link === device || ports.includes(link) ? [] : [[link.ifindex, link.counters] as const],
          ),
        ),
        // PVIDs are of no link's own message.
        changed: !isAsBefore(device, ports, state) || (state.vlanFiltering && linksTold),
      };
    },
    poll: () => {
      const { changes, links, overrun } = read(feed, timeline);
      if (links || overrun) linksTold = true;
      if (overrun) {
        overruns++;
        timeline.reset(entriesAt(place, ifindex));
        return { learned: [], set: [...timeline.entries().keys()], deleted: [] };
      }
      const keys = (which: (change: Change) => boolean) =>
        changes.filter(which).map(({ key }) => key);
      return {
        learned: keys(({ deleted, set }) => !deleted && !set),
        set: keys(({ deleted, set }) => !deleted && set),
        deleted: keys(({ deleted }) => deleted),
      };
    },
    byHand: (act) => timeline.byHand(act),
    taught: (lesson) => timeline.taught(lesson),
    entries: () => timeline.entries(),
    events: (holdMs) => {
      const events = timeline.take(Date.now() - holdMs);
      const more = Math.max(0, events.length - MOST_EVENTS) + overruns;
      overruns = 0;
      return { events: events.slice(0, MOST_EVENTS), more };
    },
    close: () => feed?.close(),
  };
}

function read(feed: NeighbourFeed | null, timeline: Timeline) {
  if (feed === null) return { changes: [], links: false, overrun: false };
  const { messages, links, overrun } = feed.read();
  return { changes: timeline.notices(messages, Date.now()), links, overrun };
}

/** What the host sends comes into the bridge. */
function turned({ rx, tx }: Link["counters"]): WatchPort["counters"] {
  return { rx: tx, tx: rx, txDropped: 0 };
}

function isAsBefore(device: Link, links: readonly Link[], state: BridgeState): boolean {
  const filters = bridgeOptions(device.data).vlan_filtering === 1;
  if (device.name !== state.name || device.up !== state.up) return false;
  if (filters !== state.vlanFiltering || links.length !== state.ports.length) return false;
  const known = new Map(state.ports.map((port) => [port.ifindex, port]));
  return links.every(({ ifindex, name, slaveData }) => {
    const port = known.get(ifindex);
    return port?.name === name && port.state === portFlags(slaveData).state;
  });
}
