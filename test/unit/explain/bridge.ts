/** A bridge br0 with the ports pa, pb and pc and the hosts a, b and c behind them, by value: every test changes what it is about. */

import type {
  BridgeState,
  FdbEntry,
  FilterChain,
  FilterRule,
  Filters,
  Neighbour,
  NetfilterCalls,
  Place,
  Port,
  Remote,
  Vxlan,
} from "../../../src/bridge/state.ts";
import type { Collected, Flow, Lost } from "../../../src/live/collect.ts";

export const A = "02:00:00:00:0b:0a";
export const B = "02:00:00:00:0b:0b";
export const C = "02:00:00:00:0b:0c";
export const EVERYBODY = "ff:ff:ff:ff:ff:ff";
export const GROUP = "01:00:5e:01:02:03";
export const GONE = "02:00:00:00:99:99";

const HOST: Place = { inode: 1, path: "/proc/1/ns/net", own: true, label: "host" };
const NO_COUNTERS = { rx: 0, tx: 0, rxBytes: 0, txBytes: 0, txDropped: 0 };

function place(name: string): Place {
  const inode = 100 + name.charCodeAt(0);
  return { inode, path: `/run/netns/${name}`, own: false, label: `netns ${name}` };
}

export function port(name: "a" | "b" | "c", address: string, over: Partial<Port> = {}): Port {
  const ifindex = 10 + "abc".indexOf(name);
  return {
    ...{ name: `p${name}`, ifindex, address: `fe:00:00:00:00:0${name}`, kind: "veth", mtu: 1500 },
    ...{ up: true, carrier: true, state: "forwarding", promiscuity: 1, pvid: 0, vlans: [] },
    groupFwdMask: 0,
    flags: {
      ...{ learning: true, flood: true, mcastFlood: true, bcastFlood: true, hairpin: false },
      ...{ isolated: false, locked: false, neighSuppress: false, proxyArp: false },
    },
    counters: { ...NO_COUNTERS, rx: 1 },
    peer: {
      ...{ namespace: place(name), name: "eth0", ifindex: 2, address, master: null },
      addresses: [`10.77.0.${"abc".indexOf(name) + 1}`],
      ...{ mtu: 1500, up: true, uppers: [], filter: [], joined: [] },
    },
    ...{ vxlan: null, owner: null },
    ...over,
  };
}

export function bridge(over: Partial<BridgeState> = {}): BridgeState {
  return {
    ...{ name: "br0", ifindex: 7, place: HOST, address: "fe:00:00:00:00:00" },
    ...{ mtu: 1500, up: true },
    ...{ promiscuity: 0, ageingMs: 300_000, stp: false, forwardDelayS: 15, topologyChange: false },
    ...{ mcastSnooping: true, mcastQuerier: true, vlanFiltering: false, pvid: 0 },
    ...{ learned: null, maxLearned: null, options: {}, counters: NO_COUNTERS },
    ...{ addresses: [], uppers: [], formerAddresses: [] },
    multicast: { members: [], routers: [], querier: undefined },
    ports: [port("a", A), port("b", B), port("c", C)],
    vxlans: [],
    entries: [],
    neighbours: [],
    ...{ netfilterCalls: null, filters: null, maxBacklog: 1000 },
    ...over,
  };
}

/** A VXLAN device of VNI 7 that learns, as Linux makes it. */
export function vxlan(remotes: Remote[], over: Partial<Vxlan> = {}): Vxlan {
  return {
    ...{ vni: 7, external: false, group: null, local: "192.0.2.1", port: 4789, learning: true },
    ...{ proxy: false, underlay: null, remotes },
    ...over,
  };
}

/** A host's address at a remote. */
export function remote(address: string, ip: string | null, over: Partial<Remote> = {}): Remote {
  const kind = { permanent: true, own: false, answers: null };
  return { address, ip, port: 4789, vni: 7, ...kind, ...over };
}

