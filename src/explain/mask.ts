/**
 * Stand-ins for names and addresses, so that a bundle can be shown to strangers. Nothing is searched for in text: what
 * is known to name nobody passes (numbers, and the words of `words.ts`), and any other text is replaced, whatever it is.
 */
import { isIPv4 } from "node:net";
import { type Link, readLinks } from "../bridge/links.ts";
import type { BridgeState, Filters, Owner, Place, Port, Upper, Vxlan } from "../bridge/state.ts";
import type { Collected } from "../live/collect.ts";
import { printable } from "../text/printable.ts";
import { AddressStandIns } from "./stand-ins.ts";
import { WORDS } from "./words.ts";

/** The same thing has the same stand-in in whatever passes through one mask. */
export interface Mask {
  state(state: BridgeState): BridgeState;
  collected(collected: Collected): Collected;
  /** JSON of ip, bridge, tc or nft. */
  json(value: unknown): unknown;
  /** Rules as iptables-save, ip6tables-save and ebtables-save print them. */
  rules(text: string): string;
  /** Words and numbers, as uname prints them. */
  plain(text: string): string;
}

/** For a bridge and what is told of it; `links` are the devices of its namespace. */
export function createMask(
  state: BridgeState,
  links: readonly Link[] = readLinks(state.place),
): Mask {
  const standIns = new StandIns();
  standIns.device(state.name, "bridge");
  for (const { name } of state.ports) standIns.device(name, "port");
  for (const { name, kind, slaveKind } of links) {
    standIns.device(name, kind === "bridge" ? kind : slaveKind === "bridge" ? "port" : "device");
  }
  return {
    state: (value) => masked(value, stateRules(standIns)),
    collected: (value) => masked(value, collectedRules(standIns)),
    json: (value) => json(value, standIns),
    rules: (text) => saved(text, standIns),
    plain: (text) => standIns.plain(text),
  };
}

/** Stand-ins by what they stand for: a kind's name, and a number. */
class StandIns {
  readonly #addresses = new AddressStandIns();
  readonly #devices = new Map<string, string>();
  readonly #places = new Map<string, string>();
  readonly #names = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  /** `kind` is what it is called where it is new. */
  device(name: string, kind = "device"): string {
    return name === "lo" ? name : this.#standIn(this.#devices, name, kind);
  }

  /** A table, chain, set or whatever else has a name; those that every host has keep theirs. */
  name(text: string, kind: string): string {
    return WORDS.has(text) ? text : this.text(text, kind);
  }

  /** What somebody has written. */
  text(text: string, kind = "text"): string {
    return this.#standIn(this.#names, text, kind);
  }

  address(text: string): string {
    return text === "" ? "" : (this.#addresses.of(text) ?? this.text(text));
  }

  /** Whatever it is. */
  any(text: string): string {
    const found = this.#addresses.of(text) ?? (WORDS.has(text) ? text : this.#devices.get(text));
    if (found !== undefined) return found;
    return text.startsWith("@") ? `@${this.name(text.slice(1), "set")}` : this.text(text);
  }

  plain(text: string): string {
    return text.replace(/[^\s,():/-]+/g, (word) =>
      VERSION.test(word) ? word : this.name(word, "text"),
    );
  }

  /** A sentence of ours, whose own words are about numbers and the probes; it may name a device. */
  sentence(text: string): string {
    const shown = new Map(
      [...this.#devices.keys()].flatMap((name) => [
        [name, name],
        [printable(name), name],
      ]),
    );
    const names = [...shown.keys()].sort((a, b) => b.length - a.length).map(literal);
    const pattern = new RegExp(`(?<![\\w.-])(?:${names.join("|")})(?![\\w-])`, "g");
    return text.replace(pattern, (name) => this.device(shown.get(name) ?? name));
  }

  /** `bridge (pid 4711)`: a tool's own name, or what somebody called a program. */
  process(text: string): string {
    const [, name = text, pid = ""] = /^(.*)( \(pid \d+\))$/s.exec(text) ?? [];
    return `${this.name(name, "process")}${pid}`;
  }

  place({ inode, own, label }: Place): Place {
    const known = label === "host" ? label : this.#standIn(this.#places, String(inode), "netns");
    return { inode, own, label: known, path: `/run/netns/${known}` };
  }

  owner({ label, namespace }: Owner): Owner {
    const place = namespace === null ? null : this.place(namespace);
    return {
      label: place?.label ?? this.text(label, "owner"),
      namespace: place,
      pid: null,
      command: null,
      cgroup: null,
      container: null,
      pod: null,
    };
  }

