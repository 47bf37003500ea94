/** Keeps the probes below the share of a CPU that they may take: by pace, and by detaching them. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ProbeBackend } from "../probes/backend.ts";
import { readSoftnetDrops } from "../system/softnet.ts";
import { type Cost, FULL_PACE, nextPace, type Pace, shareOf } from "./pace.ts";
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

/** How long the kernel's BPF statistics are on, in each phase and each pace: they cost something themselves. */
const COST_MS = 100;
const POLL_MS = 100;
/** Detached probes come back when the load is this share of what it was. */
const CALM = 0.25;

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
  /** Frames/s at which they were detached; null where they were not. */
  let detachedAt: number | null = null;
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
    await gone.stop();
  };
  const until = async (end: number, poll: () => void) => {
    for (;;) {
      poll();
      const left = end - performance.now();
      if (left <= 0 || signal.aborted) return;
      await sleep(Math.min(POLL_MS, left), undefined, { signal }).catch(() => {});
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
    const notes: string[] = [];
    if (countingSince === null) options.onCount(using, false);
    const since = countingSince ?? begin;
    const whole = countingSince !== null;
    countingSince = since;
    using.count(pace.shift);
    const window = Math.min(COST_MS, ((end - begin) * pace.part) / 2);
    const counting = await using.cost(() => until(begin + window, poll));
    const cost: Cost = { counting, resting };
    const rose = softnetRose();
    const next = nextPace(pace, cost, limit);
    const drowning = rose > 0 && counting > limit / 2;
    const died = using.died();
    if (next === "detach" || drowning || died !== null) {
      const seconds = (performance.now() - since) / 1000;
      countingSince = null;
      await detach(died === null ? rate : Number.POSITIVE_INFINITY);
      notes.push(
        died !== null
          ? `the probes ended by themselves: ${died}`
          : drowning
            ? `the machine drops frames (${rose} in softnet), so the probes were detached; they come back when the load is a quarter of this`
            : `the probes would take more than the ${percent(limit)} of a CPU that --max-overhead allows (${percent(counting)} while they count), and were detached; they come back when the load is a quarter of this`,
      );
      await until(end, poll);
      const span = (performance.now() - begin) / 1000;
      return {
        counted: seconds,
        whole: false,
        share: (counting * seconds) / span,
        sampledOneIn: 2 ** pace.shift,
        notes,
      };
    }
    if (next.shift !== pace.shift) using.count(next.shift);
    pace = next;
    await until(pace.part === 1 ? end : begin + (end - begin) * pace.part, poll);
    const share = () => shareOf({ counting, resting }, pace.part);
    const sampledOneIn = 2 ** pace.shift;
    if (pace.part === 1) {
      countingSince = performance.now();
      return {
        counted: (countingSince - since) / 1000,
        whole,
        share: share(),
        sampledOneIn,
        notes,
      };
    }
    using.rest();
    const seconds = (performance.now() - since) / 1000;
    countingSince = null;
    resting = await using.cost(() => until(Math.min(end, performance.now() + COST_MS), poll));
    notes.push(
      `frames were counted for ${percent(pace.part)} of the time, so that the probes take no more than ${percent(limit)} of a CPU; the interface counters are complete`,
    );
    await until(end, poll);
    return { counted: seconds, whole: false, share: share(), sampledOneIn, notes };
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
      if (detachedAt !== null && rate < detachedAt * CALM && attaching === null) {
        attaching = attach()
          .catch(() => {})
          .finally(() => {
            attaching = null;
          });
      }
      softnetRose();
      await until(end, poll);
      return NO_PHASE;
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

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}
