import { type CountedStage, FLOODED, FORWARDED } from "../../probes/counted.ts";
import type { Topology } from "../../setup/spec.ts";

/** A host by its place among the lab's, an address that nobody has, or everybody's. */
export type Target = number | "nobody" | "everybody";

/** Who sends to whom. RFC 2889 numbers are of its sections. */
export interface Pattern {
  name: string;
  summary: string;
  topologies: readonly Topology["kind"][];
  /** As of a workload. */
  stages: readonly CountedStage[];
  /** Sending hosts among `hosts` where `senders` threads send. */
  sources(hosts: number, senders: number): number[];
  /** To whom a host sends, in this order, over and over. */
  targets(hosts: number, from: number): Target[];
  /** Threads that may send at once. */
  mostSenders(hosts: number): number;
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

/** All hosts after this one, then those before it: RFC 2889, 5.1.3 asks for this order. */
const others = (hosts: number, from: number) =>
  upTo(hosts - 1).map((step) => (from + 1 + step) % hosts);

const ring = {
  sources: (_hosts: number, senders: number) => upTo(senders),
  mostSenders: (hosts: number) => hosts,
};

export const ONE_TO_ONE: Pattern = {
  name: "forward",
  summary:
    "small frames from each sender to the next host, whose address is known; pinned, saturated (packet socket, no queueing discipline)",
  topologies: ["veth", "bridge", "chain", "external", "attach"],
  stages: FORWARDED,
  ...ring,
  targets: (hosts, from) => [(from + 1) % hosts],
};

const FLOOD: Pattern = {
  name: "flood",
  summary: "small frames to an address that nobody has, from one pinned, saturated sender",
  topologies: ["bridge"],
  stages: FLOODED,
  ...ring,
  targets: () => ["nobody"],
};

const BROADCAST: Pattern = {
  name: "broadcast",
  summary: "small broadcast frames from one pinned, saturated sender (RFC 2889, 5.10)",
  topologies: ["bridge"],
  stages: FLOODED,
  ...ring,
  targets: () => ["everybody"],
};

export const ONE_TO_MANY: Pattern = {
  name: "one-to-many",
  summary: "small frames from the first host to all others in turn (RFC 2889, 5.2)",
  topologies: ["bridge"],
  stages: FORWARDED,
  sources: () => [0],
  mostSenders: () => 1,
  targets: others,
};

export const MANY_TO_ONE: Pattern = {
  name: "many-to-one",
  summary: "small frames from all other hosts in turn to the first (RFC 2889, 5.2)",
  topologies: ["bridge"],
  stages: FORWARDED,
  sources: (hosts) => upTo(hosts).slice(1),
  mostSenders: (hosts) => hosts - 1,
  targets: () => [0],
};

export const UNIDIRECTIONAL: Pattern = {
  name: "unidirectional",
  summary: "small frames from each host of the first half to all of the second (RFC 2889, 5.4)",
  topologies: ["bridge"],
  stages: FORWARDED,
  sources: (hosts) => upTo(Math.floor(hosts / 2)),
  mostSenders: (hosts) => Math.floor(hosts / 2),
  targets: (hosts) => upTo(hosts).slice(Math.floor(hosts / 2)),
};

export const FULLY_MESHED: Pattern = {
  name: "fully-meshed",
  summary: "small frames from every host to every other in turn (RFC 2889, 5.1)",
  topologies: ["bridge"],
  stages: FORWARDED,
  sources: (hosts) => upTo(hosts),
  mostSenders: (hosts) => hosts,
  targets: others,
};

export const PATTERNS: readonly Pattern[] = [
  ONE_TO_ONE,
  FLOOD,
  BROADCAST,
  ONE_TO_MANY,
  MANY_TO_ONE,
  UNIDIRECTIONAL,
  FULLY_MESHED,
];

/**
 * Frames that each host should receive of `sent` frames from `from`, sent to its targets in turn.
 * Neither the sender nor the bridge's own device is a receiver.
 */
export function expectedFrames(
  hosts: number,
  from: number,
  targets: readonly Target[],
  sent: number,
): number[] {
  const expected = upTo(hosts).map(() => 0);
  targets.forEach((target, index) => {
    const frames = Math.floor((sent + targets.length - 1 - index) / targets.length);
    for (const host of typeof target === "number" ? [target] : others(hosts, from)) {
      expected[host] = (expected[host] ?? 0) + frames;
    }
  });
  return expected;
}

/** What became of the frames by what should have arrived at each host and what did. */
export function reception(
  expected: readonly number[],
  arrived: readonly number[],
): { wanted: number; received: number; stray: number } {
  const sum = (pick: (host: number) => number) =>
    expected.reduce((total, _, host) => total + pick(host), 0);
  const due = (host: number) => expected[host] ?? 0;
  const got = (host: number) => arrived[host] ?? 0;
  return {
    wanted: sum(due),
    received: sum((host) => Math.min(due(host), got(host))),
    stray: sum((host) => Math.max(0, got(host) - due(host))),
  };
}
