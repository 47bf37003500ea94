import type { RouteRequest } from "../system/rtnetlink.ts";
import { macAddress } from "./mac.ts";
import type { BridgeSpec, HostSpec, TopologySpec } from "./spec.ts";

/** One step of a build, in the namespace that it names. */
export type Operation =
  | { kind: "netns"; namespace: string }
  | { kind: "sysctl"; namespace: string; key: string; value: string }
  | { kind: "route"; namespace: string; request: RouteRequest }
  /** What a person may ask for beyond a plain lab, in the words of the tool. */
  | { kind: "ip" | "bridge" | "nft"; namespace: string; words: string[] };

/** How a lab's parts are called; a kept lab's namespaces carry its id, a plan's own need not. */
export interface LabNames {
  id: string;
  namespace(part: string): string;
}

/** The namespace that holds the bridge, or in which a veth pair is made: the lab's own "host". */
export const SWITCH = "sw";

/** The bridge's port that leads to the `index`th host, counted from 0. */
export function portName(index: number): string {
  return `p${index + 1}`;
}

/** The bridges of a lab in the order in which the first host's frames pass them. */
export function bridgeNames({ name, inSeries }: BridgeSpec): string[] {
  return [name, ...Array.from({ length: inSeries - 1 }, (_, index) => `br${index + 1}`)];
}

/** The pairs that join each bridge of a chain to the next one. */
function patchesOf(bridges: readonly string[]) {
  return bridges.slice(1).map((to, index) => ({
    next: { device: `next${index}`, bridge: bridges[index] ?? to },
    previous: { device: `prev${index + 1}`, bridge: to },
  }));
}

export function aliasOf(id: string): string {
  return `bridgescope:${id}`;
}

/** All steps that build the lab, in order. Pure: the same spec and names give the same plan. */
export function planLab(spec: TopologySpec, names: LabNames): Operation[] {
  const namespaces = namespacesOf(spec).map((part) => names.namespace(part));
  const operations: Operation[] = namespaces.map((namespace) => ({ kind: "netns", namespace }));
  const alias = aliasOf(names.id);
  for (const namespace of namespaces) {
    // The kernel has "default" follow "all" here (addrconf_disable_ipv6).
    const key = "net.ipv6.conf.all.disable_ipv6";
    if (!spec.ipv6) operations.push({ kind: "sysctl", namespace, key, value: "1" });
    route(operations, namespace, { kind: "set", device: "lo", alias, up: true });
  }
  if (spec.kind === "veth") planPair(operations, spec, names);
  if (spec.bridge !== null) planBridges(operations, spec, names);
  return operations;
}

export function namespacesOf(spec: TopologySpec): string[] {
  const hosts = spec.hosts.map((host) => host.name);
  return spec.kind === "netns" ? hosts : [SWITCH, ...hosts];
}

/** Bridge netfilter's switches, one a protocol; a new namespace starts with them on. */
export const NF_CALL_SYSCTLS = ["iptables", "ip6tables", "arptables"].map(
  (table) => `net.bridge.bridge-nf-call-${table}`,
);

function planPair(operations: Operation[], spec: TopologySpec, names: LabNames): void {
  const [a, b] = spec.hosts;
  if (a === undefined || b === undefined) return;
  const inside = names.namespace(SWITCH);
  route(operations, inside, {
    kind: "veth",
    device: a.device,
    address: macAddress(names.id, "host", 0),
    mtu: spec.mtu,
    peer: { device: b.device, address: macAddress(names.id, "host", 1), namespace: null },
  });
  for (const { device, name } of spec.hosts) {
    route(operations, inside, { kind: "set", device, to: names.namespace(name) });
  }
  for (const host of spec.hosts) planHost(operations, host, names);
}

