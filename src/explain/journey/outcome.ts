/** What became of the frames of one direction: from what was heard at its hops, and what the kernel dropped. */
import type { BridgeState } from "../../bridge/state.ts";
import type { JourneyDirection, JourneyHop, JourneyLost } from "../../document/journey.ts";
import type { Flow, KnownFlow } from "../../live/collect.ts";
import { plural } from "../../text/units.ts";
import type { Loss } from "../causes/loss/cause.ts";
import { grouped, sum } from "../causes/peak.ts";
import type { FlowDrop } from "./drops.ts";
import type { End } from "./ends.ts";
import type { Frame } from "./frame.ts";
import type { Heard, Listened } from "./listen.ts";
import { type Passage, passagesOf, type Sighting } from "./match.ts";
import type { Hop, Way } from "./way.ts";

export interface Outcome {
  direction: Omit<JourneyDirection, "decision" | "hooks">;
  /** For the causes of loss. */
  losses: Loss[];
  known: KnownFlow[];
  /** Questions that went to all, as floods are counted. */
  flows: Flow[];
}

/** Which of the two directions a frame is of; null for what is of neither. */
export function directionOf(frame: Frame, a: End, b: End): 0 | 1 | null {
  if (isFrom(a, frame) && isFor(b, frame)) return 0;
  if (isFrom(b, frame) && isFor(a, frame)) return 1;
  return null;
}

function isFrom({ macs, ips }: End, { source, from }: Frame): boolean {
  return macs.includes(source) || (from !== null && ips.includes(from));
}

function isFor({ macs, ips }: End, { destination, to, resolution }: Frame): boolean {
  if (resolution?.kind === "question") return ips.includes(resolution.of);
  return macs.includes(destination) || (to !== null && ips.includes(to));
}

/** Answers about the address of this way's end that came back to who asked; `back` is the other way, and what was heard of it. */
export function answersTo({ to }: Way, { hops }: Way, back: readonly Heard[]): number {
  const last = hops.at(-1);
  return back.filter(
    ({ tap, outgoing, atNs, frame: { resolution } }) =>
      atNs >= 0 &&
      tap === last?.tap &&
      outgoing === last.outgoing &&
      resolution?.kind === "answer" &&
      to.ips.includes(resolution.of),
  ).length;
}

/** Frames that began on their way this soon were there before all was listened to, where their first hops are missing. */
const BEFORE_NS = 20e6;

/**
 * `drops` are those of all directions; what belongs to frames of this one is taken out of them. From
 * `dropsFromNs` on they were looked at, and `answered` is answersTo.
 */
