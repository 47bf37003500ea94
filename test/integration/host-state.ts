import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Everything of the host that a run might leave behind, a line for each. */
export interface HostState {
  links: string[];
  namespaces: string[];
  mounts: string[];
  sysctls: string[];
  /** BPF programs that no process holds: those of living neighbours come and go. */
  programs: string[];
  /** BPF maps, likewise. */
  maps: string[];
  /** Processes that carry our tag in their environment. */
  processes: string[];
}

/** Of these the kernel may be about to drop what a neighbour has left: only new ones are ours. */
const TRANSIENT: (keyof HostState)[] = ["programs", "maps", "processes"];

const SYSCTLS = [
  "/proc/sys/kernel/bpf_stats_enabled",
  "/proc/sys/net/core/netdev_max_backlog",
  "/proc/sys/net/ipv4/ip_forward",
  "/proc/sys/net/ipv6/conf/default/disable_ipv6",
];

const TAG = "BRIDGESCOPE_TEST_TAG";
const tag = randomBytes(8).toString("hex");

/** Goes into the environment of what a test starts, so that its processes are known however they end up. */
export const tagged: Record<string, string> = { [TAG]: tag };

export function hostState(): HostState {
  return {
    links: lines(tool("ip", ["-br", "link"])),
    namespaces: lines(tool("ip", ["netns", "list"])),
    mounts: lines(readFileSync("/proc/self/mounts", "utf8")),
    sysctls: SYSCTLS.map((path) => `${path} ${read(path).trim()}`),
    programs: orphans("prog"),
    maps: orphans("map"),
    processes: taggedProcesses(),
  };
}

/** What of the host is no longer as it was: {} as soon as nothing is, or what still is after `limitMs`. */
export async function hostChanges(before: HostState, limitMs = 0): Promise<object> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const changes = changed(before, hostState());
    if (Object.keys(changes).length === 0 || Date.now() >= deadline) return changes;
    await sleep(50);
  }
}

function changed(before: HostState, now: HostState): object {
  const entries = (Object.keys(now) as (keyof HostState)[]).map((kind) => {
    const added = without(now[kind], before[kind]);
    const gone = TRANSIENT.includes(kind) ? [] : without(before[kind], now[kind]);
    return [kind, [...added.map((line) => `+ ${line}`), ...gone.map((line) => `- ${line}`)]];
  });
  return Object.fromEntries(entries.filter(([, found]) => found?.length));
}

function without(all: readonly string[], others: readonly string[]): string[] {
  const rest = [...others];
  return all.filter((line) => {
    const at = rest.indexOf(line);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}

function lines(text: string): string[] {
  return text.split("\n").flatMap((line) => line.trim() || []);
}

function orphans(kind: "prog" | "map"): string[] {
  const all = JSON.parse(tool("bpftool", ["-j", kind, "show"])) as { id: number; name?: string }[];
  const held = heldBy(kind);
  return all.filter(({ id }) => !held.has(id)).map(({ id, name }) => `${id} ${name}`);
}

/** Ids of the programs or maps that some process holds by a descriptor. */
function heldBy(kind: "prog" | "map"): Set<number> {
  const held = new Set<number>();
  const said = new RegExp(`^${kind}_id:\\s*(\\d+)`, "m");
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    for (const fd of list(`/proc/${pid}/fdinfo`)) {
      const id = said.exec(read(`/proc/${pid}/fdinfo/${fd}`))?.[1];
      if (id !== undefined) held.add(Number(id));
    }
  }
  return held;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function taggedProcesses(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) =>
      read(`/proc/${pid}/environ`).includes(`${TAG}=${tag}`)
        ? [read(`/proc/${pid}/comm`).trim()]
        : [],
    )
    .sort();
}

function tool(file: string, args: string[]): string {
  return execFileSync(file, args, { encoding: "utf8" });
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
