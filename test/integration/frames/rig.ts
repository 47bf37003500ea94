import { type Account, readAccount } from "../../../src/probes/account.ts";
import { type ProbeSession, startProbes } from "../../../src/probes/bpftrace.ts";
import { programPath, tracepointProgram } from "../../../src/probes/programs.ts";
import type { Records } from "../../../src/probes/records.ts";
import { type BuiltLab, buildPrivateLab, type LabBridge } from "../../../src/setup/lab.ts";
import { parseTopology } from "../../../src/setup/topology.ts";
import { writeSysctl } from "../../../src/system/netns.ts";
import { HOST, type Outcome, type PortId } from "../../model/bridge.ts";
import type { Step } from "../../model/steps.ts";
import { addFrame, emptySums, type SentFrame, type Sum } from "./expectation.ts";
import { createJournal, type Journal } from "./journal.ts";
import { type Counters, type Entry, readCounters, readFdb, seed } from "./kernel.ts";
import { frameBytes, openWire, type Wire } from "./wire.ts";

export const PROGRAM = programPath("tracepoint/bridge.bt");
export const PORTS = 5;
const ARRIVAL_TIMEOUT_MS = 5_000;
const NOWHERE: Outcome = { decision: "filtered", egress: [], learned: false, moved: false };

/** A resident lab under the probes, and the model's books beside it. */
export interface Rig {
  readonly lab: BuiltLab;
  readonly bridge: LabBridge;
  readonly journal: Journal;
  /** Entries that every map of the program can hold. */
  readonly mapKeys: number;
  readonly wire: Wire;
  /** Ifindexes, the bridge's own first. */
  readonly ports: readonly number[];
  /** All that the model has said since the start, entries taken away by hand or by age included. */
  readonly sums: ReadonlyMap<PortId, Sum>;
  removed: number;
  aged: number;
  /** The sums and the interface counters at the moment from which they are compared. */
  start: { sums: ReadonlyMap<PortId, Sum>; counters: ReadonlyMap<PortId, Counters> };
  /** Every frame sent so far, by number from 1 on. */
  readonly sent: readonly SentFrame[];
  nameOf(ifindex: number): PortId;
  /** Sends one frame of which the model expects `outcome`. */
  send(ingress: PortId, source: string, destination: string, outcome: Outcome, step: Step): void;
  /** Books a frame that somebody else sends in our stead, and lays it out. */
  book(ingress: PortId, source: string, destination: string, outcome: Outcome): Buffer;
  /** Returns once everything sent so far from this CPU was handled and reported. */
  settle(): Promise<void>;
  /** Tells the probes of entries that no tracepoint shows them. */
  seed(entries: Entry[]): Promise<void>;
  /** Ends the probes. */
  finish(): Promise<{ records: Records; account: Account }>;
  close(): Promise<void>;
}

export async function openRig(options: { program?: string; lab?: string } = {}): Promise<Rig> {
  const topology = options.lab ?? `bridge:${PORTS},forward_delay=0s`;
  const lab = await buildPrivateLab(parseTopology(topology));
  const closers: (() => void | Promise<void>)[] = [() => lab.close()];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    const { bridge } = lab;
    if (bridge === null) throw new Error("the lab has no bridge");
    // With snooping on, the bridge joins 224.0.0.106 and would report it at times of its own.
    writeSysctl(bridge.namespace, "net.ipv4.igmp_link_local_mcast_reports", "0");
    const session = await startSession(lab, options.program ?? PROGRAM);
    closers.push(() => session.kill());
    const wire = openWire(lab);
    closers.push(() => wire.close());
    const rig = createRig(lab, bridge, session, wire, close);
    await rig.seed(await readFdb(lab));
    rig.start = { sums: structuredClone(rig.sums), counters: await readCounters(lab) };
    return rig;
  } catch (error) {
    await close();
    throw error;
  }
}

function startSession(lab: BuiltLab, file: string): Promise<ProbeSession> {
  const program = tracepointProgram(lab, { sampleOneIn: 1, bypassesQdisc: false, events: true });
  // -k: every helper that fails is an entry in Records.errors.
  return startProbes(lab.site, { ...program, file, parameters: ["-k", ...program.parameters] });
}

function createRig(
  lab: BuiltLab,
  bridge: LabBridge,
  session: ProbeSession,
  wire: Wire,
  close: () => Promise<void>,
): Rig {
  const names = new Map<number, PortId>([[bridge.ifindex, HOST]]);
  for (const { port } of lab.hosts) if (port !== null) names.set(port.ifindex, port.name);
  const ports = [...names.keys()];
  const ids = [...names.values()];
  const sent: SentFrame[] = [];
  const sums = emptySums(ids);
  const journal = createJournal((number) => number > 0 && number <= sent.length);
  session.onLine((line) => journal.add(line));

  function book(
    ingress: PortId,
    source: string,
    destination: string,
    outcome: Outcome,
    step: Step | null = null,
  ): Buffer {
    const number = sent.length + 1;
    const bytes = frameBytes(number, source, destination);
    const frame = { number, bytes: bytes.length, ingress, outcome, step };
    sent.push(frame);
    addFrame(sums, frame);
    return bytes;
  }

  return {
    lab,
    bridge,
    journal,
    mapKeys: session.mapKeys,
    wire,
    ports,
    sums,
    removed: 0,
    aged: 0,
    start: { sums, counters: new Map() },
    sent,
    nameOf: (ifindex) => names.get(ifindex) ?? `ifindex ${ifindex}`,
    send(ingress, source, destination, outcome, step) {
      wire.socket(ingress).send(book(ingress, source, destination, outcome, step));
    },
    book,
    // The bridge drops a frame without a valid source and learns nothing from it. One CPU handles
    // and reports its frames in order, so whatever went before this one is in the journal with it.
    async settle() {
      const [, first = HOST] = ids;
      wire.socket(first).send(book(first, "00:00:00:00:00:00", bridge.mac, NOWHERE));
      await journal.arrival(sent.length, ARRIVAL_TIMEOUT_MS);
    },
    seed: (entries) =>
      seed(session, entries, (id) => ports.find((port) => names.get(port) === id) ?? 0),
    async finish() {
      const records = await session.stop();
      return { records, account: readAccount(records, ports) };
    },
    close,
  };
}
