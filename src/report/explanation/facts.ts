/** What every format says of an explanation, in the same words. */
import type { Below, Explanation, Finding, Note } from "../../document/explain.ts";
import { count, digits, plural, quantity } from "../../text/units.ts";
import type { Method } from "../facts/words.ts";

/** Of those who got copies, by name. */
const VICTIMS = 8;

type Port = Finding["victims"][number]["port"];

/** The bridge, and where it is. */
export function whereOf({ bridge }: Explanation): string {
  return `${bridge.name} (${bridge.namespace.label})`;
}

/** What was seen above the thresholds; only where frames were looked at. */
export function seenOf(explanation: Explanation): string {
  const { findings, seconds, ended, traffic } = explanation;
  const time = `in ${seconds.toFixed(1)} s${ended ? " (it ended early: see the first note)" : ""}`;
  const policy = findings.filter(({ kind }) => kind === "policy");
  const drops = policy.reduce((sum, { lost }) => sum + lost, 0);
  const asked =
    policy.length === 0
      ? ""
      : `${many(policy.length, "policy drops", "policies drop")} ${plural(drops, "frame")}`;
  if (policy.length === findings.length) {
    const seen = `nothing above threshold ${time}${asked === "" ? "" : `, and ${asked}`}`;
    return `${seen}${traffic === null ? "" : `; ${trafficOf(traffic)}`}`;
  }
  const copies = findings.reduce((sum, finding) => sum + finding.copiesPerSecond, 0);
  const said = [
    `${aboveOf(findings)} ${time}`,
    ...(copies > 0 ? [quantity(copies, "copies/s")] : []),
    ...lostOf(findings.filter(({ kind }) => kind === "loss")),
  ];
  return `${said.join(", ")}${asked === "" ? "" : `, and ${asked}`}`;
}

/** How many of each there are above the thresholds, without policy. */
export function aboveOf(findings: readonly Finding[]): string {
  const moving = findings.filter(isMoving).length;
  const floods = findings.filter(({ kind }) => kind === "flood").length - moving;
  const losses = findings.filter(({ kind }) => kind === "loss").length;
  const said = [
    ...(floods > 0 ? [many(floods, "flood")] : []),
    ...(moving > 0 ? [many(moving, "moving address", "moving addresses")] : []),
    ...(losses > 0 ? [many(losses, "loss", "losses")] : []),
  ];
  const [last = "nothing", ...others] = said.reverse();
  const all = others.length === 0 ? last : `${others.reverse().join(", ")} and ${last}`;
  return `${all} above threshold`;
}

/** Of several what came in is not summed: they may be of the same frames. */
function lostOf(losses: readonly Finding[]): string[] {
  const [only, ...others] = losses;
  if (only === undefined) return [];
  if (others.length === 0) return [`${shareOf(only)} lost`];
  return [
    `${plural(
      losses.reduce((sum, { lost }) => sum + lost, 0),
      "frame",
    )} lost`,
  ];
}

/** `68 of 68 frames`. */
function shareOf({ lost, frames, copies }: Finding): string {
  return copies > 0
    ? `${count(lost)} of ${plural(copies, "copy", "copies")}`
    : `${count(lost)} of ${plural(frames, "frame")}`;
}

/** How bad it is: a policy is what somebody asked for. */
export function gradeOf({ kind, severity }: Finding): string {
  if (kind === "policy") return kind;
  return kind === "loss" ? `${severity} loss` : severity;
}

/** Its size, in two words. */
export function sizeOf(finding: Finding): string {
  return finding.kind === "flood"
    ? quantity(finding.copiesPerSecond, "copies/s")
    : `${shareOf(finding)} lost`;
}

function trafficOf({ frames, flooded, copies }: NonNullable<Explanation["traffic"]>): string {
  const left = `left as ${plural(copies, "copy", "copies")}`;
  return `${plural(frames, "frame")} came in by its ports; ${count(flooded)} for unknown, broadcast or group addresses ${left}`;
}

export function thresholdsOf({ thresholds }: Explanation): string {
  const { unknownUnicast, broadcast, multicast, copies, moves, frames } = thresholds;
  const { lost, lostPerSecond } = thresholds;
  const losses =
    lost === 0 && lostPerSecond === 0
      ? ""
      : `; losses ${lost} at ${lostPerSecond}/s, or a whole flow`;
  return `Thresholds within one second, from ${frames} frames on: unknown unicast ${unknownUnicast}, broadcast ${broadcast}, multicast ${multicast}, copies ${count(copies)}, moves ${moves}${losses}.`;
}

