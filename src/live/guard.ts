/** Keeps the probes below the share of a CPU that they may take, by detaching them for a part of the time. */
import { setTimeout as sleep } from "node:timers/promises";
import { readSoftnetDrops, readSoftnetFrames } from "../system/softnet.ts";
import {
  afterCounting,
  afterResting,
  BACK_AT,
  FIRST_PACE,
  type Pace,
  partNote,
  restMs,
  tooMuchFor,
} from "./pace.ts";

export interface GuardedProbes {
  /** Resolves when they can be attached again. */
  ready(): Promise<unknown>;
  /** Counts when it resolves, and times one frame in 2^shift. */
  attach(shift: number): Promise<void>;
  /** The same while they count. */
  time(shift: number): void;
  /** Nothing is left of them on a frame's way when it resolves. */
  detach(): Promise<void>;
  /** Share of one CPU that they take while `wait` runs. */
  cost(wait: () => Promise<void>): Promise<number>;
}

export interface GuardOptions {
  probes: GuardedProbes;
  /** Most of one CPU, as a share, over a second. */
  limit: number;
  /** Called when the probes are about to count again: now what they know of the bridge must be right. */
  onCount: () => void;
  signal: AbortSignal;
}

export interface Phase {
  seconds: number;
  /** Seconds of these in which frames were counted. */
  counted: number;
  /** All of the time since the phase before. */
  whole: boolean;
  /** Of one CPU, over all of the phase. */
  share: number | null;
  sampledOneIn: number | null;
  /** The machine drops frames, so none are counted any more. */
  drops: boolean;
  notes: string[];
}

/** Without probes. */
export const NO_PHASE: Phase = {
  seconds: 0,
  counted: 0,
  whole: false,
  share: null,
  sampledOneIn: null,
  drops: false,
  notes: [],
};

export interface Guard {
  /** Begins to count; sampled until the first look, which is over when this resolves. */
  begin(poll: () => void): Promise<void>;
  /** Waits until `end`, by performance.now(), and calls `poll` every so often. */
  phase(end: number, poll: () => void): Promise<Phase>;
}

/** The kernel's BPF statistics are on for so long, and so often while frames are counted: they cost something themselves. */
const COST_MS = 20;
const CHECK_MS = 60;
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
}

const THIS_MACHINE: GuardMachine = {
  now: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
  softnetFrames: readSoftnetFrames,
  softnetDrops: readSoftnetDrops,
};

export function createGuard(
  { probes, limit, onCount, signal }: GuardOptions,
  machine = THIS_MACHINE,
): Guard {
  let pace: Pace = FIRST_PACE;
  /** Frames count from then on; null while the probes rest. */
  let since: number | null = null;
  /** Up to when `pace` holds. */
  let settled = machine.now();
  /** While frames are counted, by the last look. */
  let share = 0;
  /** Frames/s at which the machine dropped frames; null where it did not. */
  let droppedAt: number | null = null;
  let reason: string[] = [];
  let drops = machine.softnetDrops();
  /** Of the phase that goes on. */
  let [countedMs, cpuMs] = [0, 0];

  const start = async () => {
    await probes.ready();
    onCount();
    settle();
    await passing(() => probes.attach(pace.shift));
    since = settled;
  };
  /** While the probes come or go no frame is counted, but they take what they take. */
  const passing = async (work: () => Promise<void>) => {
    const began = machine.now();
    await work();
    settled = machine.now();
    const ms = settled - began;
    cpuMs += share * ms;
    pace = { ...pace, debtMs: afterCounting(pace, { ms, share }, limit).pace.debtMs };
  };
  /** Books what has passed since the last time; true when the probes have to rest. */
  const settle = (): boolean => {
    const now = machine.now();
    const ms = now - settled;
    settled = now;
    if (since === null) {
      pace = afterResting(pace, ms, limit);
      return false;
    }
    countedMs += ms;
    cpuMs += share * ms;
    const { pace: next, rest } = afterCounting(pace, { ms, share }, limit);
    if (next.shift !== pace.shift) probes.time(next.shift);
    pace = next;
    return rest;
  };
  const stop = async () => {
    await passing(probes.detach);
    since = null;
  };
  const softnetRose = (): number => {
    const now = machine.softnetDrops();
    const rose = now === null || drops === null ? 0 : now - drops;
    drops = now;
    return rose;
  };
  const until = (end: number, poll: () => void, most?: number) =>
    waitUntil(end, poll, signal, most, machine);
  /** Looks at what counting costs, and ends it where that is too much; then counts for a while. */
  const count = async (end: number, poll: () => void) => {
    const rate = frameRate(machine);
    share = await probes.cost(() => until(Math.min(end, machine.now() + COST_MS), poll));
    const known = rate();
    const tooMuch = tooMuchFor(softnetRose(), share, limit);
    const rest = settle();
    if (tooMuch !== null) {
      [reason, droppedAt] = [[tooMuch], known];
      await stop();
    } else if (rest) {
      await stop();
    } else {
      const most = Math.max(CALM_RATE, GROWN * known);
      await until(Math.min(end, machine.now() + CHECK_MS), poll, most);
    }
  };
  return {
    begin: async (poll) => {
      await start();
      share = await probes.cost(() => until(machine.now() + COST_MS, poll));
      softnetRose();
      if (settle()) await stop();
      [countedMs, cpuMs] = [0, 0];
    },
    phase: async (end, poll) => {
      const [begin, from] = [machine.now(), since];
      let whole = from !== null;
      for (; machine.now() < end && !signal.aborted; ) {
        if (since !== null) {
          await count(end, poll);
          continue;
        }
        whole = false;
        if (droppedAt !== null) {
          const rate = frameRate(machine);
          await until(end, poll);
          softnetRose();
          if (rate() < droppedAt * BACK_AT) [reason, droppedAt, pace] = [[], null, FIRST_PACE];
          settle();
          continue;
        }
        await until(Math.min(end, settled + restMs(pace, limit)), poll);
        settle();
        if (machine.now() < end && !signal.aborted) await start();
      }
      if (settle()) await stop();
      const ms = Math.max(1, machine.now() - begin);
      const part = whole && since !== null ? 1 : countedMs / ms;
      const note = droppedAt === null ? partNote(part, limit) : null;
      const phase: Phase = {
        seconds: ms / 1000,
        counted: Math.min(ms, part * ms) / 1000,
        whole: part === 1,
        share: cpuMs / ms,
        sampledOneIn: 2 ** pace.shift,
        drops: droppedAt !== null,
        notes: [...reason, ...(note === null ? [] : [note])],
      };
      [countedMs, cpuMs] = [0, 0];
      return phase;
    },
  };
}

/** Polls until `end`, by performance.now(), or until the machine takes in more than `most` frames/s. */
export async function waitUntil(
  end: number,
  poll: () => void,
  signal: AbortSignal,
  most = Number.POSITIVE_INFINITY,
  machine = THIS_MACHINE,
): Promise<void> {
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
}

/** Frames/s that the machine takes in from now until it is called; 0 where the kernel does not tell. */
function frameRate(machine: GuardMachine): () => number {
  const [frames, began] = [machine.softnetFrames(), machine.now()];
  return () => {
    const now = machine.softnetFrames();
    const ms = machine.now() - began;
    return frames === null || now === null || ms <= 0 ? 0 : ((now - frames) / ms) * 1000;
  };
}
