import { readFileSync } from "node:fs";
import { z } from "zod";
import type { Lab } from "../document/run.ts";
import { parseToolJson } from "../system/command.ts";
import { ToolError } from "../system/errors.ts";
import { readOffloads } from "../system/ethtool.ts";
import { openRouteSocket } from "../system/netlink.ts";
import { inNamespace } from "../system/netns.ts";
import { IFLA_BR_FDB_MAX_LEARNED } from "../system/rtnetlink.ts";
import type { BuiltLab, LabBridge } from "./lab.ts";
import { FILL_NAMES, type FillName } from "./options.ts";
import { FILL_TABLE, portName, SWITCH } from "./plan.ts";
import { fdbRow, type LinkRow, linkRow, readRows, type Scalars, vlanRow } from "./rows.ts";

/** What the lab is, read back from the kernel and not from the request. */
export async function readLab(lab: BuiltLab): Promise<Omit<Lab, "placement">> {
  if (lab.bridge === null) {
    const ports = await Promise.all(lab.hosts.map((host) => readEnd(lab, host.name, host.device)));
    return { topology: lab.spec.label, bridge: null, ports };
  }
  const inside = lab.bridge.namespace;
  const links = await readLinks(lab, SWITCH);
  const bridge = links.find((link) => link.ifindex === lab.bridge?.ifindex);
  if (bridge === undefined) throw new ToolError("ip", "ip shows no bridge in the lab's namespace");
  const members = links.filter((link) => link.linkinfo?.info_slave_kind === "bridge");
  const inSeries = links.filter((link) => link.linkinfo?.info_kind === "bridge").length;
  const offloads = inNamespace(inside, () => readOffloads(members.map((link) => link.ifname)));
  const rps = await readRps(lab, SWITCH);
  const hosts = new Map(lab.hosts.map((host) => [host.port?.ifindex, host]));
  return {
    topology: lab.spec.label,
    bridge: {
      name: bridge.ifname,
      ifindex: bridge.ifindex,
      address: bridge.address,
      options: { ...bridge.linkinfo?.info_data, ...readLimit(lab.bridge) },
      fill: await readFill(lab),
      nfCall: readNfCall(lab),
      ...(inSeries === 1 ? {} : { inSeries }),
    },
    ports: members.map((link) => {
      const host = hosts.get(link.ifindex);
      const data = link.linkinfo?.info_slave_data;
      return {
        ...describe(link, SWITCH, offloads, rps),
        state: String(data?.state ?? "unknown"),
        flags: data ?? {},
        ...(inSeries === 1 ? {} : { bridge: link.master ?? "none" }),
        peer:
          host === undefined
            ? otherBridge(members, link)
            : { name: host.device, ifindex: host.ifindex, namespace: host.name, address: host.mac },
      };
    }),
  };
}

/** In a chain, the port of the next bridge or of the one before, in the same namespace. */
function otherBridge(members: readonly LinkRow[], { link }: LinkRow) {
  const other = members.find(({ ifname }) => ifname === link);
  if (other === undefined) return null;
  return {
    ...{ name: other.ifname, ifindex: other.ifindex, namespace: SWITCH, address: other.address },
  };
}

async function readEnd(
  lab: BuiltLab,
  namespace: string,
  device: string,
): Promise<Lab["ports"][number]> {
  const link = (await readLinks(lab, namespace)).find((candidate) => candidate.ifname === device);
  const host = lab.hosts.find((candidate) => candidate.name === namespace);
  if (link === undefined || host === undefined) {
    throw new ToolError("ip", `ip shows no ${device} in namespace ${namespace}`);
  }
  const offloads = inNamespace(host.namespace, () => readOffloads([device]));
  // In somebody else's network the other end is where that number means another device.
  const other =
    lab.way === undefined
      ? lab.hosts.find((one) => one.ifindex === link.link_index && one !== host)
      : undefined;
  return {
    ...describe(link, namespace, offloads, await readRps(lab, namespace)),
    state: link.operstate.toLowerCase(),
    flags: Object.fromEntries(link.flags.map((flag) => [flag.toLowerCase(), true])),
    peer:
      other === undefined
        ? null
        : { name: other.device, ifindex: other.ifindex, namespace: other.name, address: other.mac },
  };
}

