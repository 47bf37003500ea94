/** Frames that should have left and left nowhere: which of them are told together, and which are above the thresholds. */

import type { Below, Finding, Thresholds } from "../../document/explain.ts";
import type { Collected } from "../../live/collect.ts";
import { plural } from "../../text/units.ts";
import type { LossContext, LossWhy } from "../causes/loss/cause.ts";
import { whyLost } from "../causes/loss/index.ts";
import { other } from "../causes/loss/other.ts";
import { grouped, type Peak, peakOf, sum, sureOf } from "../causes/peak.ts";
import { howCounted, since } from "./counted.ts";
import type { Delivery } from "./delivery.ts";
import { type LostFlow, lostFlows } from "./lost-flows.ts";
import type { Draft } from "./moves.ts";
import { isRight, staysHere } from "./no-loss.ts";
import type { KnownPorts } from "./ports.ts";

/** Of a flow that is lost as a whole, so many frames are a finding: a host asks for its neighbour three times before it gives up (mcast_solicit). */
const WHOLE_FLOW = 3;
/** Of the flows of a loss, so many are named. */
const FLOWS = 3;
/** Of the frames that came; of less most get through at the first try. */
const MEDIUM = 0.01;

export interface Losses {
  above: Draft[];
  below: Below[];
}

/** What has one cause, in the same words, is told once. */
interface Group extends Peak {
  why: LossWhy;
  /** By flow, the largest first. */
  flows: Lost[];
}

/** What is lost of one flow for one cause. */
interface Lost {
  /** At one place or at several, the largest first. */
  losses: LostFlow[];
  most: LostFlow;
  /** What was lost of it, frames or copies. */
  lost: number;
  /** Of so many. */
  of: number;
  /** Every frame, or every copy for one port. */
  whole: boolean;
}

/** What of all that was lost is a finding, and what is below the thresholds. */
export function lossesOf(
  context: LossContext,
  delivery: Delivery,
  ports: KnownPorts,
  thresholds: Thresholds,
): Losses {
  const { collected } = context;
  const [told, untold] = judgedEach(context, delivery);
  const groups = grouped(told, ({ why, loss }) =>
    [why.kind, why.cause, why.title, loss.copiesLeft > 0].join(),
  ).flatMap((same): Group[] => {
    const most = largest(same, ({ loss }) => loss.frames);
    return most === null
      ? []
      : [
          groupOf(
            collected,
            most.why,
            same.map(({ loss }) => loss),
          ),
        ];
  });
  const isAbove = (group: Group) => isLoss(group, collected, thresholds);
  return {
    above: groups.filter(isAbove).map((group) => draftOf(context, delivery, ports, group)),
    below: [
      ...groups
        .filter((group) => !isAbove(group))
        .map((group) => belowOf(ports, group.why.kind, group)),
      ...grouped(untold, ({ flow }) => flow).map((same) =>
        belowOf(ports, "nowhere", peaked(collected, same)),
      ),
    ],
  };
}

/** What has a cause; and what left by no port, nobody knows why: it may have left unseen. */
function judgedEach(
  context: LossContext,
  delivery: Delivery,
): [{ loss: LostFlow; why: LossWhy }[], LostFlow[]] {
  const told: { loss: LostFlow; why: LossWhy }[] = [];
  const untold: LostFlow[] = [];
  for (const loss of lostFlows(context, delivery)) {
    if (staysHere(loss, context, delivery)) continue;
    const why = whyLost(loss, context);
    if (why === "right" || (why === null && isRight(loss, context, delivery))) continue;
    if (why !== null) told.push({ loss, why });
    else if (loss.where !== null) told.push({ loss, why: other(loss.where, loss.reason) });
    else if (!loss.behind && loss.frames >= (loss.came ?? 0)) untold.push(loss);
  }
  return [told, untold];
}

/** Enough of them at the rate, or all of a flow; of estimates what is sure. */
function isLoss({ flows, frames }: Group, collected: Collected, thresholds: Thresholds): boolean {
  const sure = sureOf(frames, collected);
  const least = Math.min(WHOLE_FLOW, thresholds.lost);
  return (
    flows.some(({ whole, lost }) => whole && sureOf(lost, collected) >= least) ||
    (sure >= thresholds.lost && sure / Math.max(1, collected.seconds) >= thresholds.lostPerSecond)
  );
}

