/** What a maintainer would ask for, in a folder. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { atPlace } from "../bridge/places.ts";
import type { BridgeState, Place, Upper } from "../bridge/state.ts";
import { wordsAt } from "../bridge/words-at.ts";
import type { Explanation } from "../document/explain.ts";
import type { Collected } from "../live/collect.ts";
import { run } from "../system/command.ts";
import { BridgescopeError, PrerequisiteError } from "../system/errors.ts";
import { inNamespace } from "../system/netns.ts";
import { asCaller } from "../system/privilege.ts";
import { version } from "../system/version.ts";
import { commandLine } from "../text/command-line.ts";
import { printableLines } from "../text/printable.ts";
import { claimFolder } from "./folder.ts";
import type { Mask } from "./mask.ts";

/** What was read of a bridge and counted on it, and what follows from the two. */
export interface Shown {
  /** The bridge when frames began to be looked at, and as it was read last. */
  before: BridgeState;
  state: BridgeState;
  /** Null where no frame was looked at. */
  collected: Collected | null;
  explanation: Explanation;
}

export interface BundleOptions {
  /** Must not exist yet, or be empty. */
  folder: string;
  /** The bridge whose namespace the tools are asked in. */
  state: BridgeState;
  /** What is written of it; masked where there is a mask. */
  shown: Shown;
  mask: Mask | null;
}

/** Longer output says nothing more; a full FDB of a hundred thousand entries is below. */
const LONGEST = 16 << 20;
const LIMIT_MS = 20_000;

interface Source {
  name: string;
  /** Run in the bridge's namespace; BRIDGE stands for its name. */
  words: string[];
  /** Which of the mask's ways fits its output; of those with `json` the tool is asked for JSON. */
  as: "json" | "rules" | "plain";
}

const BRIDGE = "";
const SOURCES = [
  source("links", "json", "ip", "-d", "-s", "link", "show"),
  source("addresses", "json", "ip", "addr", "show"),
  source("routes", "json", "ip", "route", "show", "table", "all"),
  source("neighbours", "json", "ip", "-s", "neigh", "show"),
  source("ports", "json", "bridge", "-d", "link", "show"),
  source("vlans", "json", "bridge", "-d", "vlan", "show"),
  source("fdb", "json", "bridge", "-d", "-s", "fdb", "show", "br", BRIDGE),
  source("mdb", "json", "bridge", "-d", "-s", "mdb", "show", "dev", BRIDGE),
  source("qdiscs", "json", "tc", "-s", "qdisc", "show"),
  source("nftables", "json", "nft", "list", "ruleset"),
  source("iptables", "rules", "iptables-save"),
  source("ip6tables", "rules", "ip6tables-save"),
  source("ebtables", "rules", "ebtables-save"),
  source("kernel", "plain", "uname", "-srvm"),
  source("iproute2", "plain", "ip", "-V"),
];

function source(name: string, as: Source["as"], ...words: string[]): Source {
  return { name, words, as };
}

const SYSCTL_FOLDERS = [
  "net/bridge",
  "net/ipv4/conf/all",
  "net/ipv4/conf/default",
  "net/ipv4/neigh/default",
];

