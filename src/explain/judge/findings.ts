/** What is above the thresholds among what was counted, and what stayed below. */

import type { BridgeState } from "../../bridge/state.ts";
import type { Below, Finding, Thresholds } from "../../document/explain.ts";
import type { Collected, Flow } from "../../live/collect.ts";
import type { Why } from "../causes/cause.ts";
import { replication } from "../causes/overlay.ts";
import { type Counts, grouped, type Peak, peakOf, severityOf, sum } from "../causes/peak.ts";
import { remedyOf } from "../causes/remedy.ts";
import { whyFlooded } from "../causes/why.ts";
import { howCounted, since } from "./counted.ts";
import { type Delivery, deliveryOf, portCopies } from "./delivery.ts";
import { eachLoopOnce } from "./loops.ts";
import { lossesOf } from "./losses.ts";
import { belowMoving, type Draft, flapping, type Moving, movesOf } from "./moves.ts";
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
  /** The worst first; what is policy after all others. */
  findings: Finding[];
  below: Below[];
  belowMore: number;
}

interface JudgeOptions {
  captureOf?: ((flow: Flow) => string | null) | undefined;
  /** The bridge when frames began to be looked at: it knows the ports that are gone since. */
  before?: BridgeState | undefined;
}

/** Flows that are told as one, and how much of them went astray. */
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
  const losses = lossesOf({ before, state, collected }, delivery, ports, thresholds);
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
    ...losses.above,
  ];
  const findings = eachLoopOnce(drafts)
    .map((one): Finding => ({ ...one, ...remedyOf(state, one.remedy) }))
    .sort(worstFirst);
  const below = [
    ...floods.below.map((group) => belowOf(ports, group)),
    ...losses.below,
    ...moving.filter((one) => !isMoving(one)).map((one) => belowMoving(ports, one)),
  ].sort((a, b) => b.copies - a.copies || b.frames - a.frames);
  return {
    findings,
    ...{ below: below.slice(0, BELOW), belowMore: Math.max(0, below.length - BELOW) },
  };
}

/** Floods by their copies, then losses, then what somebody asked for. */
function worstFirst(a: Finding, b: Finding): number {
  const byKind = KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind);
  const bySeverity = SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity);
  return (
    byKind ||
    b.copiesPerSecond - a.copiesPerSecond ||
    (a.kind === "flood" ? 0 : bySeverity) ||
    b.framesPerSecond - a.framesPerSecond ||
    b.lost - a.lost
  );
}

const KINDS: readonly Finding["kind"][] = ["flood", "loss", "policy"];
const SEVERITIES: readonly Finding["severity"][] = ["high", "medium", "low"];

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
    since: since(told.before, collected, flows),
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

function belowOf(ports: KnownPorts, group: Group): Below {
  const most = largest(group.flows);
  const one = <T>(of: (flow: Flow) => T) =>
    new Set(group.flows.map(of)).size === 1 ? of(most) : null;
  return {
    ...{ kind: "flood", class: most.class, vlan: most.vlan, ingressPort: ports.of(most.port) },
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

/** Of those by the port that their source lives behind, where any of a flood came in there: what comes round is nobody's. */
function originOf({ isAstray }: Delivery, flows: readonly Flow[]): Flow {
  const own = flows.filter((flow) => !isAstray(flow));
  return largest(own.length === 0 ? flows : own);
}

function largest(flows: readonly Flow[]): Flow {
  return flows.reduce((a, b) => (b.frames > a.frames ? b : a));
}