function groupOf(collected: Collected, why: LossWhy, losses: readonly LostFlow[]): Group {
  return { ...peaked(collected, losses), why };
}

function peaked(collected: Collected, losses: readonly LostFlow[]): Omit<Group, "why"> {
  const flows = grouped(losses, ({ flow }) => flow)
    .flatMap((same) => ofFlow(same))
    .sort((a, b) => b.lost - a.lost);
  const counts = flows.map(({ lost, losses: same }) => ({
    ...{ frames: lost, copies: 0 },
    steps: same.flatMap(({ steps }) => steps.map((step) => ({ ...step, copies: 0 }))),
  }));
  return { ...peakOf(counts, collected), flows };
}

function ofFlow(same: readonly LostFlow[]): Lost[] {
  const losses = [...same].sort((a, b) => b.frames - a.frames);
  const [most] = losses;
  if (most === undefined) return [];
  const { came, copiesLeft } = most;
  const all = sum(losses, ({ frames }) => frames);
  // Of a port behind which copies are lost they have left, and are counted.
  const copies = copiesLeft + sum(losses, ({ behind, frames }) => (behind ? 0 : frames));
  const of = copiesLeft > 0 ? Math.max(all, copies) : (came ?? all);
  // Frames of which no copy left may have been dropped at several ports.
  const lost = Math.min(all, of);
  return [{ losses, most, lost, of, whole: isWhole(losses, most, lost) }];
}

/** Of copies, those for one port. What came in of a flow that nobody counted was dropped before it could be. */
function isWhole(
  losses: readonly LostFlow[],
  { came, behind, copiesLeft }: LostFlow,
  lost: number,
): boolean {
  if (came === null) return !behind;
  if (copiesLeft === 0) return lost >= came;
  return grouped(losses, ({ at }) => `${at}`).some(
    (here) => sum(here, ({ frames }) => frames) >= came,
  );
}

function largest<T>(items: readonly T[], of: (item: T) => number): T | null {
  const [first, ...rest] = items;
  return first === undefined ? null : rest.reduce((a, b) => (of(b) > of(a) ? b : a), first);
}

function draftOf(context: LossContext, delivery: Delivery, ports: KnownPorts, group: Group): Draft {
  const { before, collected } = context;
  const { why, flows } = group;
  const { evidence: _, ...told } = why;
  const losses = flows.flatMap((flow) => flow.losses);
  const [first] = flows;
  if (first === undefined) throw new Error("a loss without a flow");
  const { most } = first;
  const timed = losses.filter(({ firstNs }) => firstNs > 0);
  const one = <T>(of: (loss: LostFlow) => T): T | null =>
    new Set(losses.map(of)).size === 1 ? of(most) : null;
  const { addresses, protocol, sourcePort, destinationPort, vlan } = headersOf(most);
  return {
    ...told,
    severity: severityOf(group),
    source: one(({ source }) => source),
    destination: one(({ destination }) => destination),
    ...{ addresses, protocol, sourcePort, destinationPort, vlan },
    ingressPort: ports.of(most.port),
    since: timed.length === 0 ? "not timed" : since(before, collected, timed),
    frames: Math.round(sum(flows, ({ most: { came }, lost }) => came ?? lost)),
    copies: Math.round(sum(flows, ({ most: { copiesLeft }, of }) => (copiesLeft > 0 ? of : 0))),
    lost: Math.round(group.frames),
    bytes: Math.round(sum(flows, ({ most: { bytes } }) => bytes)),
    ...{ framesPerSecond: group.framesPerSecond, copiesPerSecond: 0 },
    where: one(({ where }) => where),
    reason: one(({ reason }) => reason),
    victims: victimsOf(context, delivery, ports, flows),
    captures: [],
    evidence: evidenceOf(collected, ports, group),
  };
}

