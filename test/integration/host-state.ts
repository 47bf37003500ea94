import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { globSync } from "tinyglobby";
import { occupantOf } from "../../src/setup/mark.ts";
import { aliasOf } from "../../src/setup/plan.ts";

/** Everything on the host that is ours, so that a run of ours may have left it behind; a line for each. */
export interface HostState {
  links: string[];
  namespaces: string[];
  mounts: string[];
  sysctls: string[];
  /** BPF programs as bpftrace attaches them that no process holds: those of a living one go with it. */
  programs: string[];
  /** BPF maps, likewise. */
  maps: string[];
  /** Processes that carry our tag in their environment. */
  processes: string[];
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

const PREFIX = `bst${tag.slice(0, 3)}`;
let named = 0;

/** A name that nothing else on this host has, short enough for a network device, and known as ours. */
export function uniqueName(): string {
  return `${PREFIX}${(named++).toString(16).padStart(3, "0")}`;
}

/** A folder for what a test makes, state files of its labs among it: so they are known as ours. */
export function ownFolder(what: string): string {
  return mkdtempSync(join(tmpdir(), `bridgescope-${what}-${tag}-`));
}

const MARK = aliasOf("");
/** A kept lab's namespace before it has its mark; that of a decoy never gets one. */
const UNMARKED = /^bs-[a-z0-9-]+-(?!0{8})[0-9a-f]{8}-/;

export function hostState(): HostState {
  const namespaces = ownNamespaces();
  return {
    links: ownLinks(),
    namespaces,
    mounts: ownMounts(new Set(namespaces)),
    sysctls: SYSCTLS.map((path) => `${path} ${read(path).trim()}`),
    programs: orphans("prog", isProbe),
    maps: orphans("map", isOfBpftrace),
    processes: taggedProcesses(),
  };
}

/** Most that the kernel takes to free what a process held when it ended. */
const LIMIT_MS = 2000;
/** A neighbour's tool may be about to go: only what stays is left behind. */
const TRANSIENT = ["programs", "maps"] as const;

/** What of ours is on the host that was not before: {} as soon as there is nothing, or what still is after `limitMs`. */
export async function hostChanges(before: HostState, limitMs = LIMIT_MS): Promise<object> {
  const deadline = Date.now() + limitMs;
  let left = difference(before, hostState());
  while (changed(left) && Date.now() < deadline) {
    await sleep(50);
    const now = difference(before, hostState());
    for (const kind of TRANSIENT) now[kind] = now[kind].filter((one) => left[kind].includes(one));
    left = now;
  }
  return Object.fromEntries(Object.entries(left).filter(([, lines]) => lines.length > 0));
}

function difference(before: HostState, now: HostState): HostState {
  const kinds = Object.keys(now) as (keyof HostState)[];
  const added = kinds.map((kind) => [kind, without(now[kind], before[kind])]);
  return Object.fromEntries(added) as HostState;
}

const changed = (changes: HostState) => Object.values(changes).some(({ length }) => length > 0);

function without(all: readonly string[], others: readonly string[]): string[] {
  const rest = [...others];
  return all.filter((line) => {
    const at = rest.indexOf(line);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
}

function ownLinks(): string[] {
  const links = JSON.parse(tool("ip", ["-j", "link"])) as { ifname: string; ifalias?: string }[];
  return links.flatMap(({ ifname, ifalias = "" }) =>
    ifalias.startsWith(MARK) || ifname.startsWith(PREFIX) ? [ifname] : [],
  );
}

const NETNS = "/run/netns";

function ownNamespaces(): string[] {
  const all = list(NETNS);
  const others = namedByOthers();
  return all
    .filter((name) => name.startsWith(PREFIX) || (isOfLab(name) && !others.has(name)))
    .sort();
}

const ANNOUNCED = "namespaces";

/** Names namespaces that no state file does, for tests that run beside this one; `folder` is one of `ownFolder`. */
export function announce(folder: string, names: Iterable<string>): void {
  writeFileSync(join(folder, ANNOUNCED), JSON.stringify([...names]));
}

/** Namespaces of labs whose state file is in no folder of ours: a neighbour's bridgescope keeps them, or a person. */
function namedByOthers(): Set<string> {
  const files = [
    ...globSync([`bridgescope-*/${ANNOUNCED}`, "bridgescope-*/{,*/,*/*/}bridgescope/labs/*.json"], {
      cwd: tmpdir(),
      absolute: true,
      ignore: `bridgescope-*-${tag}-*/**`,
    }),
    ...globSync("bridgescope/labs/*.json", {
      cwd: join(homedir(), ".local/state"),
      absolute: true,
    }),
  ];
  return new Set(files.flatMap((file) => read(file).match(/(?<=")bs-[^"]+(?=")/g) ?? []));
}

function isOfLab(name: string): boolean {
  try {
    const found = occupantOf(NETNS, name);
    if (found.kind === "empty file") return UNMARKED.test(name);
    if (found.kind !== "namespace") return false;
    return found.alias.startsWith(MARK) || (found.untouched && UNMARKED.test(name));
  } catch (error) {
    // A neighbour's may go while we look.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

/** Those of sites and of namespaces' names, and of file systems that a run mounts where the machine has not. */
function ownMounts(namespaces: ReadonlySet<string>): string[] {
  return read("/proc/self/mounts")
    .split("\n")
    .filter((line) => {
      const [source = "", point = "", type = ""] = line.split(" ");
      const [, name] = point.split(`${NETNS}/`);
      if (name !== undefined) return namespaces.has(name);
      return /bridgescope/.test(`${source} ${point}`) || ["tracefs", "debugfs"].includes(type);
    });
}

interface BpfObject {
  id: number;
  name?: string;
  type?: string;
}

const PROBES = ["kprobe", "tracepoint", "raw_tracepoint", "tracing", "perf_event"];
const isProbe = ({ type }: BpfObject) => PROBES.includes(type ?? "");
const isOfBpftrace = ({ name }: BpfObject) => /^AT_|^printf$/.test(name ?? "");

function orphans(kind: "prog" | "map", own: (one: BpfObject) => boolean): string[] {
  const all = JSON.parse(tool("bpftool", ["-j", kind, "show"])) as BpfObject[];
  const held = heldBy(kind);
  return all.flatMap((one) => (own(one) && !held.has(one.id) ? [`${one.id} ${one.name}`] : []));
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

function taggedProcesses(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) =>
      read(`/proc/${pid}/environ`).includes(`${TAG}=${tag}`)
        ? [`${pid} ${read(`/proc/${pid}/comm`).trim()}`]
        : [],
    )
    .sort();
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
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