/** Names of the files that were written; a tool that is missing or fails is told of in its file's place. */
export async function writeBundle(options: BundleOptions): Promise<string[]> {
  const { folder, state, shown, mask } = options;
  claimFolder(folder, "the bundle");
  const written: string[] = [];
  const origins: string[] = [];
  const write = (name: string, text: string) => {
    asCaller(() => writeFileSync(path.join(folder, name), text, { flag: "wx", mode: 0o600 }));
    written.push(name);
  };
  // What a terminal would obey is in no file that people will read with cat.
  const writeLines = (name: string, text: string) =>
    write(name, `${printableLines(shortened(text)).join("\n")}\n`);
  for (const source of SOURCES) {
    const file = `${source.name}.${mask !== null && source.as === "json" ? "json" : "txt"}`;
    const command = (of: BridgeState) => wordsAt(of.place, wordsOf(source, of.name, mask));
    writeLines(file, await output(command(state), source, mask));
    origins.push(`${file}: ${commandLine(command(shown.state))}`);
  }
  writeLines("peers-links.txt", peersLinks(shown.state));
  writeLines("peers-neighbours.txt", peersNeighbours(shown.state));
  origins.push(
    "peers-links.txt: the other ends of veth ports and what sits on them, from netlink",
    "peers-neighbours.txt: neighbour tables of the namespaces behind the ports, from netlink",
  );
  writeLines("sysctls.txt", sysctls(state.place, mask));
  origins.push(`sysctls.txt: ${SYSCTL_FOLDERS.join(", ")} of /proc/sys, read in that namespace`);
  const wanted = namedIn(shown.explanation);
  write("state.json", asJson(shown.state, wanted));
  origins.push(
    "state.json: all that bridgescope has read of the bridge and of the namespaces behind its ports, from netlink",
  );
  if (shown.collected !== null) {
    write("before.json", asJson(shown.before, wanted));
    write("collected.json", asJson(shown.collected, wanted));
    origins.push(
      "before.json: the same when it began to look at frames",
      "collected.json: all that its probes have counted",
    );
  }
  write("explanation.json", `${ascii(JSON.stringify(shown.explanation, null, 2))}\n`);
  origins.push("explanation.json: what `bridgescope explain --json` says");
  writeLines("README.txt", readme(shown.explanation, mask !== null, origins));
  return written;
}

function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}\n(cut here: it was longer)` : text;
}

function wordsOf({ words, as }: Source, bridge: string, mask: Mask | null): string[] {
  const [tool = "", ...rest] = words.map((word) => (word === BRIDGE ? bridge : word));
  return mask !== null && as === "json" ? [tool, "-j", ...rest] : [tool, ...rest];
}

/** What a tool prints, or why it prints nothing; what it says of its failure may name what is masked. */
async function output(
  [file = "", ...args]: string[],
  { words: [tool = ""], as }: Source,
  mask: Mask | null,
): Promise<string> {
  try {
    const { stdout, stderr, exitCode } = await run(file, args, { tool, timeoutMs: LIMIT_MS });
    if (mask === null)
      return exitCode === 0 ? stdout : `${stdout}${stderr}(ended with ${exitCode})`;
    if (exitCode !== 0) return `(left out: ${tool} ended with ${exitCode})`;
    return as === "json" ? maskedJson(stdout, mask) : mask[as](stdout);
  } catch (error) {
    if (!(error instanceof BridgescopeError)) throw error;
    if (mask === null || error instanceof PrerequisiteError) return `(${error.message})`;
    return `(left out: ${tool} gave no answer that could be read)`;
  }
}

/** Tools that have nothing to say print nothing. */
function maskedJson(text: string, mask: Mask): string {
  let value: unknown;
  try {
    value = JSON.parse(text.trim() || "[]");
  } catch {
    return "(left out: it was no JSON)";
  }
  return aLineEach(mask.json(value));
}

/** JSON with a line for each thing of a list. */
function aLineEach(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map((one) => `\n${JSON.stringify(one)}`).join()}\n]`;
  }
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const parts = Object.entries(value).map(
    ([key, one]) => `${JSON.stringify(key)}:${aLineEach(one)}`,
  );
  return `{${parts.join()}}`;
}

/** Most entries of a list in JSON: a thousand containers have a million neighbours. */
const MOST_ENTRIES = 20_000;

/** Where lists are longer than that, what names an address that a finding is about stays, and `cut` says what went. */
export function asJson(value: object, wanted: readonly string[]): string {
  const cut: { list: string; kept: number; of: number }[] = [];
  const shortened = (inner: unknown, at: string): unknown => {
    if (typeof inner !== "object" || inner === null) return inner;
    if (!Array.isArray(inner)) {
      return Object.fromEntries(
        Object.entries(inner).flatMap(([key, one]) =>
          one === undefined ? [] : [[key, shortened(one, at === "" ? key : `${at}.${key}`)]],
        ),
      );
    }
    const kept = inner.length <= MOST_ENTRIES ? inner : mostWanted(inner, wanted);
    if (kept.length < inner.length) cut.push({ list: at, kept: kept.length, of: inner.length });
    return kept.map((one, index) => shortened(one, `${at}[${index}]`));
  };
  const whole = shortened(value, "") as object;
  return `{"cut":${JSON.stringify(cut)},${ascii(aLineEach(whole)).slice(1)}\n`;
}