function headersOf({ addresses, sourcePort, destinationPort, vlan }: LostFlow) {
  const { source, destination, protocol } = addresses;
  return { addresses: { source, destination }, protocol, sourcePort, destinationPort, vlan };
}

/** High: all frames of a flow, or all copies for a port. */
function severityOf({ why, flows }: Group): Finding["severity"] {
  if (why.kind === "policy") return "low";
  if (flows.some(({ whole }) => whole)) return "high";
  return sum(flows, ({ lost }) => lost) >= MEDIUM * sum(flows, ({ of }) => of) ? "medium" : "low";
}

/** Who does not get them: the port that they were for, or those behind which their destination lives. */
function victimsOf(
  { state }: LossContext,
  delivery: Delivery,
  ports: KnownPorts,
  flows: readonly Lost[],
): Finding["victims"] {
  const lost = flows.flatMap((flow) => {
    const at = flow.losses.flatMap((loss) =>
      portsFor(delivery, loss)
        .filter((port) => port !== state.ifindex)
        .map((port) => ({ port, frames: loss.frames })),
    );
    return grouped(at, ({ port }) => `${port}`).map((same) => ({
      port: same[0]?.port ?? 0,
      frames: Math.min(
        flow.lost,
        sum(same, ({ frames }) => frames),
      ),
    }));
  });
  return grouped(lost, ({ port }) => `${port}`)
    .flatMap((same) => {
      const [first] = same;
      const copies = Math.round(sum(same, ({ frames }) => frames));
      return first === undefined ? [] : [{ port: ports.of(first.port), copies }];
    })
    .sort((a, b) => b.copies - a.copies);
}

function portsFor(delivery: Delivery, loss: LostFlow): number[] {
  const { class: kind, destination, vlan, behind, at, port } = loss;
  const homes = kind === "unicast" ? delivery.seenAt(destination) : [];
  if (homes.length > 0) return homes.filter((home) => home !== port);
  if (behind || at !== port) return [at];
  return [...delivery.portsOf(destination, vlan)].filter((home) => home !== port);
}

function evidenceOf(collected: Collected, ports: KnownPorts, { why, flows }: Group): string[] {
  const more = flows.length - FLOWS;
  return [
    ...flows.slice(0, FLOWS).map((flow) => flowLine(ports, flow)),
    ...(more <= 0 ? [] : [`and ${plural(more, "more flow")}`]),
    ...why.evidence,
    howCounted(collected),
  ];
}

/** How much of one flow was lost, and where. */
function flowLine(ports: KnownPorts, { losses, most, lost, of }: Lost): string {
  const { source, destination, port, where, reason, behind, copiesLeft } = most;
  const at = [...new Set(losses.map((loss) => loss.at))];
  const place = at.length === 1 ? ports.of(most.at).name : `${at.length} ports`;
  const why = reason === null ? "" : ` (${reason})`;
  const what =
    where !== null
      ? `were dropped by ${where}${why} ${behind ? "behind" : "at"} ${place}`
      : behind
        ? `left by ${place}`
        : copiesLeft > 0
          ? `were not made for ${place}`
          : "left by no port, and no drop of them was seen";
  const many = `${Math.round(lost)} of ${Math.round(of)}`;
  return `${many} ${copiesLeft > 0 ? "copies of frames" : "frames"} of ${source} for ${destination}, in by ${ports.of(port).name}, ${what}`;
}

function belowOf(ports: KnownPorts, kind: Below["kind"], group: Omit<Group, "why">): Below {
  const losses = group.flows.flatMap((flow) => flow.losses);
  const most = group.flows[0]?.most;
  if (most === undefined) throw new Error("a loss without a flow");
  const one = <T>(of: (loss: LostFlow) => T) =>
    new Set(losses.map(of)).size === 1 ? of(most) : null;
  return {
    ...{ kind, class: most.class === "unicast" ? null : most.class, vlan: most.vlan },
    ingressPort: ports.of(most.port),
    source: one(({ source }) => source),
    destination: one(({ destination }) => destination),
    ...{ frames: Math.round(group.frames), copies: 0 },
    ...{ framesPerSecond: group.framesPerSecond, copiesPerSecond: 0 },
  };
}
