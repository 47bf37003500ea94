/** What a bridge does with its frames for a while, by flow. */
import { setTimeout as sleep } from "node:timers/promises";
import type { EndedEarly } from "../document/explain.ts";
import type { ProbeMaps } from "../probes/maps.ts";
import { LIVE } from "../probes/programs.ts";
import { probeRunTimeNs } from "../probes/statistics.ts";
import { close, enableBpfStatistics } from "../system/libc.ts";
import { ipText } from "../system/neighbours.ts";
import { readSoftnetDrops } from "../system/softnet.ts";
import { macOfInteger } from "../text/mac-address.ts";
import { liveBackend } from "./backend.ts";
import { type ByHand, parseByHand } from "./by-hand.ts";
import { entriesAt } from "./fdb.ts";
import { type Link, readLinks } from "./links.ts";
import { attachLive, type LiveProgram } from "./program.ts";
import { fdbEntries, portEntries } from "./program-keys.ts";
import { bridgeGone, readBridge } from "./read-bridge.ts";
import type { BridgeState } from "./state.ts";

export interface CollectOptions {
  seconds: number;
  /** Most of one CPU that the probes may take, as a share. */
  maxOverhead: number;
  /** Ends the collecting; what was counted so far is the answer. */
  signal?: AbortSignal | undefined;
  /** Called now and then with what was counted so far. */
  onSoFar?: ((soFar: Collected) => void) | undefined;
  /** Called when the probes are attached and count. */
  onCounting?: (() => void) | undefined;
}

export type FlowClass = "unknownUnicast" | "broadcast" | "multicast";

export interface Flow {
  class: FlowClass;
  /** Ifindex of the port it came in by; the bridge's own for what the host sends. */
  port: number;
  source: string;
  destination: string;
  vlan: number;
  frames: number;
  bytes: number;
  /** To all ports, and, of these, to the host. */
  copies: number;
  hostCopies: number;
  /** How often its TCP acknowledgement number changed: somebody answers. 0 for what is not TCP in IPv4. */
  acknowledged: number;
  /** Of its first frame, by CLOCK_MONOTONIC in nanoseconds; 0 where that was not seen. */
  firstNs: number;
  /** Of the IP or ARP header of its first frame. */
  addresses: { source: string | null; destination: string | null; protocol: string | null };
}

export interface Collected {
  /** Seconds in which frames were counted, and when that began, by CLOCK_MONOTONIC in nanoseconds. */
  seconds: number;
  beganNs: number;
  flows: Flow[];
  /** Copies of frames for a destination that left by a port. */
  got: { destination: string; vlan: number; port: number; copies: number }[];
  moves: { address: string; vlan: number; port: number; moves: number }[];
  /** Entries that somebody deleted by hand. */
  deleted: Pick<ByHand, "address" | "by">[];
  /** Of one CPU, by the kernel's BPF statistics. */
  share: number;
  /** Why it ended early, and the same in a sentence. */
  ended: { early: EndedEarly; text: string } | null;
  notes: string[];
}

const STEP_MS = 250;
/** The only one that the program looks at. */
const BRIDGE = 1;
/** The marker by which the program counts. */
const COUNT = 1;
const CLASSES: Record<number, FlowClass> = { 0: "unknownUnicast", 2: "broadcast", 3: "multicast" };

/** Attaches probes, counts, and detaches; nothing stays behind, however it ends. */
export async function collect(state: BridgeState, options: CollectOptions): Promise<Collected> {
  const program = await attachLive(LIVE, await liveBackend(), options.signal);
  try {
    return await count(state, program, options);
  } finally {
    await program.close();
  }
}

async function count(
  state: BridgeState,
  { session, maps }: LiveProgram,
  { seconds, maxOverhead, signal, onSoFar, onCounting }: CollectOptions,
): Promise<Collected> {
  const acts: ByHand[] = [];
  session.onLine((line) => {
    const act = parseByHand(line);
    if (act?.kind === "deleted" && act.device === state.name) acts.push(act);
  });
  maps.add("fdb", fdbEntries(BRIDGE, state.entries));
  maps.add("ports", portEntries(BRIDGE, state));
  const drops = readSoftnetDrops();
  const statistics = enableBpfStatistics();
  const beganNs = Number(process.hrtime.bigint());
  const started = performance.now();
  let ended: Collected["ended"] = null;
  let share = 0;
  const soFar = (): Collected => ({
    ...read(maps),
    ...{ beganNs, deleted: acts, share, ended },
    seconds: (performance.now() - started) / 1000,
    notes: [],
  });
  const known = new Set(state.ports.map(({ ifindex }) => ifindex));
  let thereAt = Date.now();
  /** Its ports as they are now; null, and that it has ended, where the bridge is gone. */
  const portsNow = (): Link[] | null => {
    const links = readLinks(state.place);
    if (links.some(({ ifindex, kind }) => ifindex === state.ifindex && kind === "bridge")) {
      thereAt = Date.now();
      return links.filter(({ master }) => master === state.ifindex);
    }
    ended = endedGone(state.name, (performance.now() - started) / 1000);
    // A bridge takes its entries with it: those nobody deleted on purpose.
    acts.splice(0, acts.length, ...acts.filter(({ at }) => at <= thereAt));
    return null;
  };
  try {
    const before = probeRunTimeNs(session.child.pid);
    session.round(COUNT);
    onCounting?.();
    for (let step = 1; ended === null && !signal?.aborted; step++) {
      const left = seconds * 1000 - (performance.now() - started);
      if (left <= 0) break;
      await sleep(Math.min(STEP_MS, left), undefined, signal === undefined ? {} : { signal }).catch(
        () => {},
      );
      onSoFar?.(soFar());
      if (step % 4 !== 0) continue;
      const ports = portsNow();
      if (ports === null) break;
      const joined = await joinedBy(known, ports, state);
      if (joined !== null) maps.add("ports", portEntries(BRIDGE, joined));
      // Entries that were set by hand make no event that the program sees; what it has seen itself is newer and stays.
      maps.add("fdb", fdbEntries(BRIDGE, entriesAt(state.place, state.ifindex)));
      share = (probeRunTimeNs(session.child.pid) - before) / ((performance.now() - started) * 1e6);
      const dropped = readSoftnetDrops();
      if (share > maxOverhead) {
        const text = `the probes took ${(share * 100).toFixed(1)} % of a CPU, more than the ${(maxOverhead * 100).toFixed(1)} % that --max-overhead allows, and were detached`;
        ended = { early: "overhead", text };
      } else if (drops !== null && dropped !== null && dropped > drops && share > maxOverhead / 2) {
        const text = `the machine drops frames (${dropped - drops} in softnet since the start), so the probes were detached`;
        ended = { early: "backlog", text };
      }
    }
    session.round(0);
    if (ended === null) portsNow();
  } finally {
    close(statistics);
  }
  return { ...soFar(), notes: maps.full(["flow", "got", "moves", "fdb"]) };
}

