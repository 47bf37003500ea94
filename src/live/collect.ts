/** What a bridge does with its frames for a while, by flow. */

import { readLinks } from "../bridge/links.ts";
import { bridgeGone } from "../bridge/read-bridge.ts";
import type { BridgeState } from "../bridge/state.ts";
import type { EndedEarly } from "../document/explain.ts";
import type { BackendName } from "../probes/backend.ts";
import { LIVE } from "../probes/programs.ts";
import { readSoftnetDrops } from "../system/softnet.ts";
import { type LiveBackend, liveBackends } from "./backend.ts";
import { type ByHand, takeByHand } from "./by-hand.ts";
import { readDropNames } from "./drop-names.ts";
import { createGuard, type GuardedProbes } from "./guard.ts";
import { followMembers, type Home } from "./membership.ts";
import { countedTime, partNote } from "./pace.ts";
import { type LiveProgram, loadLive } from "./program.ts";
import {
  atHome,
  COUNTED,
  flowCounts,
  fullMaps,
  type Reading,
  readSeen,
  type Seen,
  scaled,
  slotOf,
} from "./read-maps.ts";
import { createSteps } from "./steps.ts";

export type { Flow, FlowClass, KnownFlow, Lost } from "./read-maps.ts";

export interface CollectOptions {
  seconds: number;
  backend: LiveBackend;
  /** Most of one CPU that the probes may take over a second, as a share. */
  maxOverhead: number;
  /** Ends the collecting; what was counted so far is the answer. */
  signal?: AbortSignal | undefined;
  /** Called now and then with what was counted so far. */
  onSoFar?: ((soFar: Collected) => void) | undefined;
  /** Called when the probes are attached and count. */
  onCounting?: (() => void) | undefined;
}

export interface Collected extends Seen {
  /** Seconds that all of this is of, and when they began: by CLOCK_MONOTONIC in nanoseconds, and in milliseconds since 1970. */
  seconds: number;
  beganNs: number;
  beganAt: number;
  /**
   * Seconds of these in which frames were counted. Where they are fewer, what a port's frames did is scaled by how many of
   * the frames that its interface counted came meanwhile.
   */
  counted: number;
  backend: BackendName;
  /** Frames that came in by its ports, by their interface counters; without those of ports that have left. */
  came: number;
  /** Frames that found a CPU's backlog full (/proc/net/softnet_stat), whosever they were. */
  softnetDropped: number;
  /** Entries that somebody deleted by hand. */
  deleted: Pick<ByHand, "address" | "by">[];
  /** Every entry of a single host that its FDB had at any time meanwhile; one for each port where the address moved. */
  homes: Home[];
  /** Link-layer addresses that the bridge device had meanwhile, from the first to the last. */
  ownAddresses: string[];
  /** Of one CPU, over all of the time. */
  share: number;
  /** Why it ended early, and the same in a sentence. */
  ended: { early: EndedEarly; text: string } | null;
  notes: string[];
}

const STEP_MS = 250;
/** Netlink tells of what comes and goes; a namespace that is gone says nothing. */
const STEPS_TO_CHECK = 4;
/** Of the time; what is missing then is that between the looks. */
export const WHOLE = 0.98;

/** Loads probes, counts, and lets them go; nothing stays behind, however it ends. */
export async function collect(state: BridgeState, options: CollectOptions): Promise<Collected> {
  const names = await readDropNames();
  const program = await loadLive(LIVE, await liveBackends(options.backend, LIVE), options.signal);
  try {
    const members = followMembers(state, program.maps);
    try {
      return await count({ state, members, names, steps: createSteps() }, program, options);
    } finally {
      members.close();
    }
  } finally {
    await program.close();
  }
}