  filters({ chains, legacy, keepers, otherBridges }: Filters): Filters {
    return {
      chains: chains.map(({ table, name, rules, ...chain }) => ({
        ...chain,
        table: this.name(table, "table"),
        name: this.name(name, "chain"),
        rules: rules.map(({ verdict, leadsTo, addresses, comment, ...rule }) => ({
          ...rule,
          addresses: addresses.map(({ side, address }) => ({
            side,
            address: this.address(address),
          })),
          verdict: verdict.replace(/(?<= ).*/s, (chain) => this.name(chain, "chain")),
          leadsTo: leadsTo.map((chain) => this.name(chain, "chain")),
          comment: comment === null ? null : this.text(comment),
        })),
      })),
      legacy: legacy.map(({ family, table }) => ({ family, table: this.name(table, "table") })),
      // Of a list of ours.
      keepers,
      otherBridges: otherBridges.map((bridge) => this.device(bridge, "bridge")),
    };
  }

  #standIn(known: Map<string, string>, original: string, kind: string): string {
    if (original === "") return "";
    const before = known.get(original);
    if (before !== undefined) return before;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    known.set(original, `${kind}${count}`);
    return `${kind}${count}`;
  }
}

/** What `plain` keeps: a number, or one of up to three parts; an IP address has four. */
const VERSION = /^\d+(?:\.\d+){0,2}$/;

function literal(name: string): string {
  return name.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
}

/** What becomes of each text in a T. A part that holds text and is forgotten does not compile. */
type Rules<T> = T extends string
  ? (text: string) => string
  : T extends readonly (infer E)[]
    ? Rules<E>
    :
        | ((value: T) => T)
        | { [K in keyof T as TextIn<T[K]> extends true ? K : never]-?: RulesOf<T[K]> };
type RulesOf<T> = Rules<NonNullable<T>>;
type TextIn<T> = [T] extends [number | boolean | null | undefined] ? false : true;

function stateRules(standIns: StandIns): Rules<BridgeState> {
  const { address, device, place, word } = rulesOf(standIns);
  const upper: Rules<Upper> = {
    ...{ namespace: place, name: device, kind: word, address, addresses: address },
    joined: address,
  };
  const vxlan: Rules<Vxlan> = {
    ...{ group: address, local: address, underlay: place },
    remotes: { address, ip: address },
  };
  const port: Rules<Port> = {
    name: device,
    address,
    kind: word,
    state: word,
    flags: {},
    vlans: {},
    counters: {},
    peer: {
      ...{ namespace: place, name: device, address, addresses: address },
      ...{ uppers: upper, filter: address, joined: address },
    },
    vxlan,
    owner: (owner: Owner) => standIns.owner(owner),
  };
  return {
    name: device,
    place,
    address,
    options: (options) => json(options, standIns) as BridgeState["options"],
    counters: {},
    addresses: address,
    uppers: upper,
    formerAddresses: address,
    multicast: {
      members: { group: address, source: address },
      routers: {},
      querier: { ip4: { address }, ip6: { address } },
    },
    ports: port,
    vxlans: { name: device, counters: {}, vxlan },
    entries: { address },
    neighbours: { namespace: place, device, ip: address, address, state: word },
    netfilterCalls: { sysctls: {} },
    filters: (filters: Filters) => standIns.filters(filters),
  };
}

function collectedRules(standIns: StandIns): Rules<Collected> {
  const { address, plain, sentence, word } = rulesOf(standIns);
  const addresses = { source: address, destination: address, protocol: plain };
  return {
    flows: { class: word, source: address, destination: address, addresses, steps: {} },
    known: { source: address, destination: address },
    lost: {
      ...{ class: word, source: address, destination: address, addresses, steps: {} },
      // What the kernel calls them names nobody; a BPF program has a name that somebody gave it.
      ...{ where: (text) => text.replace(/^bpf_prog_.*/s, "bpf_prog"), reason: (text) => text },
    },
    got: { destination: address },
    moves: { address },
    deleted: { address, by: (text) => standIns.process(text) },
    homes: { address },
    ownAddresses: address,
    backend: word,
    ended: { early: word, text: sentence },
    notes: sentence,
  };
}

function rulesOf(standIns: StandIns) {
  return {
    address: (text: string) => standIns.address(text),
    device: (text: string) => standIns.device(text),
    place: (place: Place) => standIns.place(place),
    plain: (text: string) => standIns.plain(text),
    word: (text: string) => standIns.name(text, "text"),
    sentence: (text: string) => standIns.sentence(text),
  };
}

function masked<T>(value: T, rules: Rules<T>): T {
  return applied(value, rules) as T;
}

function applied(value: unknown, rules: unknown): unknown {
  if (value === null || value === undefined) return value;
  if (Array.isArray(value)) return value.map((one) => applied(one, rules));
  if (typeof rules === "function") return rules(value);
  if (typeof value === "string") return "(masked)";
  if (typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, applied(inner, Object(rules)[key])]),
  );
}

type Kind = "device" | "number" | "text" | "chain" | "table" | "address" | "words" | "mark";

