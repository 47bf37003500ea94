import { dumpAddresses } from "../bridge/addresses.ts";
import { bridgeOptions, portOptions } from "../bridge/bridge-options.ts";
import { dumpLinks, type Link } from "../bridge/links.ts";
import { dumpFdb, NTF, NUD } from "../system/neighbours.ts";
import { withDumpSocket } from "../system/netlink-dump.ts";
import type { NetworkNamespace } from "../system/netns.ts";
import type { BuiltLab } from "./lab.ts";
import { bridgeNames, SWITCH } from "./plan.ts";
import { inSeconds, linkOf } from "./read-lab.ts";

type Options = Record<string, string | number | boolean>;

/** A lab as the kernel shows it at this moment. */
export interface LabDescription {
  id: string;
  topology: string;
  /** Of a chain the first. */
  bridge: (Device & { options: Options; namespace: string }) | null;
  /** The bridges of a chain in the order in which frames of the first host pass them; absent elsewhere. */
  chain?: { bridge: string; ports: string[] }[];
  hosts: (Device & {
    host: string;
    namespace: string;
    port: {
      name: string;
      ifindex: number;
      state: string;
      flags: Options;
    } | null;
  })[];
  fdb: FdbEntry[];
}

interface Device {
  device: string;
  ifindex: number;
  mac: string;
  mtu: number;
  state: string;
  /** IPv4 and IPv6, with prefix length. */
  addresses: string[];
}

interface FdbEntry {
  mac: string;
  port: string;
  /** The host behind the port; null for the bridge's own device. */
  host: string | null;
  vlan: number | null;
  /** `learned`, or the word of bridge(8): `permanent`, `static`. */
  state: string;
  flags: string[];
}

interface SeenLink extends Link {
  /** With prefix length. */
  addresses: string[];
}

export function describeLab(lab: BuiltLab): LabDescription {
  const inside = lab.bridge === null ? [] : seenIn(lab.bridge.namespace);
  const byIndex = new Map(inside.map((link) => [link.ifindex, link]));
  const bridge = byIndex.get(lab.bridge?.ifindex ?? -1);
  return {
    id: lab.id,
    topology: lab.spec.label,
    bridge:
      bridge === undefined
        ? null
        : {
            ...deviceOf(bridge),
            namespace: lab.names.namespace(SWITCH),
            options: inSeconds(bridgeOptions(bridge.data)),
          },
    ...chainOf(lab, inside),
    hosts: lab.hosts.map((host) => ({
      host: host.name,
      namespace: lab.names.namespace(host.name),
      ...deviceOf(linkOf(host, seenIn(host.namespace))),
      port: portOf(byIndex.get(host.port?.ifindex ?? -1)),
    })),
    fdb: bridgesOf(lab).flatMap((name) => readFdb(lab, name, inside)),
  };
}

function seenIn(namespace: NetworkNamespace): SeenLink[] {
  return withDumpSocket(namespace, (fd) => {
    const addresses = dumpAddresses(fd);
    return dumpLinks(fd).map((link) => ({
      ...link,
      addresses: addresses
        .filter(({ ifindex }) => ifindex === link.ifindex)
        .map(({ ip, prefixLength }) => `${ip}/${prefixLength}`),
    }));
  });
}

function bridgesOf({ spec }: BuiltLab): string[] {
  return spec.bridge === null ? [] : bridgeNames(spec.bridge);
}

function chainOf(lab: BuiltLab, inside: readonly Link[]): Pick<LabDescription, "chain"> {
  const bridges = bridgesOf(lab);
  if (bridges.length < 2) return {};
  const names = new Map(inside.map(({ ifindex, name }) => [ifindex, name]));
  const portsOf = (bridge: string) =>
    inside.filter(({ master }) => names.get(master ?? 0) === bridge).map(({ name }) => name);
  return { chain: bridges.map((bridge) => ({ bridge, ports: portsOf(bridge) })) };
}

function deviceOf({ name, ifindex, address, mtu, operstate, addresses }: SeenLink): Device {
  return { device: name, ifindex, mac: address, mtu, state: operstate, addresses };
}

function portOf(link: Link | undefined) {
  if (link === undefined) return null;
  const { state = "none", ...flags } = inSeconds(portOptions(link.slaveData));
  return { name: link.name, ifindex: link.ifindex, state: String(state), flags };
}

/** What `bridge fdb show br` does, the devices' own address filters (`self`) included. */
function readFdb(lab: BuiltLab, bridge: string, inside: readonly Link[]): FdbEntry[] {
  const names = new Map(inside.map(({ ifindex, name }) => [ifindex, name]));
  const { ifindex = 0 } = inside.find(({ name }) => name === bridge) ?? {};
  if (lab.bridge === null || ifindex === 0) return [];
  const hosts = new Map(lab.hosts.map((host) => [host.port?.ifindex, host.name]));
  return withDumpSocket(lab.bridge.namespace, (fd) => dumpFdb(fd, ifindex)).map((entry) => ({
    mac: entry.address ?? "",
    port: names.get(entry.ifindex) ?? `ifindex ${entry.ifindex}`,
    host: hosts.get(entry.ifindex) ?? null,
    vlan: entry.vlan === 0 ? null : entry.vlan,
    state: stateOf(entry.state),
    flags: Object.entries(NTF).flatMap(([name, bit]) => ((entry.flags & bit) === 0 ? [] : [name])),
  }));
}

function stateOf(bits: number): string {
  if ((bits & NUD.permanent) !== 0) return "permanent";
  if ((bits & NUD.noarp) !== 0) return "static";
  return (bits & NUD.stale) !== 0 ? "stale" : "learned";
}
