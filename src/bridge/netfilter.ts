/** What filters the frames of a bridge: the chains of nf_tables that they pass, over netlink without a process. */

import { readFileSync } from "node:fs";
import { SystemCallError } from "../system/libc.ts";
import { attributesOf, eachAttribute, textAttribute } from "../system/netlink-dump.ts";
import { inNamespace, type NetworkNamespace } from "../system/netns.ts";
import {
  bigEndian,
  dumpNetfilter,
  NFGENMSG,
  NFPROTO,
  NFT,
  NFTA_CHAIN,
  NFTA_COUNTER_PACKETS,
  NFTA_DATA,
  NFTA_HOOK,
  NFTA_LIST_ELEM,
  NFTA_RULE,
  NFTA_TABLE,
  withNetfilterSocket,
} from "../system/nfnetlink.ts";
import { type Link, readLinks } from "./links.ts";
import { type DeviceAsked, type ParsedRule, parseRule, verdictOf } from "./netfilter-rule.ts";
import { atPlace } from "./places.ts";
import type { BridgeState, FilterChain, FilterRule, Filters, NetfilterCalls } from "./state.ts";

/** What is to be known of a bridge to tell which chains its frames pass. */
export type FilteredBridge = Pick<
  BridgeState,
  "place" | "name" | "ifindex" | "ports" | "netfilterCalls"
>;

type Family = FilterChain["family"];
type Hook = NonNullable<FilterChain["hook"]>;

/**
 * Null where it may not be read (that takes CAP_NET_ADMIN in the bridge's namespace), and where the namespace is gone.
 * Rules are read of those chains alone that frames of the bridge can come to. Modules that are not loaded are not asked
 * for: the kernel would load them. `links` are the devices of its namespace, where they were read already.
 */
export function readNetfilter(bridge: FilteredBridge, links?: readonly Link[]): Filters | null {
  try {
    return atPlace(bridge.place, (namespace) => {
      const ruleset = hasTables()
        ? withNetfilterSocket(namespace, (fd) => readChains({ namespace, fd }, bridge))
        : { chains: [], keepers: [] };
      const otherBridges = bridgesBeside(bridge, links ?? readLinks(bridge.place));
      return { ...ruleset, legacy: legacyTables(namespace), otherBridges };
    });
  } catch (error) {
    if (error instanceof SystemCallError && FORBIDDEN.includes(error.code)) return null;
    throw error;
  }
}

/** The same bridge with its filters, which most who read one have no use for. */
export function withFilters(state: BridgeState): BridgeState {
  return { ...state, filters: readNetfilter(state) };
}

const FORBIDDEN = ["EPERM", "EACCES"];

/** Null where br_netfilter is not there: its sysctls are not, then. */
export function readHanding(namespace: NetworkNamespace): NetfilterCalls["sysctls"] | null {
  const sysctl = (name: string) =>
    textOf(`/proc/sys/net/bridge/bridge-nf-call-${name}`)?.trim().replace(/^0$/, "");
  const [ip, ip6, arp] = inNamespace(namespace, () => [
    ...[sysctl("iptables"), sysctl("ip6tables"), sysctl("arptables")],
  ]);
  if (ip === undefined || ip6 === undefined || arp === undefined) return null;
  return { ip: ip !== "", ip6: ip6 !== "", arp: arp !== "" };
}

