import { ToolError } from "../system/errors.ts";
import { inParallel } from "../system/parallel.ts";
import type { BuiltLab } from "./lab.ts";
import { bridgeNames, SWITCH } from "./plan.ts";
import { fdbRow, type LinkRow, linkRow, readRows, type Scalars } from "./rows.ts";

/** A lab as the kernel shows it at this moment. */
export interface LabDescription {
  id: string;
  topology: string;
  /** Of a chain the first. */
  bridge: (Device & { options: Scalars; namespace: string }) | null;
  /** The bridges of a chain in the order in which frames of the first host pass them; absent elsewhere. */
  chain?: { bridge: string; ports: string[] }[];
  hosts: (Device & {
    host: string;
    namespace: string;
    port: {
      name: string;
      ifindex: number;
      state: string;
      flags: Scalars;
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

/** Reads a lab back with `ip -d -j address` and `bridge -j fdb`. */
export async function describeLab(lab: BuiltLab): Promise<LabDescription> {
  const inside = lab.bridge === null ? [] : await readLinks(lab, SWITCH);
  const ports = new Map(inside.map((link) => [link.ifindex, link]));
  const bridge = ports.get(lab.bridge?.ifindex ?? -1);
  const links = await inParallel(lab.hosts, (host) => readLinks(lab, host.name, host.device));
  return {
    id: lab.id,
    topology: lab.spec.label,
    bridge:
      bridge === undefined
        ? null
        : {
            ...deviceOf(bridge),
            namespace: lab.names.namespace(SWITCH),
            options: bridge.linkinfo?.info_data ?? {},
          },
    ...chainOf(lab, inside),
    hosts: lab.hosts.map((host, index) => {
      const [link] = links[index] ?? [];
      if (link === undefined) {
        throw new ToolError("ip", `ip shows no ${host.device} in namespace ${host.name}`);
      }
      return {
        host: host.name,
        namespace: lab.names.namespace(host.name),
        ...deviceOf(link),
        port: portOf(ports.get(host.port?.ifindex ?? -1)),
      };
    }),
    fdb: (await inParallel(bridgesOf(lab), (name) => readFdb(lab, name))).flat(),
  };
}

function bridgesOf({ spec }: BuiltLab): string[] {
  return spec.bridge === null ? [] : bridgeNames(spec.bridge);
}

function chainOf(lab: BuiltLab, inside: readonly LinkRow[]): Pick<LabDescription, "chain"> {
  const bridges = bridgesOf(lab);
  if (bridges.length < 2) return {};
  const portsOf = (bridge: string) => inside.filter(({ master }) => master === bridge);
  return {
    chain: bridges.map((bridge) => ({
      bridge,
      ports: portsOf(bridge).map(({ ifname }) => ifname),
    })),
  };
}

function deviceOf(link: LinkRow): Device {
  return {
    device: link.ifname,
    ifindex: link.ifindex,
    mac: link.address,
    mtu: link.mtu,
    state: link.operstate,
    addresses: link.addr_info.map((address) => `${address.local}/${address.prefixlen}`),
  };
}

function portOf(link: LinkRow | undefined) {
  if (link === undefined) return null;
  const { state = "none", ...flags } = link.linkinfo?.info_slave_data ?? {};
  return { name: link.ifname, ifindex: link.ifindex, state: String(state), flags };
}

async function readLinks(lab: BuiltLab, part: string, device?: string): Promise<LinkRow[]> {
  const which = device === undefined ? [] : ["dev", device];
  const words = ["-d", "-j", "address", "show", ...which];
  return readRows(lab.site, lab.names.namespace(part), "ip", words, linkRow);
}

async function readFdb(lab: BuiltLab, bridge: string): Promise<FdbEntry[]> {
  const words = ["-j", "fdb", "show", "br", bridge];
  const entries = await readRows(lab.site, lab.names.namespace(SWITCH), "bridge", words, fdbRow);
  const hosts = new Map(lab.hosts.map((host) => [host.port?.name, host.name]));
  return entries.map((entry) => ({
    mac: entry.mac,
    port: entry.ifname,
    host: hosts.get(entry.ifname) ?? null,
    vlan: entry.vlan ?? null,
    state: entry.state === "" ? "learned" : entry.state,
    flags: entry.flags,
  }));
}
