/** Harmful floods among what was counted. */
import type { Finding, Thresholds } from "../document/explain.ts";
import type { Collected, Flow } from "../live/collect.ts";
import { portName } from "../live/port-name.ts";
import type { BridgeState, Port } from "../live/state.ts";
import {
  bridgeCommand,
  inferred,
  peerPorts,
  portFlag,
  portPhrase,
  staticEntry,
  type Why,
} from "./causes/cause.ts";
import { loop } from "./causes/loop.ts";
import { multicast } from "./causes/multicast.ts";
import { whyUnknown } from "./causes/why.ts";

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

export function findingsOf(
  state: BridgeState,
  collected: Collected,
  thresholds: Thresholds,
  captureOf: (flow: Flow) => string | null = () => null,
): Finding[] {
  // A burst in a fraction of a second is no rate.
  const seconds = Math.max(1, collected.seconds);
  const key = ({ class: kind, source, destination, vlan }: Flow) =>
    kind === "broadcast" ? `${kind} ${source}` : `${kind} ${destination} ${vlan}`;
  const harmful = (flows: readonly Flow[]) => {
    const frames = sum(flows, "frames");
    return flows.every(
      ({ class: kind }) => frames >= thresholds.frames && frames / seconds >= thresholds[kind],
    );
  };
  const groups = grouped(collected.flows, key).filter(harmful);
  const told = new Set(groups.flat());
  const rest = collected.flows.filter((flow) => flow.class === "unknownUnicast" && !told.has(flow));
  const scans = grouped(rest, ({ source, port }) => `${source} ${port}`).filter(
    (flows) => flows.length > 1 && harmful(flows),
  );
  const finding = (flows: readonly Flow[], extra: Partial<Finding> = {}): Finding => ({
    ...flood(state, collected, flows, seconds),
    captures: flows.flatMap((flow) => captureOf(flow) ?? []),
    ...extra,
  });
  const floods = [
    ...groups.map((flows) => finding(flows)),
    ...scans.map((flows) => finding(flows, scan(state, flows))),
  ];
  return [...floods, ...flapping(state, collected, thresholds, seconds)].sort(
    (a, b) => b.copiesPerSecond - a.copiesPerSecond || b.framesPerSecond - a.framesPerSecond,
  );
}

function flood(
  state: BridgeState,
  collected: Collected,
  flows: readonly Flow[],
  seconds: number,
): Omit<Finding, "captures"> {
  const most = flows.reduce((a, b) => (b.frames > a.frames ? b : a));
  const frames = sum(flows, "frames");
  const copies = sum(flows, "copies");
  const sources = new Set(flows.map(({ source }) => source)).size;
  const to = new Set(flows.map(({ destination, vlan }) => `${destination} ${vlan}`));
  const got = grouped(
    collected.got.filter(({ destination, vlan }) => to.has(`${destination} ${vlan}`)),
    ({ port }) => String(port),
  );
  return {
    ...why(state, collected, { ...most, acknowledged: sum(flows, "acknowledged") }),
    severity: copies / seconds >= HIGH ? "high" : copies / seconds >= MEDIUM ? "medium" : "low",
    source: most.source,
    destination: most.destination,
    addresses: most.addresses,
    vlan: most.vlan,
    ingressPort: portOf(state, most.port),
    since: since(collected, flows),
    frames,
    copies,
    bytes: sum(flows, "bytes"),
    framesPerSecond: frames / seconds,
    copiesPerSecond: copies / seconds,
    victims: got
      .map((same) => ({
        port: portOf(state, same[0]?.port ?? 0),
        copies: same.reduce((all, { copies: many }) => all + many, 0),
      }))
      .sort((a, b) => b.copies - a.copies),
    evidence: [
      `${frames} frames of ${sources === 1 ? "one source" : `${sources} sources`} came in and left as ${copies} copies in ${collected.seconds.toFixed(1)} s (tracepoints net:netif_receive_skb and net:net_dev_queue)`,
    ],
  };
}

