import { entriesOf } from "../../bridge/fdb.ts";
import { type Lab, type Probe, STAGES, type Stage } from "../../document/run.ts";
import { type Account, fullMaps, readAccount } from "../../probes/account.ts";
import type { ProbeBackend } from "../../probes/backend.ts";
import { type ProbeProgram, type ProbeSession, startProbes } from "../../probes/bpftrace.ts";
import { type MirrorEntry, seedMirror } from "../../probes/mirror.ts";
import { PORTS_BY_WAY, probeProgram } from "../../probes/programs.ts";
import type { BuiltLab, LabBridge } from "../../setup/lab.ts";
import { isForeign } from "../../setup/spec.ts";
import { type Counters, sameCounters } from "../../system/counters.ts";
import { dumpFdb } from "../../system/neighbours.ts";
import { withDumpSocket } from "../../system/netlink-dump.ts";
import { quiet } from "../load/quiet.ts";
import type { PlannedCase } from "../plan/plan.ts";

/** Probes on a lab, from one moment of rest to another. */
export interface Observation {
  session: ProbeSession;
  backend: ProbeBackend;
  before: Map<string, Counters>;
  /** What the program had to leave out on this kernel. */
  dropped: ProbeProgram["dropped"];
  /** Detaches at rest; the account is of all that passed since. */
  stop(): Promise<Observed>;
}

export interface Observed {
  account: Account;
  /** Records that bpftrace could not keep. */
  lost: number;
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
  backend: ProbeBackend,
  planned: PlannedCase,
  signal: AbortSignal,
): Promise<Observation> {
  const options = { packed: mayPack(lab, planned), mapKeys: mapKeysFor(planned) };
  const program = probeProgram(lab, backend, options);
  for (let attempt = 1; ; attempt++) {
    const before = await quiet(lab, signal);
    const session = await startProbes(lab.site, program, signal);
    try {
      if (lab.bridge !== null) seedMirror(session.child.pid, readFdb(lab, lab.bridge));
      const attached = await quiet(lab, signal);
      const clean = sameCounters(before, attached);
      if (clean || attempt === ATTEMPTS) {
        const notes = clean ? [] : ["frames passed while the probes were being attached"];
        return {
          session,
          backend,
          before,
          dropped: program.dropped,
          stop: () => stop(lab, session, backend, notes),
        };
      }
    } catch (error) {
      await session.kill();
      throw error;
    }
    await session.kill();
  }
}

async function stop(
  lab: BuiltLab,
  session: ProbeSession,
  backend: ProbeBackend,
  notes: string[],
): Promise<Observed> {
  const after = await quiet(lab);
  const missed = (await session.statistics()).reduce((sum, program) => sum + program.missed, 0);
  const ifindexes = lab.hosts.flatMap((host) => (host.port === null ? [] : [host.port.ifindex]));
  if (lab.bridge !== null) ifindexes.push(lab.bridge.ifindex);
  const { account, full } = await session.stop((maps) => ({
    account: readAccount(maps, ifindexes, backend.name !== "tracepoint"),
    full: fullMaps(maps),
  }));
  const { lost, errors } = session.records;
  const degraded = [...notes];
  if (!sameCounters(after, await quiet(lab))) {
    degraded.push("frames passed while the probes were being detached");
  }
  if (lost > 0) degraded.push(`${lost} events were lost`);
  if (missed > 0) degraded.push(`${missed} probe firings were missed (recursion)`);
  if (errors.length > 0) {
    degraded.push(`bpftrace reported ${errors.length} errors, first: ${errors[0]}`);
  }
  degraded.push(...full);
  return { account, lost, after, missed, degraded };
}

/** The bridge's FDB as the mirror wants it; its own and its ports' addresses are `local`. */
function readFdb(lab: BuiltLab, { namespace, ifindex }: LabBridge): MirrorEntry[] {
  const entries = withDumpSocket(namespace, (fd) => entriesOf(ifindex, dumpFdb(fd, ifindex)));
  const ports = new Set(lab.hosts.map((host) => host.port?.ifindex));
  return entries.flatMap(({ address, vlan, port, local }): MirrorEntry[] => {
    if ((Number.parseInt(address.slice(0, 2), 16) & 1) === 1) return [];
    if (local) return [{ address, vlan, port: "local" }];
    return ports.has(port) ? [{ address, vlan, port }] : [];
  });
}

/** Stages that a lab cannot show to tracepoints, and why; all others are timed, or not asked for. */
export function notObservable(lab: BuiltLab, ports: Lab["ports"]): Probe["notObservable"] {
  const reasons = new Map<Stage, string>();
  const note = (stage: Stage, reason: string) => {
    if (!reasons.has(stage)) reasons.set(stage, reason);
  };
  if (lab.bridge === null) {
    const { kind } = lab.spec;
    for (const stage of STAGES.filter((one) => one !== "path"))
      note(stage, `${kind} has no bridge`);
  }
  note("bridge.lookup", "no tracepoint fires at the look-up: it is timed in instructions only");
  if (ports.some((port) => port.xdp || port.offloads.gro === true)) {
    const why = "a port has XDP or GRO: its frames come by veth_poll, not by netif_rx";
    for (const stage of STAGES) note(stage, why);
  }
  return [...reasons].map(([stage, reason]) => ({ stage, reason }));
}

/** @way has a key for two ports and each class, of a first copy and of others; @drops some for each port. */
const WAY_KEYS = 6;
const PORT_KEYS = 16;
const LEAST = 4096;
const MOST = 65_536;

/**
 * Keys that every map of a case's program may have: the kernel makes room for all of them at once, in
 * each of some fifteen maps, so too many cost memory and seconds, and too few the case's account.
 */
export function mapKeysFor({ topology, workload, options }: PlannedCase): number {
  const usual = Number(workload.parameters.find(({ name }) => name === "addresses")?.default ?? 0);
  const ports = topology.hosts.length + 1;
  const ways = topology.hosts.length > PORTS_BY_WAY ? 0 : ports ** 2 * WAY_KEYS;
  // Half of them at the most, so that what a flush has not yet removed finds room.
  const entries = 2 * ((options.addresses ?? usual) + ports);
  return Math.min(MOST, Math.max(LEAST, ways, entries, ports * PORT_KEYS));
}

/**
 * Whether a frame may hold several segments. Packet sockets send one each, and in a lab of ours nobody else sends;
 * so nothing has to ask, which costs two reads an event.
 */
function mayPack(lab: BuiltLab, { workload }: PlannedCase): boolean {
  return !workload.bypassesQdisc || isForeign(lab.spec);
}
