/** Floods above the thresholds among what was counted, and frames that left nowhere. */

import { portName } from "../bridge/port-name.ts";
import type { BridgeState } from "../bridge/state.ts";
import type { Finding, Note, Thresholds } from "../document/explain.ts";
import { type Collected, type Flow, type FlowClass, WHOLE } from "../live/collect.ts";
import type { Why } from "./causes/cause.ts";
import { whyMoving } from "./causes/mac-duplicate.ts";
import { type Proposed, remedyOf } from "./causes/remedy.ts";
import { portPhrase } from "./causes/whereabouts.ts";
import { whyFlooded } from "./causes/why.ts";

export const THRESHOLDS: Thresholds = {
  unknownUnicast: 10,
  broadcast: 100,
  multicast: 100,
  moves: 1,
  frames: 20,
};

/** Copies a second from which on a flood is more than low. */
const MEDIUM = 1_000;
const HIGH = 10_000;

/** A finding as its cause proposes it. */
type Draft = Omit<Finding, "remedy" | "noRemedy"> & { remedy: Proposed };

export interface Judged {
  findings: Finding[];
  /** Of frames that left nowhere, which are no flood. */
  notes: Note[];
}

export function judged(
  state: BridgeState,
  collected: Collected,
  thresholds: Thresholds,
  captureOf: (flow: Flow) => string | null = () => null,
): Judged {
  // A burst in a fraction of a second is no rate.
  const seconds = Math.max(1, collected.seconds);
  const flooded = aboveThreshold(collected.flows, flooding, thresholds, seconds);
  const draft = (flows: readonly Flow[], extra: Partial<Draft> = {}): Draft => ({
    ...flood(state, collected, flows, seconds),
    captures: flows.flatMap((flow) => captureOf(flow) ?? []),
    ...extra,
  });
  const drafts = [
    ...flooded.groups.map((flows) => draft(flows)),
    ...flooded.scans.map((flows) => draft(flows, scan(state, flows))),
    ...flapping(state, collected, thresholds, seconds),
  ];
  const findings = drafts
    .map((one): Finding => ({ ...one, ...remedyOf(state, one.remedy) }))
    .sort((a, b) => b.copiesPerSecond - a.copiesPerSecond || b.framesPerSecond - a.framesPerSecond);
  const vanished = aboveThreshold(collected.flows, vanishing, thresholds, seconds);
  const notes = [...vanished.groups, ...vanished.scans].map((flows) => nowhere(state, flows));
  return { findings, notes };
}

/** Frames of a flow that can have left by a port: no more than there were copies. */
function flooding({ frames, copies, hostCopies }: Flow): number {
  return Math.min(frames, copies - hostCopies);
}

function vanishing(flow: Flow): number {
  return flow.frames - flooding(flow);
}

/**
 * Flows of which as many frames count as make a flood: by what they are for, and, of what is left, those of one source
 * for many addresses that have no entry.
 */
function aboveThreshold(
  flows: readonly Flow[],
  counted: (flow: Flow) => number,
  thresholds: Thresholds,
  seconds: number,
): { groups: Flow[][]; scans: Flow[][] } {
  const key = ({ class: kind, source, destination, vlan }: Flow) =>
    kind === "broadcast" ? `${kind} ${source}` : `${kind} ${destination} ${vlan}`;
  const above = (same: readonly Flow[]) => {
    const frames = sum(same, counted);
    return same.every(
      ({ class: kind }) => frames >= thresholds.frames && frames / seconds >= thresholds[kind],
    );
  };
  const counting = flows.filter((flow) => counted(flow) > 0);
  const groups = grouped(counting, key).filter(above);
  const told = new Set(groups.flat());
  const rest = counting.filter((flow) => flow.class === "unknownUnicast" && !told.has(flow));
  const scans = grouped(rest, ({ source, port }) => `${source} ${port}`).filter(
    (same) => same.length > 1 && above(same),
  );
  return { groups, scans };
}

function flood(
  state: BridgeState,
  collected: Collected,
  flows: readonly Flow[],
  seconds: number,
): Omit<Draft, "captures"> {
  const most = largest(flows);
  const frames = sum(flows, ({ frames }) => frames);
  const copies = sum(flows, ({ copies }) => copies);
  const sources = new Set(flows.map(({ source }) => source)).size;
  const to = new Set(flows.map(({ destination, vlan }) => `${destination} ${vlan}`));
  const got = grouped(
    collected.got.filter(({ destination, vlan }) => to.has(`${destination} ${vlan}`)),
    ({ port }) => String(port),
  );
  return {
    ...whyFlooded(state, collected, {
      ...most,
      acknowledged: sum(flows, ({ acknowledged }) => acknowledged),
    }),
    severity: copies / seconds >= HIGH ? "high" : copies / seconds >= MEDIUM ? "medium" : "low",
    source: most.source,
    destination: most.destination,
    addresses: most.addresses,
    vlan: most.vlan,
    ingressPort: portOf(state, most.port),
    since: since(collected, flows),
    frames,
    copies,
    bytes: sum(flows, ({ bytes }) => bytes),
    framesPerSecond: frames / seconds,
    copiesPerSecond: copies / seconds,
    victims: got
      .map((same) => ({
        port: portOf(state, same[0]?.port ?? 0),
        copies: sum(same, ({ copies: many }) => many),
      }))
      .sort((a, b) => b.copies - a.copies),
    evidence: [
      `${frames} frames of ${sources === 1 ? "one source" : `${sources} sources`} came in and left as ${copies} copies in ${collected.seconds.toFixed(1)} s (${howCounted(collected)})`,
    ],
  };
}

