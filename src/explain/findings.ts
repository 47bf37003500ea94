/** What is above the thresholds among what was counted, what stayed below, and frames that left nowhere. */

import type { BridgeState } from "../bridge/state.ts";
import type { Below, Finding, Note, Thresholds } from "../document/explain.ts";
import { type Collected, type Flow, type FlowClass, WHOLE } from "../live/collect.ts";
import type { Why } from "./causes/cause.ts";
import { replication } from "./causes/overlay.ts";
import { remedyOf } from "./causes/remedy.ts";
import { whyFlooded } from "./causes/why.ts";
import { type Delivery, deliveryOf, portCopies, whyNowhere } from "./delivery.ts";
import { eachLoopOnce } from "./loops.ts";
import { lossesOf } from "./losses.ts";
import { belowMoving, type Draft, flapping, type Moving, movesOf } from "./moves.ts";
import { type Counts, grouped, type Peak, peakOf, severityOf, sum } from "./peak.ts";
import { type KnownPorts, knownPorts } from "./ports.ts";

export const THRESHOLDS: Thresholds = {
  unknownUnicast: 10,
  broadcast: 100,
  multicast: 100,
  // About 1 % of a CPU: a copy takes 1 to 2 us to be forwarded, and whoever gets it has to throw it away.
  copies: 5_000,
  moves: 1,
  frames: 20,
  lost: 5,
  lostPerSecond: 1,
};

/** Flows of a flood that came in where their source is not. */
const ASTRAY = 3;
/** Of what stayed below the thresholds. */
const BELOW = 10;

export interface Judged {
  findings: Finding[];
  /** Of frames that left nowhere, which are no flood. */
  notes: Note[];
  below: Below[];
  belowMore: number;
}

interface JudgeOptions {
  captureOf?: ((flow: Flow) => string | null) | undefined;
  /** The bridge when frames began to be looked at: it knows the ports that are gone since. */
  before?: BridgeState | undefined;
}

/** Flows that are told as one, and how much of them went astray, or vanished. */
interface Group extends Peak {
  flows: Flow[];
}

export function judged(
  state: BridgeState,
  collected: Collected,
  thresholds: Thresholds,
  { captureOf = () => null, before = state }: JudgeOptions = {},
): Judged {
  const ports = knownPorts(state, before);
  const delivery = deliveryOf(withMembersOf(before, state), collected);
  const floods = sorted(collected, floodCounts(delivery), thresholds);
  const rest = collected.flows.filter((flow) => !delivery.isRightlyFiltered(flow));
  const vanished = sorted({ ...collected, flows: rest }, () => vanishing, thresholds);
  const moving = movesOf(collected);
  const isMoving = (one: Moving) =>
    one.moves >= thresholds.frames && one.perSecond >= thresholds.moves;
  const draft = (group: Group, extra: Partial<Draft> = {}): Draft => ({
    ...flood({ state, before, collected, ports, delivery }, group),
    captures: group.flows.flatMap((flow) => captureOf(flow) ?? []),
    ...extra,
  });
  const drafts = [
    ...floods.above.map((group) => draft(group)),
    ...floods.scans.map((group) => draft(group, scan(ports, group))),
    ...moving.filter(isMoving).map((one) => flapping(state, collected, ports, one)),
    ...lossesOf({ before, state, collected }, ports, thresholds).above,
  ];
  const findings = eachLoopOnce(drafts)
    .map((one): Finding => ({ ...one, ...remedyOf(state, one.remedy) }))
    .sort((a, b) => b.copiesPerSecond - a.copiesPerSecond || b.framesPerSecond - a.framesPerSecond);
  const notes = [...vanished.above, ...vanished.scans].map((group) => nowhere(state, ports, group));
  const below = [
    ...floods.below.map((group) => belowOf(ports, "flood", group)),
    ...vanished.below
      .filter(({ flows }) => flows.every(({ copies }) => copies === 0))
      .map((group) => belowOf(ports, "nowhere", group)),
    ...moving.filter((one) => !isMoving(one)).map((one) => belowMoving(ports, one)),
  ].sort((a, b) => b.copies - a.copies || b.frames - a.frames);
  return {
    ...{ findings, notes },
    ...{ below: below.slice(0, BELOW), belowMore: Math.max(0, below.length - BELOW) },
  };
}