/** Empty where nothing was attached. */
export function costOf({ overhead }: Explanation): string {
  return overhead === null ? "" : `The probes took ${(overhead * 100).toFixed(2)} % of a CPU.`;
}

const NOT_LOOKED =
  "This is what netlink tells. No frame was looked at, so it says what can make the bridge flood, not that it does; nothing is held against a threshold.";

/** Where no frame was looked at, and why that could not be done where it was asked for. */
export function notLookedOf({ notLooked }: Explanation): string {
  return notLooked == null
    ? NOT_LOOKED
    : `${NOT_LOOKED} Frames could not be looked at here: ${notLooked}`;
}

export function stateVerdict(all: readonly Note[]): string {
  const notes = all.filter(({ about }) => about === "state");
  if (notes.length === 0) return "nothing in its state makes it flood more than a bridge must";
  const causes = [...new Set(notes.flatMap(({ cause }) => cause ?? []))];
  const things = notes.length === 1 ? "one thing" : `${notes.length} things`;
  return `${things} in its state to know of${causes.length === 0 ? "" : ` (${causes.join(", ")})`}`;
}

/** An address that moves makes no copies. */
function isMoving({ kind, copies }: Finding): boolean {
  return kind === "flood" && copies === 0;
}

function flowOf(finding: Finding): string {
  const { source, destination, addresses, protocol, sourcePort, destinationPort, vlan } = finding;
  const at = (ip: string | null, port: number | null) =>
    `${ip ?? "?"}${port === null ? "" : ` port ${port}`}`;
  const ip =
    protocol === null
      ? ""
      : ` (${protocol}, ${at(addresses.source, sourcePort)} to ${at(addresses.destination, destinationPort)})`;
  const within = vlan === 0 ? "" : `, VLAN ${vlan}`;
  if (isMoving(finding)) return `frames of ${source}${within}`;
  return `${source ?? "several sources"} to ${destination ?? "several addresses"}${ip}${within}`;
}

function amountOf(finding: Finding): string {
  const { kind, frames, framesPerSecond, copies, copiesPerSecond, bytes } = finding;
  if (kind !== "flood") {
    const came = copies > 0 ? `; ${plural(frames, "frame")} came in` : "";
    const unit = copies > 0 ? "copies/s" : "frames/s";
    return `${shareOf(finding)} lost (at most ${quantity(framesPerSecond, unit)})${placeOf(finding)}${came}`;
  }
  if (isMoving(finding)) return `${count(frames)} moves (${quantity(framesPerSecond, "moves/s")})`;
  return `${count(frames)} frames (at most ${quantity(framesPerSecond, "frames/s")}), ${count(copies)} copies (at most ${quantity(copiesPerSecond, "copies/s")}), ${count(bytes)} bytes`;
}

function placeOf({ where, reason }: Finding): string {
  if (where === null) return "";
  return `, dropped by ${where}${reason === null ? "" : ` (${reason})`}`;
}

function basisOf({ basis, alternatives }: Finding): string {
  const others = alternatives.length === 0 ? "" : `; it could also be: ${alternatives.join("; ")}`;
  return `the cause is ${basis}${others}`;
}

/** The name of those whom a loss is about. */
export const GETS_NOT = "not received by";

/** How many of each are told. */
export interface Most {
  victims?: number;
  evidence?: number;
}

/** What is told of a finding besides its cause and its remedy, each under its name. */
export function factsOf(
  finding: Finding,
  { victims = VICTIMS, evidence: most = finding.evidence.length }: Most = {},
): (readonly [string, string])[] {
  const { kind, ingressPort, since, evidence, captures } = finding;
  const gets = kind === "flood" ? "copies to" : GETS_NOT;
  const time = since === "not timed" ? "" : `, since ${since}`;
  const by = ingressPort === null ? "" : `, in by ${portWords(ingressPort)}${time}`;
  return [
    ["flow", `${flowOf(finding)}${by}`],
    ["amount", amountOf(finding)],
    ...(finding.victims.length === 0 ? [] : [[gets, victimsOf(finding, victims)] as const]),
    ["evidence", evidence.slice(0, most).join("; ")],
    ["basis", basisOf(finding)],
    ...(captures.length === 0 ? [] : [["first frames", captures.join(", ")] as const]),
  ];
}