export function outcomeOf(
  state: BridgeState,
  way: Way,
  all: readonly Heard[],
  { seconds, beganNs, full, missed }: Pick<Listened, "seconds" | "beganNs" | "full" | "missed">,
  drops: FlowDrop[],
  dropsFromNs: number,
  answered: number,
): Outcome {
  const { from, to, hops } = way;
  const sightings = all.flatMap((one): Sighting[] => {
    const hop = hops.findIndex(({ tap, outgoing }) => tap === one.tap && outgoing === one.outgoing);
    const { atNs, frame, ifindex } = one;
    return hop < 0 ? [] : [{ hop, atNs, frame, ifindex }];
  });
  const endNs = full ? Math.max(0, lastCommon(sightings)) : seconds * 1e9;
  const passages = passagesOf(sightings, hops.length).filter((one) => {
    const atNs = one.times[one.first] ?? 0;
    return atNs >= (one.first === 0 ? 0 : BEFORE_NS) && atNs <= endNs;
  });
  const flow = passages.filter(({ frame }) => frame.resolution === null);
  const questions = passages.filter(({ frame }) => frame.resolution?.kind === "question");
  const answers = passages.filter(({ frame }) => frame.resolution?.kind === "answer");
  const unmatched = flow.filter(({ first }) => first > 0).length;
  const missing = [...flow, ...questions, ...answers].filter(({ last }) => last < hops.length - 1);
  const seen = missing.map((passage) => ({ passage, drop: dropOf(passage, drops, beganNs) }));
  const taken = seen.map((one) => ({
    ...one,
    drop: one.drop ?? likeOthers(one.passage, seen, dropsFromNs),
  }));
  // What is seen again later as something else is not lost; nor is anything, for sure, where a tap had no room.
  const doubtful = Math.max(unmatched, missed);
  let spared = 0;
  const lost = taken.filter(({ passage, drop }) => {
    if (drop !== null) return true;
    // The bridge may answer for whom it knows, and one answer is enough.
    if (passage.frame.resolution !== null) return answered === 0;
    return ++spared > doubtful;
  });
  const arrivedDropped = flow
    .filter(({ last }) => last === hops.length - 1)
    .flatMap((passage) => {
      const drop = dropOf(passage, drops, beganNs);
      return drop === null ? [] : [{ passage, drop }];
    });
  return {
    direction: {
      from: from.ips[0] ?? from.macs[0] ?? "",
      to: to.ips[0] ?? to.macs[0] ?? "",
      what: kindsOf(flow),
      frames: flow.length,
      arrived: flow.filter(({ last }) => last === hops.length - 1).length,
      hops: hops.map((hop, index) => hopOf(hop, index, flow)),
      resolution: {
        asked: questions.length,
        reached: questions.filter(({ last }) => last === hops.length - 1).length,
        answered,
      },
      lost: [...lostOf(state, hops, lost, false), ...lostOf(state, hops, arrivedDropped, true)],
      unmatched,
    },
    losses: lossesOf(state, way, lost, flow, beganNs),
    known: knownOf(state, way, flow),
    flows: floodsOf(state, way, questions, beganNs),
  };
}

/** Up to when every hop was heard: the listening ended when the first had as many as it may. */
function lastCommon(sightings: readonly Sighting[]): number {
  const last = new Map<number, number>();
  for (const { hop, atNs } of sightings) last.set(hop, Math.max(last.get(hop) ?? 0, atNs));
  return Math.min(...last.values()) - BEFORE_NS;
}

interface Gone {
  passage: Passage;
  drop: FlowDrop | null;
}

/** The first drop of that frame after it was seen last; it is nobody else's then. */
function dropOf(
  { frame, times, last }: Passage,
  drops: FlowDrop[],
  beganNs: number,
): FlowDrop | null {
  const seenNs = (times[last] ?? 0) - SLACK_NS;
  const by = (same: (one: Frame) => boolean) =>
    drops.findIndex((one) => same(one.frame) && one.timeNs - beganNs >= seenNs);
  const whole = by(({ key }) => key === frame.key);
  // Of a frame in pieces the program sees the headers alone.
  const at = whole >= 0 ? whole : by(({ header }) => header === frame.header);
  return at < 0 ? null : (drops.splice(at, 1)[0] ?? null);
}

/** Of a frame that was gone before drops were looked at: what befell the later ones of its kind that were seen last where it was. */
function likeOthers(
  { frame, last, times }: Passage,
  others: readonly Gone[],
  dropsFromNs: number,
): FlowDrop | null {
  if ((times[last] ?? 0) >= dropsFromNs) return null;
  const alike = others.find(
    ({ passage, drop }) =>
      drop !== null &&
      passage.last === last &&
      passage.frame.what === frame.what &&
      sameFlow(passage.frame, frame),
  );
  return alike?.drop ?? null;
}

/** The two clocks are read one after the other. */
const SLACK_NS = 2e6;

function hopOf({ role, device, place }: Hop, index: number, flow: readonly Passage[]): JourneyHop {
  const here = flow.filter(({ times }) => times[index] !== null);
  const took = here
    .flatMap(({ times }) => {
      const [from, at] = [times[0], times[index]];
      return typeof from === "number" && typeof at === "number" ? [Math.max(0, at - from)] : [];
    })
    .sort((a, b) => a - b);
  return {
    ...{ role, device, place, frames: here.length },
    medianNs: took[took.length >> 1] ?? null,
    maxNs: took.at(-1) ?? null,
  };
}