/** pc is a VXLAN port, and a and b are as ever. */
export function overlay(
  remotes: Remote[],
  over: Partial<BridgeState> = {},
  device: Partial<Vxlan> = {},
): BridgeState {
  const pc = { kind: "vxlan", peer: null, vxlan: vxlan(remotes, device) };
  return bridge({ ports: [port("a", A), port("b", B), port("c", C, pc)], ...over });
}

/** The same with one of its ports changed. */
export function withPort(state: BridgeState, name: string, over: Partial<Port>): BridgeState {
  const ports = state.ports.map((one) => (one.name === name ? { ...one, ...over } : one));
  return { ...state, ports };
}

/** An entry that was learned, at pa, pb or pc. */
export function entry(
  address: string,
  at: "a" | "b" | "c",
  over: Partial<FdbEntry> = {},
): FdbEntry {
  const kind = { local: false, static: false, sticky: false };
  const port = 10 + "abc".indexOf(at);
  return { address, vlan: 0, port, ...kind, updatedS: 1, usedS: 1, ...over };
}

/** a has an address as a neighbour. */
export function neighbour(ip: string, address: string): Neighbour {
  return { namespace: place("a"), device: "eth0", ifindex: 2, ip, address, state: "permanent" };
}

/** A thousand frames of a, that leave by pb and pc. */
export function flow(over: Partial<Flow> = {}): Flow {
  return {
    ...{ class: "unknownUnicast", port: 10, source: A, destination: B, vlan: 0 },
    ...{ frames: 1000, bytes: 60_000, copies: 2000, hostCopies: 0, acknowledged: 0, firstNs: 0 },
    steps: [{ endMs: 1000, frames: 1000, copies: 2000 }],
    addresses: { source: null, destination: null, protocol: null },
    ...{ sourcePort: null, destinationPort: null },
    ...over,
  };
}

/** What was counted in ten seconds. */
export function collected(flows: Flow[], over: Partial<Collected> = {}): Collected {
  return {
    ...{
      seconds: 10,
      counted: 10,
      beganNs: 0,
      beganAt: 1_790_000_000_000,
      backend: "tracepoint",
      flows,
      known: [],
      lost: [],
      softnetDropped: 0,
      got: [],
      moves: [],
      deleted: [],
      came: 0,
      homes: [],
      ownAddresses: [],
    },
    ...{ share: 0.01, ended: null, notes: [] },
    ...over,
  };
}

/** A hundred frames of a for b that were dropped behind pb. */
export function lost(over: Partial<Lost> = {}): Lost {
  return {
    ...{ class: "unicast", port: 10, source: A, destination: B, vlan: 0, frames: 100, at: 11 },
    ...{ behind: true, where: "kfree_skb", reason: null, longest: 60, steps: [], firstNs: 0 },
    addresses: { source: null, destination: null, protocol: null },
    ...{ sourcePort: null, destinationPort: null },
    ...over,
  };
}

/** Frames of IPv4 and IPv6 are handed to netfilter's IP families, by the namespace. */
export const HANDED: NetfilterCalls = {
  ...{ ip: true, ip6: true, arp: true },
  sysctls: { ip: true, ip6: true, arp: true },
};

/** `iptables -P FORWARD DROP`. */
export function chain(over: Partial<FilterChain> = {}): FilterChain {
  return {
    ...{ family: "ip", table: "filter", name: "FORWARD", hook: "forward", priority: 0 },
    ...{ policy: "drop", policyFrames: 0, ports: [], rules: [], unread: 0 },
    ...over,
  };
}

/** A rule that drops whatever comes, and counts it. */
export function rule(over: Partial<FilterRule> = {}): FilterRule {
  return {
    ...{ handle: 4, frames: 0, verdict: "drop", leadsTo: [], drops: true, etherType: null },
    ...{ protocol: null, in: null, out: null, addresses: [], aboutBridges: false },
    ...{ aboutAddresses: false, asks: [], comment: null },
    ...over,
  };
}

export function filters(...chains: FilterChain[]): Filters {
  return { chains, legacy: [], keepers: [], otherBridges: [] };
}
