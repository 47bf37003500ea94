import type { Stage } from "../document/case.ts";
import type { TimeProbe } from "../document/event.ts";
import type { BuiltLab } from "../setup/lab.ts";
import type { ProbeBackend } from "./backend.ts";
import { NONCE, type ProbeProgram } from "./bpftrace.ts";
import type { ProbeCounts } from "./maps.ts";
import { programText, timeFile } from "./programs.ts";

export interface TimeOptions {
  /** One frame in this many is timed; a power of two. */
  sampleOneIn: number;
  /** The senders skip the queueing discipline. */
  bypassesQdisc: boolean;
  /** The frames are flooded. */
  flooded: boolean;
  /** The bridge's own device hears them as well. */
  heard: boolean;
}

/** Samples of one stage at one port; `observer` is the empty path. */
export interface TimeSamples {
  stage: Stage | "observer";
  /** Ifindex, or 0. */
  port: number;
  /** [lo, hi, count] in nanoseconds, ascending. */
  buckets: [number, number, number][];
}

/** Beyond this many ports times are booked for the bridge as a whole. */
const PORTS_BY_NAME = 64;

/** Steps of a histogram that a port may have: eight nanoseconds each, so most hold a few hundred. */
const KEYS = 16_384;

/** The program that times for this lab, with its parameters. */
export function timeProgram(
  lab: BuiltLab,
  backend: ProbeBackend,
  probe: TimeProbe,
  options: TimeOptions,
): ProbeProgram {
  const mask = String(options.sampleOneIn - 1);
  const inside = String(lab.bridge?.namespace.inode ?? 0);
  // Without a bridge: where the second host's frames arrive, or those of a loopback.
  const arrival = lab.bridge === null ? String(lab.hosts.at(-1)?.namespace.inode ?? 0) : "0";
  const sender = options.bypassesQdisc ? "0" : String(lab.hosts[0]?.namespace.inode ?? 0);
  const byPort = lab.bridge !== null && lab.hosts.length <= PORTS_BY_NAME ? "1" : "0";
  const own: Record<TimeProbe, string[]> = {
    bridge: [inside, sender, options.heard ? "1" : "0", byPort],
    sender: [inside, arrival, byPort, options.flooded ? "0" : "1"],
    learn: [inside, byPort],
    empty: [inside, arrival],
  };
  return {
    ...programText(timeFile(probe), backend),
    parameters: [NONCE, mask, ...own[probe]],
    mapKeys: KEYS,
  };
}

/** Steps of 8 ns below this, of 4096 ns above. */
const FINE = 8192;

/** What the program booked: see @lat in src/probes/time/bridge.bt. */
export function timeSamples(maps: ProbeCounts, flooded: boolean): TimeSamples[] {
  const stages: Record<number, TimeSamples["stage"]> = {
    1: "veth.in",
    2: flooded ? "bridge.flood" : "bridge.forward",
    3: "veth.out",
    4: "path",
    5: "bridge.learn",
    6: "observer",
  };
  const found = new Map<string, TimeSamples>();
  for (const [key, count] of maps.counts("lat")) {
    const [code = 0, port = 0, step = 0] = key.map(Number);
    const stage = stages[code];
    if (stage === undefined) continue;
    const at = `${stage} ${port}`;
    const samples = found.get(at) ?? { stage, port, buckets: [] };
    found.set(at, samples);
    const width = step < FINE ? 8 : 4096;
    const lo = step < FINE ? step * 8 : (step - FINE) * 4096;
    samples.buckets.push([lo, lo + width, count]);
  }
  for (const { buckets } of found.values()) buckets.sort(([a], [b]) => a - b);
  return [...found.values()];
}
