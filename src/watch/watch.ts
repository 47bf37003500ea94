/** What bridges do, an interval at a time. Nothing on them is changed. */

import type { Labs } from "../bridge/find-namespace.ts";
import { bridgeGone } from "../bridge/read-bridge.ts";
import type { WatchRecord } from "../document/watch.ts";
import { type LiveBackend, liveBackends } from "../live/backend.ts";
import { createGuard, type Guard, NO_PHASE, waitUntil } from "../live/guard.ts";
import { deviceKey } from "../live/program-keys.ts";
import { WATCH } from "../probes/programs.ts";
import { requireLivePrivileges } from "../system/capabilities.ts";
import { BridgescopeError, UsageError } from "../system/errors.ts";
import { readSoftnetDrops } from "../system/softnet.ts";
import { printable } from "../text/printable.ts";
import type { Counters, WatchedBridge } from "./bridge.ts";
import { type Fleet, openFleet } from "./fleet.ts";
import { loadWatch, MOST_TARGETS, type WatchProbes } from "./probes.ts";
import { type Interval, recordOf } from "./record.ts";
import { NOTHING, tallies } from "./tally.ts";

export interface WatchOptions {
  /** The bridge's name; all that there are when absent. */
  bridge?: string | undefined;
  /** The namespace that it is in: a path, a PID, a name of `ip netns`, a container, a lab, or as it is printed. */
  netns?: string | undefined;
  /** Between two records; 1 when absent, 0.2 at the least. */
  intervalSeconds?: number | undefined;
  /** For how long; until `signal` when absent. */
  seconds?: number | undefined;
  /** False asks netlink alone: interface counters and the FDB's events. */
  probes?: boolean | undefined;
  /** How frames are looked at; the first of fentry, kprobe and tracepoints that loads here when absent. */
  backend?: LiveBackend | undefined;
  /** Most of one CPU that the probes may take over a second, as a share; 0.02 when absent. */
  maxOverhead?: number | undefined;
  /** A MAC address: FDB events of no other are told, where it is, and between which frames it came to another port. */
  mac?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Called with what netlink tells, before the probes are attached: records of no time. */
  onFirst?: ((records: WatchRecord[]) => void) | undefined;
}

export const LEAST_INTERVAL_S = 0.2;
const INTERVAL_S = 1;
const MAX_OVERHEAD = 0.02;
/** The probes' word of who asked for a change may come this much later than the change. */
const HOLD_MS = 200;
/** Bridges, owners of ports, VLANs and options are read again this often; ports whenever they change. */
const LOOK_AGAIN_MS = 10_000;

/**
 * Records, one a bridge and interval. Rejected with a UsageError, which lists the bridges that there are, where there
 * is no such bridge, and with a BridgescopeError when the last one is deleted while it is watched. `labs` knows the
 * labs that `netns` may name.
 */