function kindsOf(flow: readonly Passage[]): JourneyDirection["what"] {
  return grouped(flow, ({ frame }) => frame.what)
    .map((same) => ({ what: same[0]?.frame.what ?? "", frames: same.length }))
    .sort((a, b) => b.frames - a.frames);
}

function lostOf(
  state: BridgeState,
  hops: readonly Hop[],
  gone: readonly Gone[],
  arrived: boolean,
): JourneyLost[] {
  const key = ({ passage, drop }: Gone) =>
    [passage.frame.what, passage.last, drop?.where, drop?.reason, drop?.ifindex].join();
  return grouped(gone, key)
    .map((same): JourneyLost => {
      const [first] = same;
      const hop = hops[first?.passage.last ?? 0];
      const drop = first?.drop ?? null;
      return {
        what: first?.passage.frame.what ?? "",
        frames: same.length,
        last: hop === undefined ? "" : hopPhrase(hop),
        lastRole: hop?.role ?? null,
        drop: drop && {
          where: drop.where,
          reason: drop.reason,
          device: deviceName(state, hops, drop),
        },
        arrived,
      };
    })
    .sort((a, b) => b.frames - a.frames);
}

/** `v-web's ingress`, `eth0 (netns web)`. */
export function hopPhrase({ role, device, place }: Pick<Hop, "role" | "device" | "place">): string {
  if (role === "ingress" || role === "egress") return `${device}'s ${role}`;
  if (role === "underlay") return "the underlay";
  return `${device} (${place.label})`;
}

function deviceName(
  state: BridgeState,
  hops: readonly Hop[],
  { namespace, ifindex }: FlowDrop,
): string | null {
  if (namespace === state.place.inode) {
    const own = [state, ...state.ports].find((one) => one.ifindex === ifindex);
    if (own !== undefined) return own.name;
  }
  return (
    hops.find(({ place, role }) => place.inode === namespace && role !== "underlay")?.device ?? null
  );
}

/** As the live probes would have counted them. */
function lossesOf(
  state: BridgeState,
  { from, to, hops }: Way,
  gone: readonly Gone[],
  flow: readonly Passage[],
  beganNs: number,
): Loss[] {
  const ingress = from.port?.ifindex ?? state.ifindex;
  const key = ({ passage: { frame, last }, drop }: Gone) =>
    [
      frame.source,
      frame.destination,
      frame.vlan,
      frame.what,
      last,
      drop?.where,
      drop?.reason,
      drop?.ifindex,
    ].join();
  return grouped(gone, key).flatMap((same): Loss[] => {
    const [first] = same;
    if (first === undefined) return [];
    const { frame, last } = first.passage;
    const role = hops[last]?.role ?? "source";
    const left = role === "egress" || role === "underlay";
    const dropAt = state.ports.find(
      (port) => first.drop?.namespace === state.place.inode && port.ifindex === first.drop.ifindex,
    )?.ifindex;
    const firstNs = Math.min(...same.map(({ passage }) => passage.times[passage.first] ?? 0));
    return [
      {
        class: classOf(frame),
        port: ingress,
        source: frame.source,
        destination: frame.destination,
        vlan: frame.vlan,
        frames: same.length,
        at: left ? (to.port?.ifindex ?? state.ifindex) : (dropAt ?? ingress),
        behind: left,
        where: first.drop?.where ?? null,
        reason: first.drop?.reason ?? null,
        longest: Math.max(...same.map(({ passage }) => passage.frame.length)),
        steps: stepsOf(same),
        firstNs: beganNs + firstNs,
        addresses: { source: frame.from, destination: frame.to, protocol: frame.protocol },
        sourcePort: frame.sourcePort,
        destinationPort: frame.destinationPort,
        came:
          frame.resolution === null
            ? flow.filter((one) => sameFlow(one.frame, frame)).length
            : same.length,
      },
    ];
  });
}

function sameFlow(a: Frame, b: Frame): boolean {
  return a.source === b.source && a.destination === b.destination && a.vlan === b.vlan;
}

