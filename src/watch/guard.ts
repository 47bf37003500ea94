/** Keeps the probes below the share of a CPU that they may take: by pace, and by detaching them. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ProbeBackend } from "../probes/backend.ts";
import { readSoftnetDrops, readSoftnetFrames } from "../system/softnet.ts";
import { FULL_PACE, nextPace, type Pace, shareOf } from "./pace.ts";
import { attachWatch, type Target, type WatchProbes } from "./probes.ts";
import { NOTHING, type Reading } from "./tally.ts";

export interface GuardOptions {
  /** Null for no probes at all. */
  backend: ProbeBackend | null;
  /** Most of one CPU, as a share. */
  limit: number;
  onAct: Parameters<typeof attachWatch>[1];
  /** Called when probes have been attached and when they are about to count again: now their FDB must be right. */
  onCount: (probes: WatchProbes, attached: boolean) => void;
  targets: () => readonly Target[];
  signal: AbortSignal;
}

export interface Phase {
  /** Seconds in which frames were counted. */
  counted: number;
  /** All of the time since the phase before. */
  whole: boolean;
  share: number | null;
  sampledOneIn: number | null;
  notes: string[];
}

/** Without probes. */
export const NO_PHASE: Phase = {
  counted: 0,
  whole: false,
  share: null,
  sampledOneIn: null,
  notes: [],
};

export interface Guard {
  /** Attaches the probes, which count from then on. */
  attach(): Promise<void>;
  probes(): WatchProbes | null;
  /** Waits until `end`, by performance.now(), and calls `poll` every so often; `rate` is frames/s of the phase before. */
  phase(end: number, rate: number, poll: () => void): Promise<Phase>;
  /** What was counted since the last call; null where no phase counted. */
  take(): { before: Reading; after: Reading } | null;
  close(): Promise<void>;
}

/** The kernel's BPF statistics are on for so long, and so often while frames are counted: they cost something themselves. */
const COST_MS = 20;
const CHECK_MS = 200;
const POLL_MS = 100;
/** Between them a look at how many frames this machine takes in: a load that has grown so much is looked at at once. */
const GLANCE_MS = 20;
const GROWN = 2;
/** Frames/s below which no growth is worth a look. */
const CALM_RATE = 20_000;
/** Detached probes come back when the load is this share of what it was. */
const CALM = 0.25;
const BACK = "they come back when the load is a quarter of this";