/** Of one source, a few frames each for many addresses. */
function scan(state: BridgeState, flows: readonly Flow[]): Why & Pick<Finding, "destination"> {
  const [first] = flows;
  const port = state.ports.find(({ ifindex }) => ifindex === first?.port);
  const from = port === undefined ? "the host itself" : portPhrase(port);
  return {
    cause: "never-learned",
    title: `${first?.source} behind ${from} sends to ${flows.length} addresses that have no entry`,
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

function why(state: BridgeState, { deleted }: Collected, flow: Flow): Why {
  if (flow.class === "unknownUnicast") return whyUnknown(state, deleted, flow);
  const [looped] = loop.notes(state);
  if (looped !== undefined) return inferred(looped);
  if (flow.class === "multicast") return whyMulticast(state, flow.destination);
  const port = state.ports.find(({ ifindex }) => ifindex === flow.port);
  const kind =
    flow.addresses.protocol === null ? "broadcast" : `${flow.addresses.protocol} broadcast`;
  const from = port === undefined ? "the host itself" : portPhrase(port);
  return {
    cause: "broadcast-storm",
    title: `${flow.source} behind ${from} sends a storm of ${kind}`,
    basis: "observed",
    alternatives: ["a loop that cannot be seen from here, behind that port"],
    remedy: port === undefined || state.stp ? null : cutOff(state, port),
  };
}

function whyMulticast(state: BridgeState, group: string): Why {
  const alternative = "a group of the local network (224.0.0.x), which is always flooded";
  const [noted] = multicast.notes(state);
  if (noted !== undefined) return inferred(noted, alternative);
  return {
    cause: "multicast-unregistered",
    title: `nobody is known to have joined the group ${group}`,
    basis: "inferred",
    alternatives: [alternative],
    remedy: null,
  };
}

function cutOff(state: BridgeState, port: Port): NonNullable<Finding["remedy"]> {
  return {
    command: portFlag(state, port, "state", "0"),
    effect: `nothing comes in by ${port.name} any more`,
    risk: `whoever is behind ${port.name} is cut off from the network until this is taken back`,
    undo: portFlag(state, port, "state", "3"),
    verify: `${bridgeCommand(state.place, "link", "show", "dev", port.name)} shows state disabled`,
  };
}

function flapping(
  state: BridgeState,
  { moves, seconds: counted }: Collected,
  thresholds: Thresholds,
  seconds: number,
): Finding[] {
  const groups = grouped(moves, ({ address, vlan }) => `${address} ${vlan}`);
  return groups.flatMap((ports): Finding[] => {
    const total = ports.reduce((all, { moves: many }) => all + many, 0);
    const [first] = ports;
    if (first === undefined || total < thresholds.frames || total / seconds < thresholds.moves)
      return [];
    const homes = peerPorts(state).filter(({ peer }) => peer.address === first.address);
    const [home] = homes;
    const names = ports.map(({ port }) => portOf(state, port).name).join(" and ");
    return [
      {
        cause: "mac-flapping",
        title: `${first.address} moves between ${names}, ${(total / seconds).toFixed(1)} times a second`,
        severity: "medium",
        basis: "observed",
        alternatives: [
          "two hosts with one address",
          "a loop",
          "a host that sends by two ways at once",
        ],
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
          `${total} moves in ${counted.toFixed(1)} s (tracepoint bridge:br_fdb_update): ${ports.map(({ port, moves: many }) => `${many} to ${portOf(state, port).name}`).join(", ")}`,
        ],
        remedy:
          home === undefined || homes.length > 1
            ? null
            : staticEntry(state, home.port, first.address, "sticky"),
      },
    ];
  });
}

function portOf(state: BridgeState, ifindex: number): Finding["victims"][number]["port"] {
  const port = state.ports.find((one) => one.ifindex === ifindex);
  return { name: portName(state, ifindex), ifindex, owner: port?.owner?.label ?? null };
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

function sum(
  flows: readonly Flow[],
  field: "frames" | "copies" | "bytes" | "acknowledged",
): number {
  return flows.reduce((all, flow) => all + flow[field], 0);
}