/** Who has left a group meanwhile was to get it before. */
function withMembersOf(before: BridgeState, state: BridgeState): BridgeState {
  const members = [...state.multicast.members, ...before.multicast.members];
  return { ...state, multicast: { ...state.multicast, members } };
}

/** What of a flow's frames and copies counts: of the flow itself and of each of its steps. */
type Counting = (counted: Counts) => Counts;

/** Copies that went astray, and frames of which any can have: no more than there were such copies. */
function floodCounts({ copiesOf }: Delivery): (flow: Flow) => Counting {
  return (flow) => {
    const got = copiesOf(flow);
    const all = sum(got, ({ copies }) => copies);
    const astray = sum(got, ({ copies, stray }) => (stray ? copies : 0));
    const share = all === 0 ? 1 : astray / all;
    return ({ frames, copies }) => ({
      frames: Math.min(frames, copies * share),
      copies: copies * share,
    });
  };
}

/** Frames of which no port can have got a copy. */
function vanishing({ frames, copies }: Counts): Counts {
  return { frames: Math.max(0, frames - copies), copies: 0 };
}

/**
 * Flows by what they are for: above a threshold, of one source for many addresses that are above one together, and what
 * is left.
 */
function sorted(
  { flows, ...time }: Pick<Collected, "flows" | "seconds" | "counted">,
  countingOf: (flow: Flow) => Counting,
  thresholds: Thresholds,
): { above: Group[]; scans: Group[]; below: Group[] } {
  const counted = flows
    .map((flow) => ({ flow, counts: countingOf(flow) }))
    .filter(({ flow, counts }) => counts(totals(flow)).frames > 0);
  const group = (same: typeof counted): Group => ({
    flows: same.map(({ flow }) => flow),
    ...peakOf(
      same.map(({ flow, counts }) => ({
        ...counts(totals(flow)),
        steps: flow.steps.map((step) => ({ endMs: step.endMs, ...counts(step) })),
      })),
      time,
    ),
  });
  const isAbove = ({ flows: [first], ...peak }: Group) =>
    first !== undefined &&
    peak.frames >= thresholds.frames &&
    (peak.sure.frames >= thresholds[first.class] || peak.sure.copies >= thresholds.copies);
  const key = ({ class: kind, source, destination, vlan }: Flow) =>
    kind === "broadcast" ? `${kind} ${source}` : `${kind} ${destination} ${vlan}`;
  const groups = grouped(counted, ({ flow }) => key(flow)).map(group);
  const above = groups.filter(isAbove);
  const told = new Set(above.flatMap((one) => one.flows));
  const rest = counted.filter(
    ({ flow }) => flow.class === "unknownUnicast" && !told.has(flow) && !isProbe(flow),
  );
  const scans = grouped(rest, ({ flow: { source, port } }) => `${source} ${port}`)
    .filter((same) => same.length > 1)
    .map(group)
    .filter(isAbove);
  for (const flow of scans.flatMap((one) => one.flows)) told.add(flow);
  return { above, scans, below: groups.filter((one) => !one.flows.some((flow) => told.has(flow))) };
}

/** Whoever has answered a host that is gone asks for it three times, by ARP or a neighbour solicitation (ucast_solicit): where hosts come and go that is no scan. */
const PROBES = 3;

function isProbe({ addresses, frames }: Flow): boolean {
  return ["ARP", "ICMPv6"].includes(addresses.protocol ?? "") && frames <= PROBES;
}

/** In the same terms as its steps. */
function totals(flow: Flow): Counts {
  return { frames: flow.frames, copies: portCopies(flow) };
}

interface Told {
  state: BridgeState;
  before: BridgeState;
  collected: Collected;
  ports: KnownPorts;
  delivery: Delivery;
}

