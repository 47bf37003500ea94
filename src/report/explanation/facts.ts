/** What every format says of an explanation, in the same words. */
import type { Explanation, Finding, Note } from "../../document/explain.ts";
import { count, quantity } from "../../text/units.ts";
import type { Method } from "../facts/words.ts";

type Port = Finding["victims"][number]["port"];

export function whereOf({ bridge, ports }: Explanation): string {
  return `${bridge.name} in ${bridge.namespace.label}, ${ports.length - 1} ports`;
}

/** What was seen of floods; only where frames were looked at. */
export function seenOf({ findings, seconds, ended }: Explanation): string {
  const time = `in ${seconds.toFixed(1)} s${ended ? " (it ended early: see the first note)" : ""}`;
  if (findings.length === 0) return `no flood above threshold was seen ${time}`;
  // An address that moves makes no copies.
  const moving = findings.filter(({ cause }) => cause === "mac-flapping").length;
  const said = [
    ...(findings.length > moving ? [many(findings.length - moving, "flood")] : []),
    ...(moving > 0 ? [many(moving, "moving address", "moving addresses")] : []),
  ];
  const copies = findings.reduce((sum, finding) => sum + finding.copiesPerSecond, 0);
  const rate = copies > 0 ? `, ${quantity(copies, "copies/s")}` : "";
  return `${said.join(" and ")} above threshold ${time}${rate}`;
}

export function thresholdsOf({ thresholds }: Explanation): string {
  const { unknownUnicast, broadcast, multicast, moves, frames } = thresholds;
  return `Thresholds, from ${frames} frames on: unknown unicast for one destination ${unknownUnicast} frames/s (--unknown-unicast), broadcast of one source ${broadcast} frames/s (--broadcast), multicast for one group ${multicast} frames/s (--multicast), an address that moves ${moves} times a second (--moves). Frames that leave by no port are no flood.`;
}

/** Empty where nothing was attached. */
export function costOf({ overhead }: Explanation): string {
  return overhead === null ? "" : `The probes took ${(overhead * 100).toFixed(2)} % of a CPU.`;
}

export const NOT_LOOKED =
  "This is what netlink tells. No frame was looked at, so it says what can make the bridge flood, not that it does; nothing is held against a threshold.";

export function stateVerdict(notes: readonly Note[]): string {
  if (notes.length === 0) return "nothing in its state makes it flood more than a bridge must";
  const causes = [...new Set(notes.flatMap(({ cause }) => cause ?? []))];
  const things = notes.length === 1 ? "one thing" : `${notes.length} things`;
  return `${things} in its state to know of${causes.length === 0 ? "" : ` (${causes.join(", ")})`}`;
}

export function flowOf({ source, destination, addresses, protocol, vlan }: Finding): string {
  const ip =
    protocol === null ? "" : ` (${addresses.source} to ${addresses.destination}, ${protocol})`;
  return `${source} to ${destination ?? "several"}${ip}, VLAN ${vlan || "none"}`;
}

export function amountOf(finding: Finding): string {
  const { frames, framesPerSecond, copies, copiesPerSecond, bytes } = finding;
  return `${count(frames)} frames (${quantity(framesPerSecond, "frames/s")}), ${count(copies)} copies (${quantity(copiesPerSecond, "copies/s")}), ${count(bytes)} bytes`;
}

export function basisOf({ basis, alternatives }: Finding): string {
  const others = alternatives.length === 0 ? "" : `; it could also be: ${alternatives.join("; ")}`;
  return `the cause is ${basis}${others}`;
}

/** A port, and whose it is. */
export function portWords({ name, owner }: Port): string {
  return owner === null ? name : `${name} (${owner})`;
}

const VICTIMS = 8;

/** The first of those who got copies, and how many more there are; empty where nobody did. */
export function victimsOf({ victims }: Finding): string {
  const shown = victims
    .slice(0, VICTIMS)
    .map(({ port, copies }) => `${portWords(port)} ${count(copies)}`);
  const left = victims.length - shown.length;
  return `${shown.join(", ")}${left > 0 ? ` and ${left} more ports` : ""}`;
}

/** Why there is no remedy; empty where there is one, or nobody would expect one. */
export function noRemedyOf({ noRemedy }: Pick<Finding, "noRemedy">): string {
  return noRemedy ? `No command is proposed: ${noRemedy}.` : "";
}

/** Whose a port is; `unknown` where that cannot be told. */
export function whoseOf({ name, owner }: Pick<Port, "name" | "owner">, unknown: string): string {
  return name === "host" ? "the host itself" : (owner ?? unknown);
}

export function yesNo(value: boolean): string {
  return value ? "yes" : "no";
}

/** Kinds of flooded frames, in the order of `gets`. */
export const KINDS = ["unknownUnicast", "broadcast", "multicast"] as const;
export const KIND_WORDS = ["unknown unicast", "broadcast", "multicast"] as const;

function many(n: number, one: string, several = `${one}s`): string {
  return n === 1 ? `one ${one}` : `${n} ${several}`;
}

export const EXPLANATION_METHODS: readonly Method[] = [
  {
    term: "Frames and copies",
    text: "Counted in the kernel: a frame when it enters the bridge by a port (`br_handle_frame_finish`, or the tracepoint `net:netif_receive_skb`), a copy when it is queued at a port it leaves by (`br_dev_queue_push_xmit`, or `net:net_dev_queue`). Nothing is sampled while they count; where they counted for a part of the time, a note says so, and counts are scaled by what the port's interface counted. A rate is the count over the seconds in which frames were looked at.",
  },
  {
    term: "Flow",
    text: "Frames of one source address, one destination address and one VLAN that came in by one port. IP addresses and protocol are those of its first frame. What one source sends to many addresses that nobody knows is one finding.",
  },
  {
    term: "Since",
    text: "The time of the flow's first frame; `before attach` where it was there when the probes were attached, so that its beginning was not seen.",
  },
  {
    term: "Observed and inferred",
    text: "Observed: the cause itself was seen, by the probes or in the state that netlink tells. Inferred: it follows from what was seen together with what was not, and what else it could be stands beside it.",
  },
  {
    term: "Severity",
    text: "By copies a second: from 1,000 medium, from 10,000 high.",
  },
];
