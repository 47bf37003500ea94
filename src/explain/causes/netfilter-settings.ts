/** What keeps netfilter's IP families off bridged frames: bridge-nf-call-* off, or a rule that lets frames of one bridge pass. */

import type { BridgeState, FilterChain } from "../../bridge/state.ts";
import { wordsAt } from "../../bridge/words-at.ts";
import { commandLine } from "../../text/command-line.ts";
import { pattern, type Setting, shows } from "./setting.ts";

/** Families that br_netfilter hands bridged frames to. */
export type HandedFamily = "ip" | "ip6" | "arp";

export type NetfilterChange =
  /** Nothing of netfilter's IP family sees bridged frames any more. */
  | { set: "nf-call-off"; family: HandedFamily }
  /** A rule that lets frames of the bridge pass, at the head of a chain. */
  | { set: "accept"; chain: FilterChain };

export function netfilterSetting(state: BridgeState, change: NetfilterChange): Setting {
  return change.set === "accept"
    ? acceptRule(state, change.chain)
    : handingOff(state, change.family);
}

const TABLES: Record<HandedFamily, string> = {
  ...{ ip: "iptables", ip6: "ip6tables", arp: "arptables" },
};

/** The sysctl of the namespace, and the bridge's own option: a bridge's frames are handed over where either is 1. */
export function handingNames(family: HandedFamily): { sysctl: string; option: string } {
  const tables = TABLES[family];
  return { sysctl: `net.bridge.bridge-nf-call-${tables}`, option: `nf_call_${tables}` };
}

function handingOff(state: BridgeState, family: HandedFamily): Setting {
  const { place, name, netfilterCalls, options } = state;
  const { sysctl, option } = handingNames(family);
  const ofNamespace = netfilterCalls?.sysctls[family] === true;
  const ofBridge = options[option] === 1;
  const set = (value: 0 | 1) =>
    [
      ...(ofNamespace ? [["sysctl", "-qw", `${sysctl}=${value}`]] : []),
      ...(ofBridge
        ? [["ip", "link", "set", "dev", name, "type", "bridge", option, String(value)]]
        : []),
    ]
      .map((words) => commandLine(wordsAt(place, words)))
      .join(" && ");
  const link = ["ip", "-d", "link", "show", "dev", name];
  return {
    what: [...(ofNamespace ? [`${sysctl}=0`] : []), ...(ofBridge ? [`${option} 0`] : [])].join(
      " and ",
    ),
    ...{ command: set(0), undo: set(1) },
    verify: [
      shows(commandLine(wordsAt(place, ["sysctl", "-n", sysctl])), "^0$"),
      shows(commandLine(wordsAt(place, link)), ` ${option} 0( |$)`),
    ].join(" && "),
    inForce: !ofNamespace && !ofBridge,
    refused: null,
  };
}

/** nft reads its words as a program, and iptables takes a `+` at the end for any: only names that are words to both. */
const NAME = /^[A-Za-z_][\w./-]*$/;
const IPTABLES: Partial<Record<FilterChain["family"], string>> = {
  ...{ ip: "iptables-nft", ip6: "ip6tables-nft" },
};
/** What our rules have as their comment. */
const MARK = "bridgescope";
const IPTABLES_TABLES = ["filter", "nat", "mangle", "raw", "security"];

/** A chain of iptables-nft is changed by that: it does not know every rule that nft can write. */
function acceptRule({ place, name, filters }: BridgeState, chain: FilterChain): Setting {
  const { family, table, name: into, hook } = chain;
  const sides = { in: hook !== "postrouting", out: hook !== "prerouting" };
  const tool = IPTABLES[family];
  const words =
    tool !== undefined && IPTABLES_TABLES.includes(table) && isUpperCase(into)
      ? iptablesWords(tool, name, chain, sides)
      : nftWords(name, chain, sides);
  const line = (argv: string[]) => commandLine(wordsAt(place, argv));
  return {
    what: `a rule that accepts frames of ${name} in ${chainPhrase(chain)}`,
    command: line(words.add),
    undo:
      "remove" in words
        ? line(words.remove)
        : // The number of a rule is the kernel's to give.
          `${line(["nft", "delete", "rule", family, table, into, "handle"])} "$(${line(words.list)} | ${commandLine(["sed", "-n", `s/.* comment "${pattern(words.comment).replaceAll("/", "\\/")}" # handle //p`])})"`,
    verify:
      "remove" in words
        ? line(words.check)
        : shows(line(words.list), ` comment "${pattern(words.comment)}" `),
    inForce: filters?.chains.some((one) => isSame(one, chain) && accepts(one)) === true,
    refused: [table, into, name].every((one) => NAME.test(one))
      ? null
      : "a name in it is more than a word to nft",
  };
}

function isSame(a: FilterChain, b: FilterChain): boolean {
  return a.family === b.family && a.table === b.table && a.name === b.name;
}

/** By our rule: those of other bridges are not among those that frames of this one can fit. */
function accepts({ rules: [first] }: FilterChain): boolean {
  return first?.verdict === "accept" && first.comment?.startsWith(MARK) === true;
}

/** `chain FORWARD (ip filter)`. */
export function chainPhrase({ family, table, name }: FilterChain): string {
  return `chain ${name} (${family} ${table})`;
}

function isUpperCase(text: string): boolean {
  return text === text.toUpperCase();
}

type Sides = Record<"in" | "out", boolean>;

function iptablesWords(tool: string, bridge: string, { table, name }: FilterChain, sides: Sides) {
  const rule = [
    ...(sides.in ? ["-i", bridge] : []),
    ...(sides.out ? ["-o", bridge] : []),
    ...["-m", "comment", "--comment", MARK, "-j", "ACCEPT"],
  ];
  const words = (verb: string) => [tool, "-w", "-t", table, verb, name, ...rule];
  return { add: words("-I"), remove: words("-D"), check: words("-C") };
}

function nftWords(bridge: string, { family, table, name }: FilterChain, sides: Sides) {
  const comment = `${MARK} ${bridge}`;
  const rule = [
    ...(sides.in ? [`iifname "${bridge}"`] : []),
    ...(sides.out ? [`oifname "${bridge}"`] : []),
    `accept comment "${comment}"`,
  ];
  return {
    comment,
    add: ["nft", `insert rule ${family} ${table} ${name} ${rule.join(" ")}`],
    list: ["nft", "-a", "list", "chain", family, table, name],
  };
}
