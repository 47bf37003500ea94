import { randomInt } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { type Child, startChild } from "../system/child.ts";
import { ToolError } from "../system/errors.ts";
import { markRound } from "../system/libc.ts";
import { patience } from "../system/patience.ts";
import { IDLE_LIMIT_MS, idleTime } from "../system/progress.ts";
import type { Site } from "../system/site.ts";
import { definitionsFor } from "./definitions.ts";
import { roomsOf } from "./maps.ts";
import { emptyRecords, type Records, readRecord } from "./records.ts";
import { type ProgramStatistics, programStatistics } from "./statistics.ts";

export interface ProbeProgram {
  /** What bpftrace's errors call it. */
  name: string;
  text: string;
  /** Functions whose sections this kernel and backend cannot have, and why. */
  dropped: { function: string; reason: string }[];
  /** The bpftrace that runs it. */
  bpftraceVersion: readonly [major: number, minor: number];
  /** Positional parameters from $1 on; `NONCE` stands where the round marker's nonce goes. */
  parameters: readonly (string | typeof NONCE)[];
  /** Entries that every map can hold. */
  mapKeys: number;
  /** Bytes of a text in a map; bpftrace's own default when absent. */
  textBytes?: number;
  /** bpftrace's own, for tests. */
  flags?: readonly string[];
}

export const NONCE = Symbol("nonce");

/** However busy it is. */
const READY_LIMIT_MS = patience(60_000);
const STOP_LIMIT_MS = patience(30_000);
const ASK_AGAIN_MS = 500;
const READY = 255;

/** A bpftrace program that is attached and counts. */
export interface ProbeSession {
  readonly child: Child;
  /** Keys that each of its maps has room for, as the kernel made them. */
  readonly rooms: ReadonlyMap<string, number>;
  /** Samples of latency are booked under `round` from now on; 0 stops timing. */
  round(round: number): void;
  /** Lines that the program printed, as they come. */
  onLine(listener: (line: string) => void): void;
  /** Lines that the program printed and nobody could keep. */
  lost(): number;
  /** The kernel's statistics of our programs: run time only while they are switched on. */
  statistics(): Promise<ProgramStatistics[]>;
  /** Detaches, and returns all that the program counted. */
  stop(): Promise<Records>;
  /** Detaches without asking for results. */
  kill(): Promise<void>;
}

const own = new Set<number>();

/** The processes of all bpftrace programs that this process has started and that have not ended. */
export function ownProbes(): readonly number[] {
  return [...own];
}

/**
 * Starts the program and returns once every probe is attached. The site must be a private one: the
 * program's text lies in its /run and goes with it.
 */
export async function startProbes(
  site: Site,
  program: ProbeProgram,
  signal?: AbortSignal,
): Promise<ProbeSession> {
  const nonce = randomInt(1, 1 << 15);
  const parameters = program.parameters.map((value) => (value === NONCE ? String(nonce) : value));
  const file = `/run/${nonce}-${program.name}`;
  const definitions = definitionsFor(program.text, program.bpftraceVersion, site.root);
  writeFileSync(`${site.root}${file}`, definitions + program.text, { flag: "wx" });
  const child = startChild(
    site,
    "bpftrace",
    ["-f", "json", ...(program.flags ?? []), file, ...parameters],
    {
      env: limits(program),
    },
  );
  own.add(child.pid);
  void child.ended.then(() => own.delete(child.pid));
  const records = emptyRecords();
  const listeners: ((line: string) => void)[] = [];
  let attached = false;
  const { stdout } = child.process;
  if (stdout === null) throw new ToolError("bpftrace", "bpftrace could not be started");
  const lines = createInterface({ input: stdout });
  const drained = once(lines, "close");
  lines.on("line", (line) => {
    const printed = readRecord(records, line);
    if (printed === "ready") attached = true;
    else if (printed !== null) for (const listener of listeners) listener(printed);
  });

  const kill = async () => {
    await child.stop("SIGKILL", 1000);
  };
  try {
    await waitUntilAttached(child, nonce, () => attached, signal);
  } catch (error) {
    await kill();
    throw error;
  }
  return {
    child,
    rooms: roomsOf(child.pid),
    round: (round) => markRound(nonce, round),
    onLine: (listener) => listeners.push(listener),
    lost: () => records.lost,
    statistics: () => programStatistics(child.pid),
    stop: async () => {
      await askToEnd(child, () => records.maps.size > 0);
      const { code } = await child.ended;
      await drained;
      if (code !== 0) {
        throw new ToolError(
          "bpftrace",
          `bpftrace ended with ${code ?? "a signal"}: ${child.complaints()}`,
        );
      }
      return records;
    },
    kill,
  };
}

/** bpftrace's limits by their old and, since 0.19, their new names. */
function limits({ mapKeys, textBytes }: ProbeProgram): Record<string, string> {
  return {
    BPFTRACE_MAP_KEYS_MAX: String(mapKeys),
    BPFTRACE_MAX_MAP_KEYS: String(mapKeys),
    BPFTRACE_PERF_RB_PAGES: "1024",
    ...(textBytes === undefined
      ? {}
      : { BPFTRACE_STRLEN: String(textBytes), BPFTRACE_MAX_STRLEN: String(textBytes) }),
  };
}

/**
 * Ends bpftrace so that it prints its maps. Before 0.20 a signal that comes while it is not waiting
 * for events is forgotten, so it is sent again until the first map appears; SIGTERM, because a second
 * SIGINT would end it in the middle of printing.
 */
async function askToEnd(child: Child, printing: () => boolean): Promise<void> {
  let ended = false;
  void child.ended.then(() => {
    ended = true;
  });
  const began = Date.now();
  const idle = idleTime(child.pid);
  for (let next = 0; !ended; ) {
    const now = Date.now();
    if (idle() > IDLE_LIMIT_MS || now - began > STOP_LIMIT_MS) {
      await child.stop("SIGKILL", 1000);
      const seconds = ((now - began) / 1000).toFixed(0);
      throw new ToolError("bpftrace", `bpftrace did not end within ${seconds} s and was killed`);
    }
    if (now >= next && !printing()) {
      child.process.kill("SIGTERM");
      next = now + ASK_AGAIN_MS;
    }
    await Promise.race([child.ended, sleep(20)]);
  }
}

/** Output comes only from bpftrace's poll loop, which starts when all probes are attached. */
async function waitUntilAttached(
  child: Child,
  nonce: number,
  attached: () => boolean,
  signal?: AbortSignal,
): Promise<void> {
  let ended = false;
  void child.ended.then(() => {
    ended = true;
  });
  const began = Date.now();
  const idle = idleTime(child.pid);
  while (!attached()) {
    signal?.throwIfAborted();
    if (ended) {
      throw new ToolError(
        "bpftrace",
        `bpftrace could not attach the probes: ${child.complaints() || "no reason given"}`,
      );
    }
    const waited = Date.now() - began;
    if (idle() > IDLE_LIMIT_MS || waited > READY_LIMIT_MS) {
      throw new ToolError(
        "bpftrace",
        `bpftrace attached no probes within ${(waited / 1000).toFixed(0)} s: ${child.complaints() || "it said nothing"}`,
      );
    }
    markRound(nonce, READY);
    await sleep(10);
  }
}