async function count(
  reading: Reading,
  { maps, backend, ready, attach, detach, cost }: LiveProgram,
  {
    seconds,
    maxOverhead,
    signal = new AbortController().signal,
    onSoFar,
    onCounting,
  }: CollectOptions,
): Promise<Collected> {
  const { state, members, steps } = reading;
  const acts: ByHand[] = [];
  let [there, thereAt] = [true, Date.now()];
  const look = (at: () => boolean) => {
    if (there) there = at();
    if (there) thereAt = Date.now();
  };
  const poll = () => {
    acts.push(...takeByHand(maps, ["deleted"]));
    if (there) there = members.follow();
  };
  const traffic = createTraffic(state);
  const probes: GuardedProbes = {
    attach: () => attach(0, traffic.begins),
    detach: () => detach(traffic.ends),
    ...{ ready, time: () => {}, cost },
  };
  // What happened to the FDB while nothing was counted no program has seen.
  const onCount = () => look(members.check);
  const guard = createGuard({ probes, limit: maxOverhead, onCount, signal });
  await guard.begin(poll);
  // In this order, and at the end in the other one: no more frames are counted than the interfaces have.
  traffic.restart();
  for (const name of COUNTED) maps.clear(name);
  const softnetBefore = readSoftnetDrops() ?? 0;
  const [beganNs, beganAt] = [Number(process.hrtime.bigint()), Date.now()];
  const started = performance.now();
  let ended: Collected["ended"] = null;
  const time = countedTime(started);
  let cpu = 0;
  /** When the probes were gone: what is done after that is no time of looking. What softnet had dropped by then. */
  let stopped: number | null = null;
  let softnet: number | null = null;
  const elapsed = () => Math.max(1, (stopped ?? performance.now()) - started) / 1000;
  /** Steps that end together: nothing was counted in those before the last one. */
  let span = 1;
  const endStep = (counted: number) => {
    if (counted === 0) {
      span++;
      return;
    }
    const factor = traffic.stepFactors();
    const byFlow = (key: string) => factor(members.portOf(slotOf(key)));
    steps.end(performance.now() - started, flowCounts(maps), byFlow, span);
    span = 1;
  };
  const soFar = (): Collected => {
    const [all, seen] = [elapsed(), readSeen(maps, reading)];
    const part = time.seconds() / all;
    return {
      ...atHome(part < WHOLE ? scaled(seen, traffic.factors()) : seen, reading),
      softnetDropped: Math.max(0, (softnet ?? readSoftnetDrops() ?? 0) - softnetBefore),
      ...{ homes: members.homes(), ownAddresses: members.ownAddresses() },
      ...{ beganNs, beganAt, share: cpu / all, ended, seconds: all },
      deleted: acts.filter(({ device }) => members.names().has(device)),
      ...{ came: traffic.came(), counted: Math.min(time.seconds(), all), backend, notes: [] },
    };
  };
  const endGone = () => {
    ended = endedGone(state.name, elapsed());
    // A bridge takes its entries with it: those nobody deleted on purpose.
    acts.splice(0, acts.length, ...acts.filter(({ at }) => at <= thereAt));
  };
  const end = started + seconds * 1000;
  onCounting?.();
  for (let step = 1; ended === null && !signal.aborted && performance.now() < end; step++) {
    const phase = await guard.phase(Math.min(end, performance.now() + STEP_MS), poll);
    time.ended(performance.now(), phase);
    cpu += (phase.share ?? 0) * phase.seconds;
    endStep(phase.counted);
    if (phase.drops) ended = { early: "backlog", text: phase.notes.join() };
    onSoFar?.(soFar());
    if (step % STEPS_TO_CHECK === 0) look(members.check);
    if (!there) endGone();
  }
  poll();
  await probes.detach();
  stopped = performance.now();
  softnet = readSoftnetDrops();
  time.stopped(stopped);
  const came = traffic.came();
  look(members.check);
  if (ended === null && !there) endGone();
  const all = time.seconds() / elapsed();
  const part = ended === null && all < WHOLE ? partNote(all, maxOverhead) : null;
  return { ...soFar(), came, notes: [...(part === null ? [] : [part]), ...fullMaps(maps)] };
}

export function endedGone(name: string, seconds: number): NonNullable<Collected["ended"]> {
  const text = `${bridgeGone(name)}: it was noticed after ${seconds.toFixed(1)} s of looking at frames, and what was seen until then is the answer`;
  return { early: "bridge-gone", text };
}

interface Traffic {
  begins(): void;
  ends(): void;
  /** By ifindex of a port, or of the bridge's own device: frames that came in, by those that came while frames were counted. */
  factors(): (ifindex: number) => number;
  /** The same of the time since it was called last. */
  stepFactors(): (ifindex: number) => number;
  /** Begins anew: what came while the probes were made ready is of no time that is looked at. */
  restart(): void;
  /** Frames that came in by the ports that there are. */
  came(): number;
}

/** By the interface counters, of the time from now on. */
function createTraffic({ place, ifindex: own }: BridgeState): Traffic {
  /** What the host sends comes into the bridge. */
  const now = () =>
    new Map(
      readLinks(place).map(({ ifindex, counters: { rx, tx } }) => [
        ifindex,
        ifindex === own ? tx : rx,
      ]),
    );
  let first = now();
  const counted = new Map<number, number>();
  /** When the step began: the counters, and what of them was counted. */
  let step = { first, counted: new Map<number, number>() };
  let since: Map<number, number> | null = null;
  const add = (until: Map<number, number>) => {
    for (const [ifindex, rx] of until) {
      const more = rx - (since?.get(ifindex) ?? first.get(ifindex) ?? 0);
      counted.set(ifindex, (counted.get(ifindex) ?? 0) + more);
    }
  };
  /** Books until now. */
  const last = () => {
    const until = now();
    if (since !== null) {
      add(until);
      since = until;
    }
    return until;
  };
  const factorsSince = (begin: typeof step) => {
    const until = last();
    const seen = new Map(counted);
    const ratio = (ifindexes: Iterable<number>) => {
      let [all, part] = [0, 0];
      for (const ifindex of ifindexes) {
        all += (until.get(ifindex) ?? 0) - (begin.first.get(ifindex) ?? 0);
        part += (seen.get(ifindex) ?? 0) - (begin.counted.get(ifindex) ?? 0);
      }
      return Math.max(1, all / Math.max(1, part));
    };
    const factor = new Map([...until.keys()].map((ifindex) => [ifindex, ratio([ifindex])]));
    // Of a port that has left nobody has the counters: as of all others together.
    const mean = ratio(until.keys());
    const next = { first: until, counted: seen };
    return { next, factors: (ifindex: number) => factor.get(ifindex) ?? mean };
  };
  return {
    begins: () => {
      since = now();
    },
    ends: () => {
      if (since !== null) add(now());
      since = null;
    },
    factors: () => factorsSince({ first, counted: new Map() }).factors,
    stepFactors: () => {
      const { next, factors } = factorsSince(step);
      step = next;
      return factors;
    },
    restart: () => {
      first = last();
      counted.clear();
      step = { first, counted: new Map() };
    },
    came: () =>
      readLinks(place)
        .filter(({ master }) => master === own)
        .reduce(
          (all, { ifindex, counters: { rx } }) => all + Math.max(0, rx - (first.get(ifindex) ?? 0)),
          0,
        ),
  };
}