const LEFT = { loss: " lost", policy: " dropped by a policy", nowhere: ", left by no port" };

/** What stayed below the thresholds, in a line. */
export function belowOf(below: Below): string {
  const { kind, ingressPort, source, destination, vlan, frames, copies } = below;
  const { framesPerSecond, copiesPerSecond } = below;
  const by = ingressPort === null ? "" : ` in by ${ingressPort.name}`;
  const within = vlan === 0 ? "" : `, VLAN ${vlan}`;
  if (kind === "moves") {
    return `${source} moved ${plural(frames, "time")}${within} (at most ${digits(framesPerSecond)}/s)`;
  }
  const what = below.class === null ? "frames" : CLASS_WORDS[below.class];
  const to = below.class === "broadcast" ? "" : ` to ${destination ?? "several addresses"}`;
  const left = kind === "flood" ? `, ${plural(copies, "copy", "copies")}` : LEFT[kind];
  const rate = kind === "flood" ? `, ${quantity(copiesPerSecond, "copies/s")}` : "";
  return `${what} ${source ?? "of several sources"}${to}${within}${by}: ${plural(frames, "frame")}${left} (at most ${quantity(framesPerSecond, "frames/s")}${rate})`;
}

/** How many there were besides those that are shown; empty where there were none. */
export function moreBelow({ below, belowMore }: Explanation, shown = below.length): string {
  const left = below.length - shown + belowMore;
  return left === 0 ? "" : `${count(left)}${shown === 0 ? "" : " more"}`;
}

/** A port, and whose it is. */
export function portWords({ name, owner }: Port): string {
  return owner === null ? name : `${name} (${owner})`;
}

/** The first of those who got copies, and how many more there are; empty where nobody did. */
function victimsOf({ victims }: Finding, most: number): string {
  const shown = victims
    .slice(0, most)
    .map(({ port, copies }) => `${portWords(port)} ${count(copies)}`);
  const left = victims.length - shown.length;
  return `${shown.join(", ")}${left > 0 ? ` and ${plural(left, "more port")}` : ""}`;
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
const CLASS_WORDS = {
  unknownUnicast: "unknown unicast",
  broadcast: "broadcast",
  multicast: "multicast",
} as const;
export const KIND_WORDS = KINDS.map((kind) => CLASS_WORDS[kind]);

function many(n: number, one: string, several = `${one}s`): string {
  return n === 1 ? `one ${one}` : `${n} ${several}`;
}

export const EXPLANATION_METHODS: readonly Method[] = [
  {
    term: "Frames and copies",
    text: "Counted in the kernel: a frame when it enters the bridge by a port (`br_handle_frame_finish`, or the tracepoint `net:netif_receive_skb`), a copy when it is queued at a port it leaves by (`br_dev_queue_push_xmit`, or `net:net_dev_queue`). Nothing is sampled while they count; where they counted for a part of the time, a note says so, and counts are scaled by what the port's interface counted. The copies of a finding are those that left by ports which should not have them: not by the port that the destination lives behind, nor by those of a group's members and routers; of broadcast all. A rate is the most within one second, over a window that slides.",
  },
  {
    term: "Flow",
    text: "Frames of one source address, one destination address and one VLAN that came in by one port. IP addresses, protocol and ports are those of its first frame. What one source sends to many addresses that nobody knows is one finding.",
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
    term: "Lost",
    text: "Frames that should have left and left nowhere: the kernel was seen to drop them (`skb:kfree_skb`, with the function and, from Linux 5.17 on, its reason), or they came in and no port got a copy. Of frames of which others left, it is copies that were dropped on their way out. What a working bridge drops is not told. `policy` is what somebody evidently asked for.",
  },
  {
    term: "Severity",
    text: "Of a flood by the most copies within one second: from 1,000 medium, from 10,000 high. Of a loss by its share: all frames of a flow, or all copies for a port, are high, from 1 % medium.",
  },
  {
    term: "Below the thresholds",
    text: "Flows that made copies for ports which should not have them, frames that were lost or left nowhere, and addresses that moved, of which there were not as many as a threshold says; the largest.",
  },
];
