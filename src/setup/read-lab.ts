import { readFileSync } from "node:fs";
import { z } from "zod";
import { bridgeOptions, portOptions } from "../bridge/bridge-options.ts";
import { entriesOf } from "../bridge/fdb.ts";
import { dumpLinks, flagNames, type Link } from "../bridge/links.ts";
import { readVlans } from "../bridge/vlans.ts";
import type { Lab } from "../document/run.ts";
import { parseToolJson } from "../system/command.ts";
import { BridgescopeError } from "../system/errors.ts";
import { readOffloads } from "../system/ethtool.ts";
import { dumpFdb } from "../system/neighbours.ts";
import { withDumpSocket } from "../system/netlink-dump.ts";
import { inNamespace } from "../system/netns.ts";
import { printable } from "../text/printable.ts";
import type { BuiltLab, LabBridge, LabHost } from "./lab.ts";
import { FILL_NAMES, type FillName } from "./options.ts";
import { FILL_TABLE, SWITCH } from "./plan.ts";

type Options = Record<string, string | number | boolean>;

/** What the lab is, read back from the kernel and not from the request. */
export async function readLab(lab: BuiltLab): Promise<Omit<Lab, "placement">> {
  if (lab.bridge === null) {
    const ports = await Promise.all(lab.hosts.map((host) => readEnd(lab, host)));
    return { topology: lab.spec.label, bridge: null, ports };
  }
  const inside = lab.bridge.namespace;
  const links = withDumpSocket(inside, dumpLinks);
  const bridge = links.find((link) => link.ifindex === lab.bridge?.ifindex);
  if (bridge === undefined) throw new BridgescopeError("the lab's namespace has lost its bridge");
  const members = links.filter((link) => link.slaveKind === "bridge");
  const inSeries = links.filter((link) => link.kind === "bridge").length;
  const offloads = inNamespace(inside, () => readOffloads(members.map((link) => link.name)));
  const rps = await readRps(lab, SWITCH);
  const hosts = new Map(lab.hosts.map((host) => [host.port?.ifindex, host]));
  return {
    topology: lab.spec.label,
    bridge: {
      name: bridge.name,
      ifindex: bridge.ifindex,
      address: bridge.address,
      options: inSeconds(bridgeOptions(bridge.data)),
      fill: await readFill(lab, lab.bridge),
      nfCall: readNfCall(lab),
      ...(inSeries === 1 ? {} : { inSeries }),
    },
    ports: members.map((link) => {
      const host = hosts.get(link.ifindex);
      const flags = inSeconds(portOptions(link.slaveData));
      const master = links.find(({ ifindex }) => ifindex === link.master);
      return {
        ...describe(link, SWITCH, offloads, rps),
        state: String(flags.state),
        flags,
        ...(inSeries === 1 ? {} : { bridge: master?.name ?? "none" }),
        peer:
          host === undefined
            ? otherBridge(members, link)
            : { name: host.device, ifindex: host.ifindex, namespace: host.name, address: host.mac },
      };
    }),
  };
}

/** In a chain, the port of the next bridge or of the one before, in the same namespace. */
function otherBridge(members: readonly Link[], { link, linkNetnsid }: Link) {
  const other = linkNetnsid === null && members.find(({ ifindex }) => ifindex === link);
  if (!other) return null;
  const { name, ifindex, address } = other;
  return { name, ifindex, namespace: SWITCH, address };
}

async function readEnd(lab: BuiltLab, host: LabHost): Promise<Lab["ports"][number]> {
  const link = linkOf(host, withDumpSocket(host.namespace, dumpLinks));
  const offloads = inNamespace(host.namespace, () => readOffloads([host.device]));
  // In somebody else's network the other end is where that number means another device.
  const other =
    lab.way === undefined
      ? lab.hosts.find((one) => one.ifindex === link.link && one !== host)
      : undefined;
  return {
    ...describe(link, host.name, offloads, await readRps(lab, host.name)),
    state: link.operstate.toLowerCase(),
    flags: Object.fromEntries(flagNames(link).map((flag) => [flag.toLowerCase(), true])),
    peer:
      other === undefined
        ? null
        : { name: other.device, ifindex: other.ifindex, namespace: other.name, address: other.mac },
  };
}

/** A host's device among those of its namespace. */
export function linkOf<L extends Link>({ name, device }: LabHost, links: readonly L[]): L {
  const link = links.find((candidate) => candidate.name === device);
  if (link !== undefined) return link;
  throw new BridgescopeError(`namespace ${name} has lost its ${printable(device)}`);
}

/** Timers as ip(8) shows them: what the kernel counts in hundredths of a second, in seconds. */
export function inSeconds(options: Options): Options {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [
      name,
      name.endsWith("_timer") ? Number(value) / 100 : value,
    ]),
  );
}

function describe(
  link: Link,
  namespace: string,
  offloads: ReadonlyMap<string, Record<string, boolean>>,
  rps: ReadonlyMap<string, string>,
) {
  return {
    name: link.name,
    ifindex: link.ifindex,
    namespace,
    mtu: link.mtu,
    qdisc: link.qdisc,
    offloads: offloads.get(link.name) ?? {},
    xdp: link.xdp,
    rps: rps.get(link.name) ?? "not readable",
  };
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

/** How many of each thing that the lab was to be filled with are there. */
async function readFill(
  lab: BuiltLab,
  bridge: LabBridge,
): Promise<Partial<Record<FillName, number>>> {
  const asked = FILL_NAMES.filter((name) => lab.spec.bridge?.fill[name] !== undefined);
  const counts = await Promise.all(
    asked.map(async (name) => [name, await COUNT[name](lab, bridge)] as const),
  );
  return Object.fromEntries(counts);
}

const COUNT: Record<FillName, (lab: BuiltLab, bridge: LabBridge) => number | Promise<number>> = {
  fdb_entries: ({ spec }, { namespace, ifindex }) => {
    const entries = withDumpSocket(namespace, (fd) => entriesOf(ifindex, dumpFdb(fd, ifindex)));
    const added = entries.filter((entry) => entry.static).length;
    return added - (spec.bridge?.fdb.length ?? 0);
  },
  nft_rules: async (lab) => {
    const words = ["-j", "list", "table", "bridge", FILL_TABLE];
    const namespace = lab.names.namespace(SWITCH);
    const text = await lab.site.runOk("nft", words, { namespace });
    const { nftables } = parseToolJson("nft", text, nftList);
    return nftables.filter(({ rule }) => rule !== undefined).length;
  },
  vlans: ({ hosts }, { namespace }) => {
    const vlans = withDumpSocket(namespace, readVlans).get(hosts[0]?.port?.ifindex ?? 0);
    // The port is a member of VLAN 1 by itself.
    return vlans === undefined ? 0 : vlans.length - 1;
  },
};

/** `nft -j list`: one object for each thing within. */
const nftList = z.object({ nftables: z.array(z.looseObject({ rule: z.unknown().optional() })) });
