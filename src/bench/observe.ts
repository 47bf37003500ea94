import type { Lab, Probe } from "../document/run.ts";
import { type Account, fullMaps, readAccount } from "../probes/account.ts";
import { type ProbeSession, startProbes } from "../probes/bpftrace.ts";
import { type MirrorEntry, seedMirror } from "../probes/mirror.ts";
import { type TracepointOptions, tracepointProgram } from "../probes/programs.ts";
import type { Records } from "../probes/records.ts";
import type { BuiltLab } from "../setup/lab.ts";
import { SWITCH } from "../setup/plan.ts";
import { parseToolJson } from "../system/command.ts";
import { type Counters, sameCounters } from "../system/counters.ts";
import { quiet } from "./quiet.ts";

/** Probes on a lab, from one moment of rest to another. */
export interface Observation {
  session: ProbeSession;
  before: Map<string, Counters>;
  /** Detaches at rest; the account is of all that passed since. */
  stop(): Promise<Observed>;
}

export interface Observed {
  account: Account;
  records: Records;
  after: Map<string, Counters>;
  missed: number;
  degraded: string[];
}

const ATTEMPTS = 3;

/**
 * Attaches the probes to a lab at rest. A frame that passes while they attach would be counted by
 * one side only, so the attachment is tried again until none did.
 */
export async function observe(
  lab: BuiltLab,
  options: TracepointOptions,
  signal: AbortSignal,
): Promise<Observation> {
  for (let attempt = 1; ; attempt++) {
    const before = await quiet(lab, signal);
    const session = await startProbes(lab.site, tracepointProgram(lab, options), signal);
    try {
      if (lab.bridge !== null) await seedMirror(session.child.pid, await readFdb(lab));
      const attached = await quiet(lab, signal);
      const clean = sameCounters(before, attached);
      if (clean || attempt === ATTEMPTS) {
        const notes = clean ? [] : ["frames passed while the probes were being attached"];
        return { session, before, stop: () => stop(lab, session, notes) };
      }
    } catch (error) {
      await session.kill();
      throw error;
    }
    await session.kill();
  }
}

async function stop(lab: BuiltLab, session: ProbeSession, notes: string[]): Promise<Observed> {
  session.round(0);
  const after = await quiet(lab);
  const missed = (await session.statistics()).reduce((sum, program) => sum + program.missed, 0);
  const records = await session.stop();
  const degraded = [...notes];
  if (!sameCounters(after, await quiet(lab))) {
    degraded.push("frames passed while the probes were being detached");
  }
  if (records.lost > 0) degraded.push(`${records.lost} events were lost`);
  if (missed > 0) degraded.push(`${missed} probe firings were missed (recursion)`);
  if (records.errors.length > 0) {
    degraded.push(`bpftrace reported ${records.errors.length} errors, first: ${records.errors[0]}`);
  }
  for (const map of fullMaps(records, session.mapKeys)) degraded.push(`map ${map} is full`);
  const ifindexes = lab.hosts.flatMap((host) => (host.port === null ? [] : [host.port.ifindex]));
  if (lab.bridge !== null) ifindexes.push(lab.bridge.ifindex);
  return { account: readAccount(records, ifindexes), records, after, missed, degraded };
}

/** The bridge's FDB as the mirror wants it; its own and its ports' addresses are `local`. */
async function readFdb(lab: BuiltLab): Promise<MirrorEntry[]> {
  const words = ["-j", "fdb", "show", "br", lab.bridge?.name ?? ""];
  const namespace = lab.names.namespace(SWITCH);
  const rows = parseToolJson("bridge", await lab.site.runOk("bridge", words, { namespace }));
  if (!Array.isArray(rows)) return [];
  const ports = new Map(lab.hosts.map((host) => [host.port?.name, host.port?.ifindex]));
  return rows.flatMap((row): MirrorEntry[] => {
    const address = String(row.mac);
    // Port entries without a master are the device's own address filters, not the bridge's FDB.
    if (row.master === undefined && row.ifname !== lab.bridge?.name) return [];
    if ((Number.parseInt(address.slice(0, 2), 16) & 1) === 1) return [];
    const vlan = Number(row.vlan ?? 0);
    if (row.state === "permanent") return [{ address, vlan, port: "local" }];
    const port = ports.get(String(row.ifname));
    return port === undefined ? [] : [{ address, vlan, port }];
  });
}

/** Stages that a lab cannot show, and why. */
export function notObservable(lab: BuiltLab, ports: Lab["ports"]): Probe["notObservable"] {
  const list: Probe["notObservable"] = [];
  const note = (stage: Probe["notObservable"][number]["stage"], reason: string) =>
    list.push({ stage, reason });
  if (lab.bridge === null) {
    for (const stage of ["bridge.forward", "bridge.flood", "bridge.learn"] as const) {
      note(stage, `${lab.spec.kind} has no bridge`);
    }
    if (lab.spec.kind === "netns") note("veth", "netns has no veth pair");
  } else if (ports.some((port) => port.xdp || port.offloads.gro === true)) {
    note("veth", "a port has XDP or GRO: its frames come by veth_poll, not by netif_rx");
    note("path", "a port has XDP or GRO: its frames come by veth_poll, not by netif_rx");
  }
  return list;
}
