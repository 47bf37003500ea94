/** What a maintainer would ask for, in a folder. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Explanation } from "../document/explain.ts";
import { atPlace } from "../live/places.ts";
import type { Place } from "../live/state.ts";
import { wordsAt } from "../live/words-at.ts";
import { run } from "../system/command.ts";
import { BridgescopeError } from "../system/errors.ts";
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
  place: Place;
  explanation: Explanation;
  mask: Mask | null;
}

/** Longer output says nothing more; a full FDB of a hundred thousand entries is below. */
const LONGEST = 16 << 20;
const LIMIT_MS = 20_000;

/** By file: what is run in the bridge's namespace. */
function commands(bridge: string): Record<string, string[]> {
  return {
    "links.txt": ["ip", "-d", "-s", "link", "show"],
    "addresses.txt": ["ip", "addr", "show"],
    "routes.txt": ["ip", "route", "show", "table", "all"],
    "neighbours.txt": ["ip", "-s", "neigh", "show"],
    "ports.txt": ["bridge", "-d", "link", "show"],
    "vlans.txt": ["bridge", "-d", "vlan", "show"],
    "fdb.txt": ["bridge", "-d", "-s", "fdb", "show", "br", bridge],
    "mdb.txt": ["bridge", "-d", "-s", "mdb", "show", "dev", bridge],
    "qdiscs.txt": ["tc", "-s", "qdisc", "show"],
    "nftables.txt": ["nft", "list", "ruleset"],
    "iptables.txt": ["iptables-save"],
    "ip6tables.txt": ["ip6tables-save"],
    "ebtables.txt": ["ebtables-save"],
    "kernel.txt": ["uname", "-srvm"],
    "iproute2.txt": ["ip", "-V"],
  };
}

const SYSCTL_FOLDERS = [
  "net/bridge",
  "net/ipv4/conf/all",
  "net/ipv4/conf/default",
  "net/ipv4/neigh/default",
];

/** Names of the files that were written; a tool that is missing or fails is told of in its file's place. */
export async function writeBundle(options: BundleOptions): Promise<string[]> {
  const { folder, place, explanation, mask } = options;
  claimFolder(folder, "the bundle");
  const hidden = (text: string) => mask?.text(text) ?? text;
  const written: string[] = [];
  const write = (name: string, text: string) => {
    asCaller(() => writeFileSync(path.join(folder, name), text, { flag: "wx", mode: 0o600 }));
    written.push(name);
  };
  // What a terminal would obey is in no file that people will read with cat.
  const writeLines = (name: string, text: string) =>
    write(name, `${printableLines(hidden(shortened(text))).join("\n")}\n`);
  const origins: string[] = [];
  for (const [name, words] of Object.entries(commands(explanation.bridge.name))) {
    const command = wordsAt(place, words);
    writeLines(name, await output(command, words[0] ?? ""));
    origins.push(`${name}: ${commandLine(command)}`);
  }
  writeLines("sysctls.txt", sysctls(place));
  origins.push(`sysctls.txt: ${SYSCTL_FOLDERS.join(", ")} of /proc/sys, read in that namespace`);
  write("explanation.json", `${JSON.stringify(explanation, masking(hidden), 2)}\n`);
  origins.push("explanation.json: what `bridgescope explain --json` says");
  writeLines("README.txt", readme(explanation, mask !== null, origins));
  return written;
}

function shortened(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}\n(cut here: it was longer)` : text;
}

/** Strings are masked before they become JSON, whose escapes would hide names. */
function masking(hidden: (text: string) => string): (key: string, value: unknown) => unknown {
  return (key, value) => (typeof value === "string" && key !== "time" ? hidden(value) : value);
}

async function output(command: readonly string[], tool: string): Promise<string> {
  const [file = "", ...words] = command;
  try {
    const { stdout, stderr, exitCode } = await run(file, words, { tool, timeoutMs: LIMIT_MS });
    return exitCode === 0 ? stdout : `${stdout}${stderr}(ended with ${exitCode})\n`;
  } catch (error) {
    if (error instanceof BridgescopeError) return `(${error.message})\n`;
    throw error;
  }
}

function sysctls(place: Place): string {
  const lines = atPlace(place, (namespace) =>
    inNamespace(namespace, () => SYSCTL_FOLDERS.flatMap((folder) => values(folder))),
  );
  return `${(lines ?? []).join("\n")}\n`;
}

function values(folder: string): string[] {
  const whole = `/proc/sys/${folder}`;
  if (!existsSync(whole))
    return [`${folder} is not there (for net/bridge: br_netfilter is not loaded)`];
  return readdirSync(whole).flatMap((name) => {
    try {
      return [`${folder}/${name} = ${readFileSync(`${whole}/${name}`, "utf8").trim()}`];
    } catch {
      return []; // some can only be written
    }
  });
}

function readme({ bridge, time }: Explanation, masked: boolean, origins: string[]): string {
  return [
    `State of the bridge ${bridge.name} in ${bridge.namespace.label}, at ${time}.`,
    masked
      ? "Names and addresses are stand-ins, the same one for the same name in all files."
      : "Names and addresses are the real ones.",
    `bridgescope ${version}, Node ${process.version}`,
    "",
    ...origins,
    "",
  ].join("\n");
}