function flood(told: Told, group: Group): Omit<Draft, "captures"> {
  const { state, collected, ports, delivery } = told;
  const { flows, framesPerSecond, copiesPerSecond } = group;
  const origin = originOf(delivery, flows);
  const came = sum(flows, ({ frames }) => frames);
  const frames = Math.round(group.frames);
  const victims = victimsOf(told, group);
  return {
    kind: "flood",
    ...whyFlooded(
      state,
      collected,
      { ...origin, acknowledged: sum(flows, ({ acknowledged }) => acknowledged) },
      ports.sender(origin),
    ),
    severity: severityOf(copiesPerSecond),
    source: origin.source,
    destination: origin.destination,
    ...headersOf(origin),
    vlan: origin.vlan,
    ingressPort: ports.of(origin.port),
    since: since(told, flows),
    frames,
    copies: Math.round(group.copies),
    bytes: Math.round((sum(flows, ({ bytes }) => bytes) * frames) / Math.max(1, came)),
    ...{ framesPerSecond, copiesPerSecond, lost: 0, where: null, reason: null },
    victims,
    evidence: [...evidenceOf(told, group), ...replication(state, origin.destination, victims)],
  };
}

function evidenceOf(
  { collected, ports, delivery }: Told,
  { flows, copies: astray }: Group,
): string[] {
  const sources = new Set(flows.map(({ source }) => source)).size;
  const all = sum(flows, portCopies);
  const host = sum(flows, ({ hostCopies }) => hostCopies);
  const wrong =
    Math.round(astray) < all
      ? `, ${Math.round(astray)} of them by ports that should not have them`
      : "";
  const up = host > 0 ? `; the host itself got ${host}` : "";
  return [
    `${sum(flows, ({ frames }) => frames)} frames of ${sources === 1 ? "one source" : `${sources} sources`} came in and left as ${all} copies in ${collected.seconds.toFixed(1)} s${wrong}${up}`,
    ...[...flows]
      .filter(delivery.isAstray)
      .sort((a, b) => b.frames - a.frames)
      .slice(0, ASTRAY)
      .map(
        ({ source, port, frames }) =>
          `${frames} frames of ${source} came in by ${ports.of(port).name}, and ${source} is behind ${delivery.homeNames(source)}`,
      ),
    howCounted(collected),
  ];
}

/** Ports by which copies left that should not have, with the share of these that are the group's own. */
function victimsOf({ ports, delivery }: Told, { flows, copies }: Group): Finding["victims"] {
  const victims = new Map<number, number>();
  for (const [flow] of grouped(flows, ({ destination, vlan }) => `${destination} ${vlan}`)) {
    for (const one of flow === undefined ? [] : delivery.copiesOf(flow)) {
      if (one.stray) victims.set(one.port, (victims.get(one.port) ?? 0) + one.copies);
    }
  }
  const all = sum([...victims.values()], (many) => many);
  // Others may send to the same destination.
  const share = Math.min(1, copies / Math.max(1, all));
  return [...victims]
    .map(([port, many]) => ({ port: ports.of(port), copies: Math.round(many * share) }))
    .filter(({ copies: many }) => many > 0)
    .sort((a, b) => b.copies - a.copies);
}

type Headers = Pick<Finding, "addresses" | "protocol" | "sourcePort" | "destinationPort">;

function headersOf({ addresses, sourcePort, destinationPort }: Flow): Headers {
  const { source, destination, protocol } = addresses;
  return { addresses: { source, destination }, protocol, sourcePort, destinationPort };
}

function howCounted({ backend, seconds, counted }: Collected): string {
  const places =
    backend === "tracepoint"
      ? "counted by the tracepoints net:netif_receive_skb and net:net_dev_queue"
      : `counted by ${backend} of br_handle_frame_finish and br_dev_queue_push_xmit`;
  const part = counted / Math.max(seconds, 1e-3);
  return part < WHOLE
    ? `estimated of ${(part * 100).toFixed(part < 0.1 ? 1 : 0)} % of the time: ${places}`
    : places;
}

const KINDS: Record<FlowClass, string> = {
  unknownUnicast: "unknown unicast",
  broadcast: "broadcast",
  multicast: "multicast",
};

