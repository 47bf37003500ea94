/** Keeps the probes below the share of a CPU that they may take: by pace, and by detaching them. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ProbeBackend } from "../probes/backend.ts";
import { readSoftnetDrops, readSoftnetFrames } from "../system/softnet.ts";
import { BACK_AT, FULL_PACE, judgeLook, type Pace, percent, shareOf } from "./pace.ts";
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

/** The clock and what the machine says, by which a guard goes. */
export interface GuardMachine {
  /** Milliseconds, as performance.now(). */
  now(): number;
  /** Ends early when `signal` is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Frames that softnet took in, and those that it dropped, since boot; null where the kernel does not say. */
  softnetFrames(): number | null;
  softnetDrops(): number | null;
  attach: typeof attachWatch;
}

const THIS_MACHINE: GuardMachine = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
  softnetFrames: readSoftnetFrames,
  softnetDrops: readSoftnetDrops,
  attach: attachWatch,
};

export function createGuard(options: GuardOptions, machine = THIS_MACHINE): Guard {
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
  let drops = machine.softnetDrops();

  const attach = async () => {
    if (options.backend === null) return;
    const attached = await machine.attach(options.backend, options.onAct, signal);
    attached.aim(options.targets());
    options.onCount(attached, true);
    probes = attached;
    pace = FULL_PACE;
    resting = null;
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
      const now = machine.now();
      const over = now >= end || signal.aborted;
      if (over || now >= due) {
        poll();
        due = now + POLL_MS;
      }
      if (over) return;
      const rate = most === Number.POSITIVE_INFINITY ? null : frameRate(machine);
      const next = Math.min(end, due, rate === null ? end : now + GLANCE_MS);
      await machine.sleep(next - now, signal);
      if (rate !== null && rate() > most) return;
    }
  };
  const softnetRose = (): number => {
    const now = machine.softnetDrops();
    const rose = now === null || drops === null ? 0 : now - drops;
    drops = now;
    return rose;
  };

  /** Counts, for a part of the time until `end` if the pace is so. */
  const count = async (end: number, rate: number, poll: () => void): Promise<Phase> => {
    const using = probes as WatchProbes;
    const begin = machine.now();
    if (countingSince === null) options.onCount(using, false);
    const since = countingSince ?? begin;
    const whole = countingSince !== null;
    const shares: number[] = [];
    const counting = () => shares.reduce((sum, share) => sum + share, 0) / shares.length;
    const seconds = () => (machine.now() - since) / 1000;
    const over = () => begin + (end - begin) * pace.part;
    do {
      using.count(pace.shift);
      const rateNow = frameRate(machine);
      const share = await using.cost(() => until(machine.now() + COST_MS, poll));
      const known = rateNow();
      shares.push(share);
      const look = { died: using.died(), softnetRose: softnetRose(), counting: share, resting };
      const verdict = judgeLook(pace, look, limit);
      if ("detach" in verdict) {
        const counted = seconds();
        countingSince = null;
        reason = [verdict.detach];
        await detach(using.died() === null ? rate : Number.POSITIVE_INFINITY);
        await until(end, poll);
        const spent = (counting() * counted * 1000) / Math.max(1, machine.now() - begin);
        const sampledOneIn = 2 ** pace.shift;
        return { counted, whole: false, share: spent, sampledOneIn, notes: reason };
      }
      pace = verdict.pace;
      const most = Math.max(CALM_RATE, GROWN * known);
      await until(Math.min(over(), machine.now() + CHECK_MS), poll, most);
    } while (machine.now() < over() && !signal.aborted);
    const sampledOneIn = 2 ** pace.shift;
    const share = () => shareOf({ counting: counting(), resting }, pace.part);
    if (pace.part === 1) {
      const counted = seconds();
      countingSince = machine.now();
      return { counted, whole, share: share(), sampledOneIn, notes: [] };
    }
    using.rest();
    const counted = seconds();
    countingSince = null;
    resting = await using.cost(() => until(Math.min(end, machine.now() + COST_MS), poll));
    await until(end, poll);
    const note = `frames were counted for ${percent(pace.part)} of the time, so that the probes take no more than ${percent(limit)} of a CPU; the interface counters are complete`;
    return { counted, whole: false, share: share(), sampledOneIn, notes: [note] };
  };
  return {
    attach: async () => {
      await attach();
      if (probes === null) return;
      countingSince = machine.now();
      probes.count(pace.shift);
    },
    probes: () => probes,
    phase: async (end, rate, poll) => {
      counted = probes !== null;
      if (probes !== null) return count(end, rate, poll);
      if (justDetached && detachedAt !== null) detachedAt = Math.max(detachedAt, rate);
      justDetached = false;
      if (detachedAt !== null && rate < detachedAt * BACK_AT && attaching === null) {
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
function frameRate(machine: GuardMachine): () => number {
  const [frames, began] = [machine.softnetFrames(), machine.now()];
  return () => {
    const now = machine.softnetFrames();
    return frames === null || now === null ? 0 : ((now - frames) / (machine.now() - began)) * 1000;
  };
}