function planBridges(operations: Operation[], spec: TopologySpec, names: LabNames): void {
  const bridge = spec.bridge;
  if (bridge === null) return;
  const bridges = bridgeNames(bridge);
  const inside = names.namespace(SWITCH);
  const alias = aliasOf(names.id);
  // With snooping on, the bridge device joins 224.0.0.106 and would report that at a random moment.
  operations.push({
    kind: "sysctl",
    namespace: inside,
    key: "net.ipv4.igmp_link_local_mcast_reports",
    value: "0",
  });
  for (const key of NF_CALL_SYSCTLS) {
    operations.push({ kind: "sysctl", namespace: inside, key, value: bridge.nfCall ? "1" : "0" });
  }
  bridges.forEach((device, index) => {
    const address = macAddress(names.id, "bridge", index);
    route(operations, inside, { kind: "bridge", device, address, mtu: spec.mtu });
  });
  for (const device of bridges) {
    route(operations, inside, { kind: "set", device, alias });
    for (const [option, value] of Object.entries(bridge.options)) {
      if (option === "fdb_max_learned") {
        route(operations, inside, { kind: "limit", device, learned: Number(value) });
        continue;
      }
      ip(operations, inside, "link", "set", "dev", device, "type", "bridge", option, value);
    }
  }
  spec.hosts.forEach((host, index) => {
    route(operations, inside, {
      kind: "veth",
      device: portName(index),
      address: macAddress(names.id, "port", index),
      mtu: spec.mtu,
      peer: {
        device: host.device,
        address: macAddress(names.id, "host", index),
        namespace: names.namespace(host.name),
      },
    });
  });
  const patches = patchesOf(bridges);
  patches.forEach(({ next: { device }, previous }, index) => {
    const address = (end: number) =>
      macAddress(names.id, "port", spec.hosts.length + 2 * index + end);
    route(operations, inside, {
      ...{ kind: "veth", device, address: address(0), mtu: spec.mtu },
      peer: { device: previous.device, address: address(1), namespace: null },
    });
  });
  const enslave = (device: string, master: string) => {
    // The kernel drops an alias that is given as a link is made (rtnl_newlink_create).
    route(operations, inside, { kind: "set", device, alias, master, up: true });
  };
  spec.hosts.forEach((_host, index) => {
    enslave(portName(index), index === 0 ? bridge.name : (bridges.at(-1) ?? bridge.name));
  });
  for (const { device, bridge: master } of patches.flatMap(Object.values)) enslave(device, master);
  for (const host of spec.hosts) planHost(operations, host, names);
  planPorts(operations, spec, inside);
  if (bridge.address !== null) {
    const { address, name: device } = bridge;
    route(operations, inside, { kind: "address", device, address });
  }
  // Last: a bridge that is up floods every new port's first frames to all that are there already.
  for (const device of bridges) route(operations, inside, { kind: "set", device, up: true });
  planStates(operations, spec, inside);
  operations.push(...planFill(spec, names.id, inside));
  for (const entry of bridge.fdb) {
    const index = spec.hosts.findIndex((host) => host.name === entry.host);
    operations.push({
      kind: "bridge",
      namespace: inside,
      words: ["fdb", "add", entry.address, "dev", portName(index), "master", "static"],
    });
  }
}

function planHost(operations: Operation[], host: HostSpec, names: LabNames): void {
  const { address, device } = host;
  const namespace = names.namespace(host.name);
  if (address !== null) route(operations, namespace, { kind: "address", device, address });
  route(operations, namespace, { kind: "set", device, alias: aliasOf(names.id), up: true });
  // A neighbour that is asked again in the middle of a window would be traffic nobody sent.
  route(operations, namespace, {
    kind: "neighbours",
    device,
    reachableMs: 3_600_000,
    delayProbeMs: 3_600_000,
  });
}

function planPorts(operations: Operation[], spec: TopologySpec, inside: string): void {
  spec.hosts.forEach((host, index) => {
    const words = Object.entries(host.port)
      .filter(([option]) => option !== "state")
      .flat();
    if (words.length > 0) setPort(operations, inside, index, ...words);
  });
}

/** A port's state can be set only once the bridge is up: that is when it enables its ports. */
function planStates(operations: Operation[], spec: TopologySpec, inside: string): void {
  spec.hosts.forEach((host, index) => {
    const { state } = host.port;
    if (state !== undefined) setPort(operations, inside, index, "state", state);
  });
}

function setPort(operations: Operation[], inside: string, index: number, ...words: string[]) {
  ip(operations, inside, "link", "set", "dev", portName(index), "type", "bridge_slave", ...words);
}

function route(operations: Operation[], namespace: string, request: RouteRequest): void {
  operations.push({ kind: "route", namespace, request });
}

function ip(operations: Operation[], namespace: string, ...words: string[]): void {
  operations.push({ kind: "ip", namespace, words });
}

/** Where the rules are. */
export const FILL_TABLE = "bridgescope";
const CHAIN = "forward";
/** IEEE Std 802 local experimental EtherType 2: test frames carry 1, so that no rule ever matches. */
const NEVER = "0x88b6";
/** The first VLAN that a port is not a member of by itself (default_pvid is 1). */
const FIRST_VLAN = 2;

/** What the bridge is filled with, see FILL_OPTIONS. */
function planFill(spec: TopologySpec, labId: string, namespace: string): Operation[] {
  const { fdb_entries = 0, nft_rules = 0, vlans = 0 } = spec.bridge?.fill ?? {};
  const ports = spec.hosts.map((_, index) => portName(index));
  const last = ports.at(-1) ?? "";
  const bridge = (...words: string[]): Operation => ({ kind: "bridge", namespace, words });
  const nft = (...words: string[]): Operation => ({ kind: "nft", namespace, words });
  const range = vlans === 1 ? String(FIRST_VLAN) : `${FIRST_VLAN}-${FIRST_VLAN + vlans - 1}`;
  const hook = "{ type filter hook forward priority 0 ; }";
  return [
    ...(vlans === 0 ? [] : ports.map((port) => bridge("vlan", "add", "vid", range, "dev", port))),
    ...Array.from({ length: fdb_entries }, (_, index) =>
      bridge("fdb", "add", macAddress(labId, "entry", index), "dev", last, "master", "static"),
    ),
    ...(nft_rules === 0
      ? []
      : [
          nft("add", "table", "bridge", FILL_TABLE),
          nft("add", "chain", "bridge", FILL_TABLE, CHAIN, hook),
        ]),
    ...Array.from({ length: nft_rules }, () =>
      nft("add", "rule", "bridge", FILL_TABLE, CHAIN, "ether", "type", NEVER, "drop"),
    ),
  ];
}