export async function* watchBridges(
  options: WatchOptions = {},
  labs?: Labs,
): AsyncGenerator<WatchRecord, void> {
  const { bridge, netns, intervalSeconds = INTERVAL_S, seconds } = options;
  if (!(intervalSeconds >= LEAST_INTERVAL_S)) {
    throw new UsageError(`an interval is ${LEAST_INTERVAL_S} s or more, not ${intervalSeconds} s`);
  }
  const follow = options.mac === undefined ? null : addressOf(options.mac);
  const signal = options.signal ?? new AbortController().signal;
  const limit = options.maxOverhead ?? MAX_OVERHEAD;
  requireLivePrivileges();
  const backends =
    options.probes === false ? null : await liveBackends(options.backend ?? "auto", WATCH);
  const fleet = await openFleet(bridge, netns, labs);
  let probes: WatchProbes | null = null;
  try {
    if (options.onFirst !== undefined) {
      const nothing: Interval = {
        ...{ seconds: 0, phase: NO_PHASE, limit, softnetDrops: null, inFlight: null, lost: 0 },
        ...{ tally: null, follow, holdMs: 0, notes: notesOf(fleet) },
        ...{ before: new Map(), after: new Map(), others: new Map() },
      };
      options.onFirst(fleet.bridges().map((one) => recordOf(one, nothing)));
    }
    const poll = () => fleet.poll(probes);
    let guard: Guard | null = null;
    if (backends !== null) {
      try {
        probes = await loadWatch(backends, follow, signal);
      } catch (error) {
        if (signal.aborted) return;
        throw error;
      }
      guard = guarded(probes, fleet, limit, signal);
      await guard.begin(poll);
    }
    const started = performance.now();
    const last = seconds === undefined ? Number.POSITIVE_INFINITY : started + seconds * 1000;
    let { counters, others } = readCounters(fleet);
    let reading = probes?.read() ?? NOTHING;
    let skew = frames(counters, readCounters(fleet).counters);
    let time = performance.now();
    let looked = time;
    let drops = readSoftnetDrops();
    let lost = probes?.lost() ?? 0;
    for (let end = started; !signal.aborted && end < last; ) {
      end = Math.min(last, Math.max(end, performance.now() - 1) + intervalSeconds * 1000);
      const phase =
        guard === null ? await unwatched(end, poll, signal) : await guard.phase(end, poll);
      // One after the other, so that what passes between them bounds how far they differ.
      const first = readCounters(fleet);
      const seen = probes?.read() ?? NOTHING;
      const second = readCounters(fleet);
      const now = performance.now();
      const elapsed = (now - time) / 1000;
      const passed = frames(first.counters, second.counters);
      const dropsNow = readSoftnetDrops();
      const lostNow = probes?.lost() ?? 0;
      const tally =
        probes !== null && phase.counted > 0 ? tallies(reading, seen, probes.dropNames) : null;
      const ended = signal.aborted || end >= last;
      // Ports that joined meanwhile are in this record already.
      const again = now - looked > LOOK_AGAIN_MS;
      if (again) looked = now;
      await keepUp(fleet, first.changed, first.gone, again);
      const known = probes;
      known?.aim(fleet.targets());
      const notes = [...notesOf(fleet), ...(known?.full() ?? [])];
      for (const one of [...fleet.bridges()]) {
        const before = counters.get(one);
        const after = first.counters.get(one);
        if (before === undefined || after === undefined) continue;
        const number = fleet.numberOf(one);
        const device = (ifindex: number) => deviceKey(one.place.inode, ifindex);
        yield recordOf(one, {
          ...{ seconds: elapsed, phase, limit, before, after, follow },
          others: others.get(one) ?? new Map(),
          tally:
            number === null || tally === null || known === null
              ? null
              : (ifindex) => tally(known.slotsOf(number, device(ifindex))),
          softnetDrops: dropsNow === null || drops === null ? null : dropsNow - drops,
          inFlight: phase.whole ? skew + passed : null,
          lost: Math.max(0, lostNow - lost),
          holdMs: ended ? 0 : HOLD_MS,
          notes,
        });
      }
      ({ counters, others } = first);
      reading = seen;
      skew = passed;
      time = now;
      drops = dropsNow;
      lost = lostNow;
      if (fleet.bridges().length === 0) throw gone(bridge);
      if (probes !== null) fleet.mend(probes, again);
    }
  } finally {
    await probes?.close();
    fleet.close();
  }
}

function guarded(probes: WatchProbes, fleet: Fleet, limit: number, signal: AbortSignal): Guard {
  probes.aim(fleet.targets());
  let first = true;
  const onCount = () => {
    fleet.fill(probes, first);
    first = false;
  };
  return createGuard({ probes, limit, onCount, signal });
}

async function unwatched(end: number, poll: () => void, signal: AbortSignal) {
  await waitUntil(end, poll, signal);
  return NO_PHASE;
}

interface Read {
  counters: Map<WatchedBridge, Counters>;
  others: Map<WatchedBridge, Counters>;
  /** Whose ports are others than before. */
  changed: WatchedBridge[];
  gone: WatchedBridge[];
}

function readCounters(fleet: Fleet): Read {
  const read: Read = { counters: new Map(), others: new Map(), changed: [], gone: [] };
  for (const one of fleet.bridges()) {
    const found = one.counters();
    if (found === null) read.gone.push(one);
    else {
      read.counters.set(one, found.counters);
      read.others.set(one, found.others);
      if (found.changed) read.changed.push(one);
    }
  }
  return read;
}

/** In and out of all ports, from one reading to the other. */
function frames(before: Read["counters"], after: Read["counters"]): number {
  let sum = 0;
  for (const [bridge, counters] of after) {
    const old = before.get(bridge);
    for (const [port, { rx, tx }] of counters) {
      const known = old?.get(port);
      if (known !== undefined) sum += Math.max(0, rx - known.rx) + Math.max(0, tx - known.tx);
    }
  }
  return sum;
}

async function keepUp(
  fleet: Fleet,
  changed: readonly WatchedBridge[],
  gone: readonly WatchedBridge[],
  again: boolean,
): Promise<void> {
  for (const one of gone) fleet.drop(one);
  for (const one of again ? [...fleet.bridges()] : changed) await fleet.refresh(one);
  if (again) await fleet.look();
}

function notesOf(fleet: Fleet): string[] {
  const all = fleet.bridges().length;
  return all <= MOST_TARGETS
    ? []
    : [
        `there are ${all} bridges, and the probes look at ${MOST_TARGETS} of them; of the others there are interface counters and FDB events`,
      ];
}

function gone(bridge: string | undefined): BridgescopeError {
  return new BridgescopeError(
    bridge === undefined ? "the last bridge was deleted" : bridgeGone(bridge),
  );
}

function addressOf(text: string): string {
  const bytes = text.toLowerCase().split(/[:-]/);
  if (bytes.length === 6 && bytes.every((byte) => /^[0-9a-f]{1,2}$/.test(byte))) {
    return bytes.map((byte) => byte.padStart(2, "0")).join(":");
  }
  throw new UsageError(`--mac is an address such as 02:00:00:00:00:01, not "${printable(text)}"`);
}