function describe(
  link: LinkRow,
  namespace: string,
  offloads: ReadonlyMap<string, Record<string, boolean>>,
  rps: ReadonlyMap<string, string>,
) {
  return {
    name: link.ifname,
    ifindex: link.ifindex,
    namespace,
    mtu: link.mtu,
    qdisc: link.qdisc,
    offloads: offloads.get(link.ifname) ?? {},
    xdp: link.xdp !== undefined,
    rps: rps.get(link.ifname) ?? "not readable",
  };
}

export async function readLinks(lab: BuiltLab, part: string): Promise<LinkRow[]> {
  const words = ["-d", "-j", "link", "show"];
  return readRows(lab.site, lab.names.namespace(part), "ip", words, linkRow);
}

/** iproute2 shows it since 6.7, whatever the kernel has. */
function readLimit({ namespace, ifindex }: LabBridge): Scalars {
  const socket = openRouteSocket(namespace);
  try {
    const limit = socket.bridgeNumber(ifindex, IFLA_BR_FDB_MAX_LEARNED);
    return limit === null ? {} : { fdb_max_learned: limit };
  } finally {
    socket.close();
  }
}

function readNfCall(lab: BuiltLab) {
  const namespace = lab.bridge?.namespace;
  if (namespace === undefined) return null;
  const read = (table: string) =>
    readFileSync(`/proc/sys/net/bridge/bridge-nf-call-${table}`, "utf8").trim() === "1";
  try {
    return inNamespace(namespace, () => ({
      iptables: read("iptables"),
      ip6tables: read("ip6tables"),
      arptables: read("arptables"),
    }));
  } catch {
    return null; // no br_netfilter in this kernel
  }
}

const LIST_RPS = "cd /sys/class/net && grep -H . */queues/rx-0/rps_cpus || true";

/** sysfs shows the devices of the namespace it was mounted from; `ip netns exec` mounts it anew. */
async function readRps(lab: BuiltLab, part: string): Promise<Map<string, string>> {
  const words = ["netns", "exec", lab.names.namespace(part), "sh", "-c", LIST_RPS];
  const { stdout } = await lab.site.run("ip", words);
  return new Map(
    stdout.split("\n").flatMap((line) => {
      const [path = "", value] = line.split(":");
      const device = path.split("/")[0];
      return device === undefined || value === undefined ? [] : [[device, value] as const];
    }),
  );
}

/** How many of each thing that the lab was to be filled with are there, as the tools count them. */
async function readFill(lab: BuiltLab): Promise<Partial<Record<FillName, number>>> {
  const asked = FILL_NAMES.filter((name) => lab.spec.bridge?.fill[name] !== undefined);
  const counts = await Promise.all(asked.map(async (name) => [name, await COUNT[name](lab)]));
  return Object.fromEntries(counts);
}

const COUNT: Record<FillName, (lab: BuiltLab) => Promise<number>> = {
  fdb_entries: async (lab) => {
    const words = ["-j", "fdb", "show", "br", lab.bridge?.name ?? ""];
    const rows = await readRows(lab.site, inside(lab), "bridge", words, fdbRow);
    const named = lab.spec.bridge?.fdb.length ?? 0;
    return rows.filter((row) => row.state === "static").length - named;
  },
  nft_rules: async (lab) => {
    const words = ["-j", "list", "table", "bridge", FILL_TABLE];
    const text = await lab.site.runOk("nft", words, { namespace: inside(lab) });
    const { nftables } = parseToolJson("nft", text, nftList);
    return nftables.filter(({ rule }) => rule !== undefined).length;
  },
  vlans: async (lab) => {
    const words = ["-j", "vlan", "show", "dev", portName(0)];
    const [row] = await readRows(lab.site, inside(lab), "bridge", words, vlanRow);
    // The port is a member of VLAN 1 by itself.
    return row === undefined ? 0 : row.vlans.length - 1;
  },
};

/** `nft -j list`: one object for each thing within. */
const nftList = z.object({ nftables: z.array(z.looseObject({ rule: z.unknown().optional() })) });

const inside = (lab: BuiltLab) => lab.names.namespace(SWITCH);