function howCounted({ backend, seconds, counted }: Collected): string {
  const places =
    backend === "tracepoint"
      ? "tracepoints net:netif_receive_skb and net:net_dev_queue"
      : `${backend} of br_handle_frame_finish and br_dev_queue_push_xmit`;
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

function nowhere(state: BridgeState, flows: readonly Flow[]): Note {
  const { class: kind, source, destination } = largest(flows);
  const all = sum(flows, ({ frames }) => frames);
  const gone = sum(flows, vanishing);
  const host = sum(flows, ({ hostCopies }) => hostCopies);
  const sources = new Set(flows.map((flow) => flow.source)).size;
  const addresses = new Set(flows.map((flow) => flow.destination)).size;
  const words = [
    gone === all ? `${all} frames` : `at least ${gone} of ${all} frames`,
    `of ${KINDS[kind]} from ${sources === 1 ? source : `${sources} sources`}`,
    ...(kind === "broadcast"
      ? []
      : [`for ${addresses === 1 ? destination : `${addresses} addresses`}`]),
    [...new Set(flows.map(({ port }) => port))].map((port) => entered(state, port)).join(" and "),
    host > 0 ? `left nowhere but to the host itself (${host} copies)` : "left nowhere",
  ];
  return { cause: null, text: words.join(" "), remedy: null };
}

function entered(state: BridgeState, ifindex: number): string {
  if (ifindex === state.ifindex) return "that the host itself sent";
  const port = state.ports.find((one) => one.ifindex === ifindex);
  const closed = port !== undefined && port.state !== "forwarding";
  return `that came in by ${ingressPhrase(state, ifindex)}${closed ? `, whose state is ${port.state},` : ""}`;
}

/** Of one source, a few frames each for many addresses. */
function scan(state: BridgeState, flows: readonly Flow[]): Why & Pick<Draft, "destination"> {
  const { source, port } = largest(flows);
  return {
    cause: "never-learned",
    title: `${source} behind ${ingressPhrase(state, port)} sends to ${flows.length} addresses that have no entry`,
    basis: "inferred",
    alternatives: [
      "a scan of addresses that no host has",
      "an ageing time shorter than the pauses of many hosts",
    ],
    remedy: null,
    destination: null,
  };
}

/** A flood that was there from the first second on may be as old as the bridge. */
function since({ beganNs }: Collected, flows: readonly Flow[]): string {
  const first = Math.min(...flows.map(({ firstNs }) => firstNs));
  const seconds = (first - beganNs) / 1e9;
  if (seconds < 1) return "before attach";
  const ago = (Number(process.hrtime.bigint()) - first) / 1e6;
  return new Date(Date.now() - ago).toISOString();
}

function flapping(
  state: BridgeState,
  collected: Collected,
  thresholds: Thresholds,
  seconds: number,
): Draft[] {
  const groups = grouped(collected.moves, ({ address, vlan }) => `${address} ${vlan}`);
  return groups.flatMap((ports): Draft[] => {
    const total = sum(ports, ({ moves: many }) => many);
    const [first] = ports;
    if (first === undefined || total < thresholds.frames || total / seconds < thresholds.moves)
      return [];
    const why = whyMoving(state, ports, total / seconds);
    if (why === null) return [];
    return [
      {
        ...why,
        severity: "medium",
        source: first.address,
        destination: null,
        addresses: { source: null, destination: null, protocol: null },
        vlan: first.vlan,
        ingressPort: null,
        since: "before attach",
        frames: total,
        copies: 0,
        bytes: 0,
        framesPerSecond: total / seconds,
        copiesPerSecond: 0,
        victims: [],
        captures: [],
        evidence: [
          `${total} moves in ${collected.seconds.toFixed(1)} s (tracepoint bridge:br_fdb_update): ${ports.map(({ port, moves: many }) => `${many} to ${portOf(state, port).name}`).join(", ")}`,
        ],
      },
    ];
  });
}

function ingressPhrase(state: BridgeState, ifindex: number): string {
  if (ifindex === state.ifindex) return "the host itself";
  const port = state.ports.find((one) => one.ifindex === ifindex);
  return port === undefined ? `a port that is gone (ifindex ${ifindex})` : portPhrase(port);
}

function portOf(state: BridgeState, ifindex: number): Finding["victims"][number]["port"] {
  const port = state.ports.find((one) => one.ifindex === ifindex);
  return { name: portName(state, ifindex), ifindex, owner: port?.owner?.label ?? null };
}

function largest(flows: readonly Flow[]): Flow {
  return flows.reduce((a, b) => (b.frames > a.frames ? b : a));
}

/** Map.groupBy, which Node 20 does not have. */
function grouped<T>(items: readonly T[], key: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((all, item) => all + of(item), 0);
}