/** Of a bridge whose options are these, in a namespace that says so. */
export function netfilterCalls(
  sysctls: NetfilterCalls["sysctls"],
  options: BridgeState["options"],
): NetfilterCalls {
  return {
    ip: sysctls.ip || options.nf_call_iptables === 1,
    ip6: sysctls.ip6 || options.nf_call_ip6tables === 1,
    arp: sysctls.arp || options.nf_call_arptables === 1,
    sysctls,
  };
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** Built in or loaded. Where the kernel's modules lie elsewhere it cannot load one, and may be asked. */
function hasTables(): boolean {
  const loaded = textOf("/proc/modules") ?? "";
  if (/^nf_tables /m.test(loaded)) return true;
  const release = (textOf("/proc/sys/kernel/osrelease") ?? "").trim();
  const loadable = textOf(`/lib/modules/${release}/modules.dep`) ?? "";
  return !/\/nf_tables\.ko[^/]*:/.test(loadable);
}

/** Their files name the tables that somebody has used in that namespace; without x_tables there are none. */
function legacyTables(namespace: NetworkNamespace): Filters["legacy"] {
  return inNamespace(namespace, () =>
    (["ip", "ip6", "arp"] as const).flatMap((family) =>
      (textOf(`/proc/thread-self/net/${family}_tables_names`) ?? "")
        .split("\n")
        .filter((table) => table !== "")
        .map((table) => ({ family, table })),
    ),
  );
}

function bridgesBeside({ ifindex }: FilteredBridge, links: readonly Link[]): string[] {
  return links
    .filter((link) => link.kind === "bridge" && link.ifindex !== ifindex)
    .map(({ name }) => name);
}

/** Programs by how their chains are called, or their table. */
const KEEPERS: [program: string, chain: RegExp][] = [
  ["Docker", /^DOCKER\b|^DOCKER-|^docker-bridges$/],
  ["Kubernetes", /^KUBE-|^kube-proxy$/],
  ["Calico", /^cali-|^calico$/],
  ["Cilium", /^CILIUM_/],
  ["flannel", /^FLANNEL-/],
  ["CNI", /^CNI-/],
  ["Podman", /^NETAVARK[-_]|^netavark$/],
  ["libvirt", /^LIBVIRT_|^libvirt_network$/],
  ["Incus or LXD", /^(incus|lxd)$/],
  ["firewalld", /^firewalld$/],
  ["ufw", /^ufw6?-/],
];

const FAMILIES: Record<number, Family> = {
  ...{ [NFPROTO.ip]: "ip", [NFPROTO.ip6]: "ip6", [NFPROTO.inet]: "inet" },
  ...{ [NFPROTO.bridge]: "bridge", [NFPROTO.netdev]: "netdev" },
};
/** NF_INET_* and NF_BR_*, which are the same; NF_INET_INGRESS is one more. */
const HOOKS: Hook[] = ["prerouting", "input", "forward", "output", "postrouting", "ingress"];
const NETDEV_HOOKS: Hook[] = ["ingress", "egress"];
/** Hooks of the IP families at which br_netfilter shows them bridged frames (br_nf_pre_routing(), br_nf_forward(), br_nf_post_routing()). */
const HANDED: Hook[] = ["prerouting", "forward", "postrouting"];
const NFT_TABLE_F_DORMANT = 1;

/**
 * Of one chain, most rules that are read: for each 32 KiB that it answers the kernel walks through all rules before these
 * (__nf_tables_dump_rules()), so that 50,000 take it 1.5 s, and 20,000 a quarter of a second.
 */
const MOST_RULES = 20_000;

/** Where questions are asked. */
interface Asking {
  namespace: NetworkNamespace;
  fd: number;
}

interface ChainMessage extends Omit<FilterChain, "ports" | "rules" | "unread"> {
  number: number;
  /** Its rules, and jumps to it. */
  use: number;
  /** `filter`, `nat` or `route`. */
  type: string;
  devices: string[];
}

function readChains(asking: Asking, bridge: FilteredBridge): Pick<Filters, "chains" | "keepers"> {
  const messages = chainMessages(asking.fd);
  const keepers = KEEPERS.filter(([, pattern]) =>
    messages.some(({ table, name }) => pattern.test(table) || pattern.test(name)),
  ).map(([program]) => program);
  const byName = new Map(messages.map((message) => [keyOf(message), message]));
  const portOf = new Map([bridge, ...bridge.ports].map((one) => [one.name, one.ifindex]));
  const chains = new Map<string, FilterChain>();
  const enter = (message: ChainMessage): void => {
    if (chains.has(keyOf(message))) return;
    const { number, use, type, devices, ...chain } = message;
    const ports = devices.flatMap((device) => portOf.get(device) ?? []);
    const { rules, read } = rulesOf(asking, message, fitting(bridge, message));
    const entered = { ...chain, ports, rules, unread: read < MOST_RULES ? 0 : use - read };
    chains.set(keyOf(message), entered);
    // What NAT leads to are whole programs' chains, and a filter has no place there (iptables refuses a drop).
    if (type === "nat") return;
    for (const name of new Set(entered.rules.flatMap(({ leadsTo }) => leadsTo))) {
      const next = byName.get(keyOf({ ...message, name }));
      if (next !== undefined) enter(next);
    }
  };
  const base = messages.filter((message) => isPassed(message, bridge, portOf));
  for (const message of base.sort((a, b) => (a.priority ?? 0) - (b.priority ?? 0))) enter(message);
  const first = (chain: FilterChain) => (chain.hook === null ? 1 : 0);
  return { chains: [...chains.values()].sort((a, b) => first(a) - first(b)), keepers };
}

function keyOf({ family, table, name }: Pick<FilterChain, "family" | "table" | "name">): string {
  return JSON.stringify([family, table, name]);
}

function isPassed(
  { family, hook, devices }: ChainMessage,
  { netfilterCalls }: FilteredBridge,
  ports: ReadonlyMap<string, number>,
): boolean {
  if (hook === null) return false;
  if (family === "bridge") return true;
  if (hook === "ingress" || hook === "egress") return devices.some((device) => ports.has(device));
  if (!HANDED.includes(hook)) return false;
  const { ip = false, ip6 = false } = netfilterCalls ?? {};
  return { ip, ip6, inet: ip || ip6, netdev: false }[family];
}

function chainMessages(fd: number): ChainMessage[] {
  const dormant = new Set<string>();
  const tableKey = (family: number, table: string) => JSON.stringify([family, table]);
  dumpNetfilter(fd, NFT.getTable, NFPROTO.all, (body) => {
    const table = attributesOf(body, NFGENMSG);
    if (((bigEndian(table.get(NFTA_TABLE.flags)) ?? 0) & NFT_TABLE_F_DORMANT) === 0) return;
    dormant.add(tableKey(body.readUInt8(), textAttribute(table.get(NFTA_TABLE.name))));
  });
  const messages: ChainMessage[] = [];
  dumpNetfilter(fd, NFT.getChain, NFPROTO.all, (body) => {
    const number = body.readUInt8();
    const family = FAMILIES[number];
    if (family === undefined) return;
    const chain = attributesOf(body, NFGENMSG);
    const table = textAttribute(chain.get(NFTA_CHAIN.table));
    if (dormant.has(tableKey(number, table))) return;
    const hook = attributesOf(chain.get(NFTA_CHAIN.hook));
    const hooks = family === "netdev" ? NETDEV_HOOKS : HOOKS;
    const policy = bigEndian(chain.get(NFTA_CHAIN.policy));
    const counters = attributesOf(chain.get(NFTA_CHAIN.counters));
    messages.push({
      ...{ number, family, table, name: textAttribute(chain.get(NFTA_CHAIN.name)) },
      use: bigEndian(chain.get(NFTA_CHAIN.use)) ?? 0,
      type: textAttribute(chain.get(NFTA_CHAIN.type)),
      hook: hooks[bigEndian(hook.get(NFTA_HOOK.number)) ?? -1] ?? null,
      priority: hook.get(NFTA_HOOK.priority)?.readInt32BE() ?? null,
      policy: policy === null ? null : policy === 0 ? "drop" : "accept",
      policyFrames: bigEndian(counters.get(NFTA_COUNTER_PACKETS)),
      devices: devicesOf(hook),
    });
  });
  return messages;
}

function devicesOf(hook: ReturnType<typeof attributesOf>): string[] {
  const names: string[] = [];
  const list = hook.get(NFTA_HOOK.devices);
  if (list !== undefined) {
    eachAttribute(list, 0, (_, name) => {
      names.push(textAttribute(name));
    });
  }
  const one = hook.get(NFTA_HOOK.device);
  return one === undefined || names.length > 0 ? names : [textAttribute(one)];
}

/** Which frames of the bridge have the devices that a rule asks for; null where none has. */
type Fitting = (
  devices: readonly DeviceAsked[],
) => (Pick<FilterRule, "in" | "out"> & { aboutBridges: boolean }) | null;

type Fit = NonNullable<ReturnType<Fitting>>;

/**
 * In the IP families both devices are the bridge itself (br_nf_forward_ip()); before it has decided only the first is
 * there, and afterwards only the other. A chain that is jumped to may be so from any hook.
 */
function fitting(bridge: FilteredBridge, { family, hook }: ChainMessage): Fitting {
  const handed = family !== "bridge" && family !== "netdev" && hook !== "ingress";
  const own = { name: bridge.name, ifindex: bridge.ifindex };
  const devices = handed ? [own] : [own, ...bridge.ports];
  const there = {
    in: handed && hook === "postrouting" ? [] : devices,
    out: handed && hook === "prerouting" ? [] : devices,
  };
  return (asked) => {
    const of = (side: "in" | "out") => {
      const conditions = asked.filter((one) => one.side === side);
      const fit = there[side].filter((port) =>
        conditions.every(({ device, not }) => isDevice(port, device) !== not),
      );
      const named = conditions.some(({ not }) => !not);
      return { asked: conditions.length > 0, named, fit: fit.map(({ ifindex }) => ifindex) };
    };
    const [from, to] = [of("in"), of("out")];
    if ([from, to].some((side) => side.asked && side.fit.length === 0)) return null;
    return {
      in: handed || !from.asked ? null : from.fit,
      out: handed || !to.asked ? null : to.fit,
      aboutBridges: handed ? from.named && to.named : from.named || to.named,
    };
  };
}

function isDevice(port: { name: string; ifindex: number }, device: string | number): boolean {
  if (typeof device === "number") return port.ifindex === device;
  return device.endsWith("*") ? port.name.startsWith(device.slice(0, -1)) : port.name === device;
}

/** By x_tables' names of matches, and by ours of fields. */
const ABOUT_BRIDGES = /\b(physdev|[io]brname)\b/;
const ABOUT_ADDRESSES = /\b[sd]addr\b|^arp addresses$|^(iprange|mac|set)$/;
const DROPS = ["drop", "reject", "queue"];

function rulesOf(
  asking: Asking,
  { number, family, table, name, use }: ChainMessage,
  fits: Fitting,
): { rules: FilterRule[]; read: number } {
  const parsed: { rule: ParsedRule; fit: Fit }[] = [];
  let read = 0;
  const each = (body: Buffer) => {
    if (read++ === MOST_RULES) throw new EnoughRules();
    const rule = parseRule(family, body.subarray(NFGENMSG));
    const fit = rule.verdict === null ? null : fits(rule.devices);
    if (fit !== null) parsed.push({ rule, fit });
  };
  const ask = (fd: number) =>
    dumpNetfilter(fd, NFT.getRule, number, each, (train) => {
      train.text(NFTA_RULE.table, table);
      train.text(NFTA_RULE.chain, name);
    });
  // An answer that is not heard to its end takes the socket with it.
  if (use <= MOST_RULES) ask(asking.fd);
  else untilEnough(() => withNetfilterSocket(asking.namespace, ask));
  // One question at a time: what maps say is asked for when all rules are there.
  const maps = new Map<string, string[]>();
  const rules = parsed.map(({ rule, fit }) => {
    const { map } = rule;
    if (map !== null && !maps.has(map)) maps.set(map, mapVerdicts(asking.fd, number, table, map));
    return ruleOf(rule, fit, map === null ? [rule.verdict ?? ""] : (maps.get(map) ?? []));
  });
  return { rules, read: Math.min(read, MOST_RULES) };
}

class EnoughRules extends Error {}

function untilEnough(read: () => void): void {
  try {
    read();
  } catch (error) {
    if (!(error instanceof EnoughRules)) throw error;
  }
}

function ruleOf(
  { handle, frames, verdict, etherType, protocol, addresses, asks, comment }: ParsedRule,
  fit: Fit,
  verdicts: readonly string[],
): FilterRule {
  return {
    ...{ handle, frames, verdict: verdict ?? "", etherType, protocol },
    ...{ addresses, asks, comment },
    leadsTo: [...new Set(verdicts.filter(leads).map((one) => one.slice(one.indexOf(" ") + 1)))],
    drops: verdicts.some((one) => DROPS.includes(one)),
    ...{ in: fit.in, out: fit.out },
    aboutBridges: fit.aboutBridges || asks.some((word) => ABOUT_BRIDGES.test(word)),
    aboutAddresses: asks.some((word) => ABOUT_ADDRESSES.test(word)),
  };
}

/** `jump CHAIN` and `goto CHAIN` have a word more. */
function leads(verdict: string): boolean {
  return verdict.includes(" ");
}

const NFTA_SET_ELEM_LIST = { table: 1, set: 2, elements: 3 } as const;
const NFTA_SET_ELEM_DATA = 2;

/** What a map can say; nothing where it is gone meanwhile. */
function mapVerdicts(fd: number, family: number, table: string, map: string): string[] {
  const verdicts = new Set<string>();
  try {
    dumpNetfilter(
      fd,
      NFT.getSetElements,
      family,
      (body) => {
        const elements = attributesOf(body, NFGENMSG).get(NFTA_SET_ELEM_LIST.elements);
        if (elements === undefined) return;
        eachAttribute(elements, 0, (type, element) => {
          if (type !== NFTA_LIST_ELEM) return;
          const data = attributesOf(attributesOf(element).get(NFTA_SET_ELEM_DATA));
          const verdict = verdictOf(data.get(NFTA_DATA.verdict) ?? Buffer.alloc(0));
          if (verdict !== null) verdicts.add(verdict);
        });
      },
      (train) => {
        train.text(NFTA_SET_ELEM_LIST.table, table);
        train.text(NFTA_SET_ELEM_LIST.set, map);
      },
    );
  } catch (error) {
    if (!(error instanceof SystemCallError) || error.code !== "ENOENT") throw error;
  }
  return [...verdicts];
}