export function endedGone(name: string, seconds: number): NonNullable<Collected["ended"]> {
  const text = `${bridgeGone(name)}: it was noticed after ${seconds.toFixed(1)} s of looking at frames, and what was seen until then is the answer`;
  return { early: "bridge-gone", text };
}

/** The bridge as it is now, where ports have joined it that are not known yet; they are from then on. */
async function joinedBy(
  known: Set<number>,
  ports: readonly Link[],
  state: BridgeState,
): Promise<BridgeState | null> {
  const joined = ports.filter(({ ifindex }) => !known.has(ifindex));
  if (joined.length === 0) return null;
  for (const { ifindex } of joined) known.add(ifindex);
  return readBridge(state.place, state.ifindex).catch(() => null);
}

function read(maps: ProbeMaps): Pick<Collected, "flows" | "got" | "moves"> {
  const by = (name: string) =>
    new Map(maps.counts(name).map(([key, value]) => [key.join(), value] as const));
  const bytes = by("flowBytes");
  const copies = by("flowCopies");
  const hostCopies = by("flowUp");
  const acks = new Map(maps.tuples("ack").map(([key, value]) => [key.join(), value]));
  const details = new Map(maps.tuples("detail").map(([key, value]) => [key.join(), value]));
  const flows = maps.counts("flow").flatMap(([key, frames]): Flow[] => {
    const [device = 0n, to = 0n, flow = 0n] = key;
    const kind = CLASSES[Number(flow >> 48n) & 0x7f];
    if (kind === undefined) return [];
    return [
      {
        class: kind,
        port: ifindexOf(device),
        source: macOfInteger(flow),
        destination: macOfInteger(to),
        vlan: Number(to >> 48n),
        frames,
        bytes: bytes.get(key.join()) ?? 0,
        copies: (copies.get(key.join()) ?? 0) + (hostCopies.get(key.join()) ?? 0),
        hostCopies: hostCopies.get(key.join()) ?? 0,
        // The first one that is seen is no change.
        acknowledged: Math.max(0, Number(acks.get(key.join())?.[1] ?? 0n) - 1),
        firstNs: Number(details.get(key.join())?.[0] ?? 0n),
        addresses: addressesOf(details.get(key.join()) ?? []),
      },
    ];
  });
  const got = maps.counts("got").map(([[to = 0n, device = 0n], n]) => ({
    destination: macOfInteger(to),
    vlan: Number(to >> 48n),
    port: ifindexOf(device),
    copies: n,
  }));
  const moves = maps.counts("moves").map(([[address = 0n, device = 0n], n]) => ({
    address: macOfInteger(address),
    vlan: Number(address >> 48n),
    port: ifindexOf(device),
    moves: n,
  }));
  return { flows, got, moves };
}

const PROTOCOLS: Record<number, string> = {
  1: "ICMP",
  2: "IGMP",
  6: "TCP",
  17: "UDP",
  58: "ICMPv6",
};
/** EtherTypes as they lie in memory on a little-endian machine. */
const IPV4 = 0x8;
const ARP = 0x608;
const IPV6 = 0xdd86;

/** `detail` is @detail of live.bt: time, EtherType, protocol, and the two addresses in halves. */
function addressesOf(detail: readonly bigint[]): Flow["addresses"] {
  const [, type = 0n, protocol = 0n, ...halves] = detail;
  const [sourceHigh = 0n, source = 0n, destinationHigh = 0n, destination = 0n] = halves;
  const kind = Number(type);
  if (![IPV4, ARP, IPV6].includes(kind)) return { source: null, destination: null, protocol: null };
  const text = (high: bigint, low: bigint) => {
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64LE(kind === IPV6 ? high : low, 0);
    bytes.writeBigUInt64LE(low, 8);
    return ipText(kind === IPV6 ? bytes : bytes.subarray(0, 4));
  };
  return {
    source: text(sourceHigh, source),
    destination: text(destinationHigh, destination),
    protocol: kind === ARP ? "ARP" : (PROTOCOLS[Number(protocol)] ?? `IP protocol ${protocol}`),
  };
}

function ifindexOf(device: bigint): number {
  return Number(device & 0xffffffffn);
}
