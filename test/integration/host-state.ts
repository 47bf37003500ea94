import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Everything of the host that a run might leave behind, as text that can be compared. */
export interface HostState {
  links: string;
  namespaces: string;
  mounts: string;
  /** BPF programs that no process holds: those of living neighbours come and go. */
  programs: string;
  /** BPF maps, likewise. */
  maps: string;
  sysctls: string;
  /** Processes that carry our tag in their environment. */
  processes: string;
}

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
    links: tool("ip", ["-br", "link"]).replace(/\s+\n/g, "\n"),
    namespaces: tool("ip", ["netns", "list"]),
    mounts: readFileSync("/proc/self/mounts", "utf8"),
    programs: orphans("prog"),
    maps: orphans("map"),
    sysctls: SYSCTLS.map(read).join(""),
    processes: taggedProcesses().join("\n"),
  };
}

/** The host's state once it equals `expected`, or as it is after `limitMs`. */
export async function hostStateOnceLike(expected: HostState, limitMs: number): Promise<HostState> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const state = hostState();
    if (JSON.stringify(state) === JSON.stringify(expected) || Date.now() > deadline) return state;
    await sleep(50);
  }
}

function orphans(kind: "prog" | "map"): string {
  const all = JSON.parse(tool("bpftool", ["-j", kind, "show"])) as { id: number; name?: string }[];
  const held = heldBy(kind);
  return all
    .filter(({ id }) => !held.has(id))
    .map(({ id, name }) => `${id} ${name}`)
    .join("\n");
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