/** What stands under a key of the tools' JSON, where that is more than a word, an address or a device. */
const KEYS = kinds({
  device: "ifname dev link master port label altnames viaIf iif oif backup_port",
  number: "timer handle parent id no group_fwd_mask group_fwd_mask_str version",
  text: "ifalias comment prefix user",
  chain: "chain target",
  table: "table",
});
const NUMBER = /^\s*(?:0x[0-9a-f]+|\d+(?:\.\d+){0,2}|[0-9a-f]{0,4}:[0-9a-f]{0,4})\s*$/i;
/** Ports, marks and their masks, rates, and ranges of them. */
const MARK =
  /^(?:(?:0x[0-9a-f]+|\d+)(?:[:,/-](?:0x[0-9a-f]+|\d+))*|\d+\/(?:sec|min|minute|hour|day))$/i;

function kinds(lists: Partial<Record<Kind, string>>): ReadonlyMap<string, Kind> {
  return new Map(
    Object.entries(lists).flatMap(([kind, list]) =>
      list.split(/\s+/).map((name) => [name, kind as Kind] as const),
    ),
  );
}

/** Where nft puts what a frame is compared with. */
const OPERANDS: ReadonlySet<string> = new Set(
  "right set elem range key val value prefix addr & | ^".split(" "),
);
/** Larger ones can be an address, or a part of one. */
const LARGEST_OPERAND = 0xffff;

function json(value: unknown, standIns: StandIns, key = "", parent = ""): unknown {
  if (typeof value === "number" && OPERANDS.has(key) && value > LARGEST_OPERAND) {
    return standIns.text(String(value), "number");
  }
  if (typeof value === "string") {
    const kind = WORDS.has(parent) ? parent : "text";
    return key === "name" ? standIns.name(value, kind) : known(value, KEYS.get(key), standIns);
  }
  if (Array.isArray(value)) return value.map((one) => json(one, standIns, key, parent));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([inner, one]) => [
      standIns.any(inner),
      json(one, standIns, inner, key),
    ]),
  );
}

function known(text: string, kind: Kind | undefined, standIns: StandIns): string {
  switch (kind) {
    case "device":
      return standIns.device(text);
    case "number":
      return NUMBER.test(text) ? text : standIns.text(text);
    case "text":
      return standIns.text(text);
    case "chain":
      return standIns.name(text, kind);
    case "table":
      return NUMBER.test(text) ? text : standIns.name(text, kind);
    case "address":
      return text.replace(/^(.*?)(:\d+(?:-\d+)?)?$/s, (all, host: string, ports = "") =>
        isIPv4(host) ? `${standIns.address(host)}${ports}` : standIns.address(all),
      );
    case "mark":
      return MARK.test(text) ? text : standIns.text(text);
    case "words":
      return text
        .split(",")
        .map((word) => standIns.name(word, "text"))
        .join();
    default:
      return standIns.any(text);
  }
}

/** What stands behind an option in what the -save tools print; behind one that is not in here it is text. */
const OPTIONS = kinds({
  chain: "-A -j -g",
  device: "-i -o --physdev-in --physdev-out --logical-in --logical-out",
  address: `-s -d --to-source --to-destination --to --ip-src --ip-dst --ip6-src --ip6-dst --arp-ip-src --arp-ip-dst
    --arp-mac-src --arp-mac-dst --mac-source`,
  words: `-p -m --ctstate --state --reject-with --tcp-flags --src-type --dst-type --ip-proto --arp-opcode --pkttype-type
    --ctdir --vlan-encap`,
  mark: `--dport --sport --dports --sports --ports --mark --set-mark --set-xmark --restore-mark --limit --limit-burst
    --icmp-type --icmpv6-type --vlan-id --ip-dport --ip-sport --set-mss --ttl-set`,
  text: `--comment --match-set --log-prefix --physdev-is-bridged --physdev-is-in --physdev-is-out
    --clamp-mss-to-pmtu --save-mark --random`,
});
const TOKEN = /"(?:\\.|[^"\\])*"|\S+/g;

function saved(text: string, standIns: StandIns): string {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => savedLine(line.match(TOKEN) ?? [], standIns))
    .join("\n");
}

function savedLine([first = "", ...rest]: string[], standIns: StandIns): string {
  if (first.startsWith("*")) return `*${standIns.name(first.slice(1), "table")}`;
  if (first.startsWith(":")) {
    const [policy = "", counts = ""] = rest;
    const chain = standIns.name(first.slice(1), "chain");
    const shown = /^\[\d+:\d+\]$/.test(counts) ? [counts] : [];
    return [`:${chain}`, policy === "-" ? policy : standIns.name(policy, "text"), ...shown].join(
      " ",
    );
  }
  if (first === "COMMIT") return first;
  let kind: Kind = "text";
  const words = [first, ...rest].map((word) => {
    if (word === "!") return word;
    const option = OPTIONS.get(word);
    if (option === undefined && !word.startsWith("-")) return known(word, kind, standIns);
    kind = option ?? "text";
    return option === undefined ? standIns.text(word) : word;
  });
  return words.join(" ");
}