export function createGuard(options: GuardOptions): Guard {
  const { limit, signal } = options;
  let probes: WatchProbes | null = null;
  let attaching: Promise<void> | null = null;
  let pace: Pace = FULL_PACE;
  let resting: number | null = null;
  let last: Reading = NOTHING;
  /** What detached probes had counted. */
  let detached: Reading | null = null;
  let countingSince: number | null = null;
  /** Frames/s at which they were detached, null where they were not; of a load that had just begun known one phase later. */
  let detachedAt: number | null = null;
  let justDetached = false;
  /** Said for as long as they are. */
  let reason: string[] = [];
  /** The last phase was one of counting. */
  let counted = false;
  let drops = readSoftnetDrops();

  const attach = async () => {
    if (options.backend === null) return;
    const attached = await attachWatch(options.backend, options.onAct, signal);
    attached.aim(options.targets());
    options.onCount(attached, true);
    probes = attached;
    pace = FULL_PACE;
    resting = null;
    last = NOTHING;
    detachedAt = null;
  };
  const detach = async (rate: number) => {
    const gone = probes;
    if (gone === null) return;
    detached = gone.read();
    probes = null;
    detachedAt = rate;
    justDetached = true;
    await gone.stop();
  };
  /** Polls until `end`, or until the machine takes in more than `most` frames/s. */
  const until = async (end: number, poll: () => void, most = Number.POSITIVE_INFINITY) => {
    for (let due = 0; ; ) {
      const now = performance.now();
      const over = now >= end || signal.aborted;
      if (over || now >= due) {
        poll();
        due = now + POLL_MS;
      }
      if (over) return;
      const rate = most === Number.POSITIVE_INFINITY ? null : frameRate();
      const next = Math.min(end, due, rate === null ? end : now + GLANCE_MS);
      await sleep(next - now, undefined, { signal }).catch(() => {});
      if (rate !== null && rate() > most) return;
    }
  };
  const softnetRose = (): number => {
    const now = readSoftnetDrops();
    const rose = now === null || drops === null ? 0 : now - drops;
    drops = now;
    return rose;
  };

  /** Counts, for a part of the time until `end` if the pace is so. */
  const count = async (end: number, rate: number, poll: () => void): Promise<Phase> => {
    const using = probes as WatchProbes;
    const begin = performance.now();
    if (countingSince === null) options.onCount(using, false);
    const since = countingSince ?? begin;
    const whole = countingSince !== null;
    const shares: number[] = [];
    const counting = () => shares.reduce((sum, share) => sum + share, 0) / shares.length;
    const seconds = () => (performance.now() - since) / 1000;
    const over = () => begin + (end - begin) * pace.part;
    do {
      using.count(pace.shift);
      const rateNow = frameRate();
      const share = await using.cost(() => until(performance.now() + COST_MS, poll));
      const known = rateNow();
      shares.push(share);
      const next = nextPace(pace, { counting: share, resting }, limit);
      const why = whyDetach(using, share, next === "detach");
      if (why !== null) {
        const counted = seconds();
        countingSince = null;
        reason = [why];
        await detach(using.died() === null ? rate : Number.POSITIVE_INFINITY);
        await until(end, poll);
        const spent = (counting() * counted * 1000) / Math.max(1, performance.now() - begin);
        const sampledOneIn = 2 ** pace.shift;
        return { counted, whole: false, share: spent, sampledOneIn, notes: [why] };
      }
      if (next !== "detach") pace = next;
      const most = Math.max(CALM_RATE, GROWN * known);
      await until(Math.min(over(), performance.now() + CHECK_MS), poll, most);
    } while (performance.now() < over() && !signal.aborted);
    const sampledOneIn = 2 ** pace.shift;
    const share = () => shareOf({ counting: counting(), resting }, pace.part);
    if (pace.part === 1) {
      const counted = seconds();
      countingSince = performance.now();
      return { counted, whole, share: share(), sampledOneIn, notes: [] };
    }
    using.rest();
    const counted = seconds();
    countingSince = null;
    resting = await using.cost(() => until(Math.min(end, performance.now() + COST_MS), poll));
    await until(end, poll);
    const note = `frames were counted for ${percent(pace.part)} of the time, so that the probes take no more than ${percent(limit)} of a CPU; the interface counters are complete`;
    return { counted, whole: false, share: share(), sampledOneIn, notes: [note] };
  };
  /** In a sentence; null where the probes can stay. */
  const whyDetach = (using: WatchProbes, share: number, tooDear: boolean): string | null => {
    const died = using.died();
    if (died !== null) return `the probes ended by themselves: ${died}`;
    const rose = softnetRose();
    if (rose > 0 && share > limit / 2) {
      return `the machine drops frames (${rose} in softnet), so the probes were detached; ${BACK}`;
    }
    return tooDear
      ? `the probes would take more than the ${percent(limit)} of a CPU that --max-overhead allows (${percent(share)} while they count), and were detached; ${BACK}`
      : null;
  };

  return {
    attach: async () => {
      await attach();
      if (probes === null) return;
      countingSince = performance.now();
      probes.count(pace.shift);
    },
    probes: () => probes,
    phase: async (end, rate, poll) => {
      counted = probes !== null;
      if (probes !== null) return count(end, rate, poll);
      if (justDetached && detachedAt !== null) detachedAt = Math.max(detachedAt, rate);
      justDetached = false;
      if (detachedAt !== null && rate < detachedAt * CALM && attaching === null) {
        attaching = attach()
          .catch(() => {})
          .finally(() => {
            attaching = null;
          });
      }
      softnetRose();
      await until(end, poll);
      return { ...NO_PHASE, notes: probes === null ? reason : [] };
    },
    take: () => {
      const before = last;
      const after = detached ?? probes?.read() ?? null;
      if (after === null) return null;
      last = after;
      if (!counted) return null;
      if (detached !== null) {
        detached = null;
        last = NOTHING;
      }
      return { before, after };
    },
    close: async () => {
      await attaching;
      await probes?.stop();
      probes = null;
    },
  };
}

/** Frames/s that the machine takes in from now until it is called; 0 where the kernel does not tell. */
function frameRate(): () => number {
  const [frames, began] = [readSoftnetFrames(), performance.now()];
  return () => {
    const now = readSoftnetFrames();
    return frames === null || now === null
      ? 0
      : ((now - frames) / (performance.now() - began)) * 1000;
  };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}