function classOf({ destination }: Frame): Loss["class"] {
  if (destination === "ff:ff:ff:ff:ff:ff") return "broadcast";
  return (Number.parseInt(destination.slice(0, 2), 16) & 1) === 0 ? "unicast" : "multicast";
}

const STEP_NS = 250e6;

function stepsOf(gone: readonly Gone[]): Loss["steps"] {
  const steps = grouped(gone, ({ passage }) =>
    String(Math.floor((passage.times[passage.first] ?? 0) / STEP_NS)),
  );
  return steps
    .map((same) => {
      const atNs = same[0]?.passage.times[same[0].passage.first] ?? 0;
      const endMs = ((Math.floor(atNs / STEP_NS) + 1) * STEP_NS) / 1e6;
      return { endMs, frames: same.length, copies: 0 };
    })
    .sort((a, b) => a.endMs - b.endMs);
}

function knownOf(state: BridgeState, { from, hops }: Way, flow: readonly Passage[]): KnownFlow[] {
  const egress = hops.findIndex(({ role }) => role === "egress");
  const key = ({ frame }: Passage) => [frame.source, frame.destination, frame.vlan].join();
  return grouped(flow, key).flatMap((same): KnownFlow[] => {
    const [first] = same;
    if (first === undefined || classOf(first.frame) !== "unicast") return [];
    const copies = sum(same, ({ times }) => (typeof times[egress] === "number" ? 1 : 0));
    return [
      {
        port: from.port?.ifindex ?? state.ifindex,
        source: first.frame.source,
        destination: first.frame.destination,
        vlan: first.frame.vlan,
        frames: same.length,
        copies,
        hostCopies: 0,
      },
    ];
  });
}

function floodsOf(
  state: BridgeState,
  { from, hops }: Way,
  questions: readonly Passage[],
  beganNs: number,
): Flow[] {
  const egress = hops.findIndex(({ role }) => role === "egress");
  const key = ({ frame }: Passage) => [frame.source, frame.destination, frame.vlan].join();
  return grouped(questions, key).flatMap((same): Flow[] => {
    const [first] = same;
    if (first === undefined) return [];
    const { frame } = first;
    const kind = classOf(frame);
    return [
      {
        class: kind === "unicast" ? "unknownUnicast" : kind,
        port: from.port?.ifindex ?? state.ifindex,
        ...{ source: frame.source, destination: frame.destination, vlan: frame.vlan },
        frames: same.length,
        bytes: sum(same, (one) => one.frame.length),
        copies: sum(same, ({ times }) => (typeof times[egress] === "number" ? 1 : 0)),
        ...{ hostCopies: 0, acknowledged: 0 },
        steps: [],
        firstNs: beganNs + (first.times[first.first] ?? 0),
        addresses: { source: frame.from, destination: frame.to, protocol: frame.protocol },
        ...{ sourcePort: null, destinationPort: null },
      },
    ];
  });
}

/** Where nothing of the flow was seen: what else was, at the ports of the two; the most first. */
export function heardInstead(
  instead: Listened["instead"],
  nameOf: (ifindex: number) => string,
): { what: string; port: string; frames: number }[] {
  const way = ({ from, to, source, destination }: Frame) =>
    `${from ?? source} to ${to ?? destination}`;
  const key = ({ point, frame }: Listened["instead"][number]) =>
    `${point.ifindex} ${frame.what} ${way(frame)}`;
  return grouped(instead, key)
    .flatMap((same) => {
      const [first] = same;
      if (first === undefined) return [];
      const { point, frame } = first;
      const what = `${frame.what} of ${way(frame)}`;
      return [{ what, port: nameOf(point.ifindex), frames: same.length }];
    })
    .sort((a, b) => b.frames - a.frames);
}

/** `18 echo requests`. */
export function many(frames: number, what: string): string {
  if (/reply$/.test(what)) return plural(frames, what, what.replace(/y$/, "ies"));
  return plural(frames, what, /(SYN|ACK|FIN|RST)$/.test(what) ? what : `${what}s`);
}