/** JSON of the same, in which no terminal finds anything to obey. */
function ascii(json: string): string {
  return json.replace(
    /[^\n -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function mostWanted(list: readonly unknown[], wanted: readonly string[]): unknown[] {
  const names = (one: unknown) => {
    const text = JSON.stringify(one);
    return wanted.some((address) => text.includes(`"${address}"`));
  };
  const [first, rest] = [list.filter(names), list.filter((one) => !names(one))];
  return [...first, ...rest].slice(0, MOST_ENTRIES);
}

/** The addresses that findings are about. */
function namedIn({ findings }: Explanation): string[] {
  const all = findings.flatMap(({ source, destination, addresses }) => [
    ...[source, destination, addresses?.source, addresses?.destination],
  ]);
  return [...new Set(all)].filter((address) => typeof address === "string");
}

/** As `ip` would say it, a line for each link. */
function peersLinks({ place, ports }: BridgeState): string {
  const lines = ports.flatMap(({ name, peer }) => {
    if (peer === null || peer.namespace.inode === place.inode) return [];
    const { namespace, master, filter } = peer;
    const more = [
      ...(master === null ? [] : [`master ifindex ${master}`]),
      ...(filter.length === 0 ? [] : [`also takes ${filter.join(" ")}`]),
    ];
    return [
      [`${namespace.label}: ${linkText(peer)} behind ${name}`, ...more].join(", "),
      ...peer.uppers.map(
        (upper) => `${upper.namespace.label}: ${linkText(upper)} ${upper.kind} on ${peer.name}`,
      ),
    ];
  });
  return lines.length > 0 ? lines.join("\n") : "(none)";
}

function linkText(link: Pick<Upper, "name" | "ifindex" | "address" | "addresses">): string {
  const { name, ifindex, address, addresses } = link;
  return `${ifindex}: ${name} link ${address} inet ${addresses.join(" ") || "none"}`;
}

function peersNeighbours({ place, neighbours }: BridgeState): string {
  const lines = neighbours
    .filter(({ namespace }) => namespace.inode !== place.inode)
    .map(
      ({ namespace, ip, device, address, state }) =>
        `${namespace.label}: ${ip} dev ${device} ${address === null ? "" : `lladdr ${address} `}${state.toUpperCase()}`,
    );
  return lines.length > 0 ? lines.join("\n") : "(none)";
}

function sysctls(place: Place, mask: Mask | null): string {
  const lines = atPlace(place, (namespace) =>
    inNamespace(namespace, () => SYSCTL_FOLDERS.flatMap((folder) => values(folder, mask))),
  );
  return (lines ?? []).join("\n");
}

function values(folder: string, mask: Mask | null): string[] {
  const whole = `/proc/sys/${folder}`;
  if (!existsSync(whole))
    return [`${folder} is not there (for net/bridge: br_netfilter is not loaded)`];
  return readdirSync(whole).flatMap((name) => {
    try {
      const value = readFileSync(`${whole}/${name}`, "utf8").trim();
      return [`${folder}/${name} = ${mask?.plain(value) ?? value}`];
    } catch {
      return []; // some can only be written
    }
  });
}

function readme({ bridge, time }: Explanation, masked: boolean, origins: string[]): string {
  return [
    `State of the bridge ${bridge.name} in ${bridge.namespace.label}, at ${time}.`,
    ...(masked ? STAND_INS : ["Names and addresses are the real ones."]),
    `bridgescope ${version}, Node ${process.version}`,
    "",
    ...origins,
  ].join("\n");
}

const STAND_INS = [
  "Names and addresses are stand-ins, the same one for the same thing in all files: bridge1, port1 and netns1 for",
  "what has a name, text1 for what somebody wrote, 02:00:00:00:00:01, 198.18.0.1 and 2001:db8:0:1::1 for hosts,",
  "01:00:5e:40:00:01, 239.192.0.1 and ff05::db8:1 for groups. Numbers, and groups of a known meaning, are real.",
];
