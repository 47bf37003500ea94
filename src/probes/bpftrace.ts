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
import { openProbeMaps, type ProbeCounts } from "./maps.ts";
import { emptyRecords, type Records, readRecord } from "./records.ts";
import { mapIds, type ProgramStatistics, programStatistics } from "./statistics.ts";

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
const READY = 255;

/** A bpftrace program that is attached and counts. */
export interface ProbeSession {
  readonly child: Child;
  /** What it has said so far; complete once it has ended. */
  readonly records: Readonly<Records>;
  /** Samples of latency are booked under `round` from now on; 0 stops timing. */
  round(round: number): void;
  /** Lines that the program printed, as they come. */
  onLine(listener: (line: string) => void): void;
  /** The kernel's statistics of our programs: run time only while they are switched on. */
  statistics(): Promise<ProgramStatistics[]>;
  /** Reads what the program counted, then detaches: exact where nothing passes the probes meanwhile. */
  stop<T>(read: (maps: ProbeCounts) => T): Promise<T>;
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
    records,
    round: (round) => markRound(nonce, round),
    onLine: (listener) => listeners.push(listener),
    statistics: () => programStatistics(child.pid),
    stop: async (read) => {
      const found = readMapsOf(child, read);
      await kill();
      const { code } = await child.ended;
      await drained;
      if (code !== null) throw endedError(child, code);
      return found;
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

/** What the maps of a bpftrace hold that still runs: those of one that has ended are of an unknown part of the time. */
function readMapsOf<T>(child: Child, read: (maps: ProbeCounts) => T): T {
  const { exitCode, signalCode } = child.process;
  if (exitCode !== null || signalCode !== null) throw endedError(child, exitCode);
  const maps = openProbeMaps(child.pid);
  try {
    const found = read(maps);
    // One that has ended meanwhile holds no maps any more, though we hear of its end only later.
    if (mapIds(child.pid).length === 0) throw endedError(child, null);
    return found;
  } finally {
    maps.close();
  }
}

function endedError(child: Child, code: number | null): ToolError {
  const how = code ?? "a signal";
  return new ToolError("bpftrace", `bpftrace ended with ${how}: ${child.complaints()}`);
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