function nowhere(state: BridgeState, ports: KnownPorts, { flows, frames }: Group): Note {
  const most = largest(flows);
  const { class: kind, source, destination } = most;
  const all = sum(flows, (flow) => flow.frames);
  const gone = Math.round(frames);
  const host = sum(flows, ({ hostCopies }) => hostCopies);
  const sources = new Set(flows.map((flow) => flow.source)).size;
  const addresses = new Set(flows.map((flow) => flow.destination)).size;
  const why = whyNowhere(state, most);
  const words = [
    gone === all ? `${all} frames` : `at least ${gone} of ${all} frames`,
    `of ${KINDS[kind]} from ${sources === 1 ? source : `${sources} sources`}`,
    ...(kind === "broadcast"
      ? []
      : [`for ${addresses === 1 ? destination : `${addresses} addresses`}`]),
    [...new Set(flows.map(({ port }) => port))]
      .map((port) =>
        port === state.ifindex
          ? "that the host itself sent"
          : `that came in by ${ports.phrase(port)}`,
      )
      .join(" and "),
    host > 0 ? `left nowhere but to the host itself (${host} copies)` : "left nowhere",
  ];
  const reason = why ?? "why is not told by the bridge's state; a filter may have dropped them";
  return { about: "frames", cause: null, text: `${words.join(" ")}: ${reason}`, remedy: null };
}

function belowOf(ports: KnownPorts, kind: Below["kind"], group: Group): Below {
  const most = largest(group.flows);
  const one = <T>(of: (flow: Flow) => T) =>
    new Set(group.flows.map(of)).size === 1 ? of(most) : null;
  return {
    ...{ kind, class: most.class, vlan: most.vlan, ingressPort: ports.of(most.port) },
    source: one(({ source }) => source),
    destination: one(({ destination }) => destination),
    frames: Math.round(group.frames),
    copies: Math.round(group.copies),
    framesPerSecond: group.framesPerSecond,
    copiesPerSecond: group.copiesPerSecond,
  };
}

/** Of one source, a few frames each for many addresses. */
function scan(ports: KnownPorts, { flows }: Group): Why & Pick<Draft, "destination"> {
  return {
    cause: "never-learned",
    title: `${ports.sender(largest(flows))} sends to ${flows.length} addresses that have no entry`,
    basis: "inferred",
    alternatives: [
      "a scan of addresses that no host has",
      "an ageing time shorter than the pauses of many hosts",
    ],
    remedy: null,
    destination: null,
  };
}

/** Pauses between its frames after which a flood would have been seen if it had been there. */
const PAUSES = 10;

/**
 * A flood that is there as soon as it could be seen may be as old as the bridge: within a second, or, where no frame can
 * have been missed, within some of its pauses. By a port that joined meanwhile it is not.
 */
function since({ before, collected }: Told, flows: readonly Flow[]): string {
  const { beganNs, seconds: all, counted } = collected;
  const first = Math.min(...flows.map(({ firstNs }) => firstNs));
  const seconds = (first - beganNs) / 1e9;
  const pause =
    (all - seconds) /
    Math.max(
      1,
      sum(flows, ({ frames }) => frames),
    );
  const missed = counted < WHOLE * all;
  const there = [before, ...before.ports].map(({ ifindex }) => ifindex);
  const old = flows.some(({ port }) => there.includes(port));
  if (old && seconds < (missed ? 1 : Math.min(1, PAUSES * pause))) return "before attach";
  const ago = (Number(process.hrtime.bigint()) - first) / 1e6;
  return new Date(Date.now() - ago).toISOString();
}

/** Of those by the port that their source lives behind, where any of a flood came in there: what comes round is nobody's. */
function originOf({ isAstray }: Delivery, flows: readonly Flow[]): Flow {
  const own = flows.filter((flow) => !isAstray(flow));
  return largest(own.length === 0 ? flows : own);
}

function largest(flows: readonly Flow[]): Flow {
  return flows.reduce((a, b) => (b.frames > a.frames ? b : a));
}
