/** What a maintainer would ask for, in a folder. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { atPlace } from "../bridge/places.ts";
import type { BridgeState, Place } from "../bridge/state.ts";
import { wordsAt } from "../bridge/words-at.ts";
import type { Explanation } from "../document/explain.ts";
import { run } from "../system/command.ts";
import { BridgescopeError, PrerequisiteError } from "../system/errors.ts";
import { inNamespace } from "../system/netns.ts";
import { asCaller } from "../system/privilege.ts";
import { version } from "../system/version.ts";
import { commandLine } from "../text/command-line.ts";
import { printableLines } from "../text/printable.ts";
import { claimFolder } from "./folder.ts";
import type { Mask } from "./mask.ts";

export interface BundleOptions {
  /** Must not exist yet, or be empty. */
  folder: string;
  /** The bridge whose namespace the tools are asked in. */
  state: BridgeState;
  /** What is written of it; masked where there is a mask. */
  shown: { state: BridgeState; explanation: Explanation };
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
  writeLines("peers-neighbours.txt", peersNeighbours(shown.state));
  origins.push(
    "peers-neighbours.txt: neighbour tables of the namespaces behind the ports, from netlink",
  );
  writeLines("sysctls.txt", sysctls(state.place, mask));
  origins.push(`sysctls.txt: ${SYSCTL_FOLDERS.join(", ")} of /proc/sys, read in that namespace`);
  write("explanation.json", `${JSON.stringify(shown.explanation, null, 2)}\n`);
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
