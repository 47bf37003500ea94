import { type Account, fullMaps, readAccount } from "../../../src/probes/account.ts";
import type { ProbeBackend } from "../../../src/probes/backend.ts";
import { type ProbeSession, startProbes } from "../../../src/probes/bpftrace.ts";
import { probeProgram } from "../../../src/probes/programs.ts";
import { type BuiltLab, buildPrivateLab, type LabBridge } from "../../../src/setup/lab.ts";
import { parseTopology } from "../../../src/setup/topology.ts";
import { writeSysctl } from "../../../src/system/netns.ts";
import { patience } from "../../../src/system/patience.ts";
import { HOST, type Outcome, type PortId } from "../../model/bridge.ts";
import type { Step } from "../../model/steps.ts";
import { addFrame, emptySums, type SentFrame, type Sum } from "./expectation.ts";
import { createJournal, type Journal } from "./journal.ts";
import { batch, type Counters, type Entry, readCounters, readFdb, seed, vlanOf } from "./kernel.ts";
import { frameBytes, openWire, type Wire } from "./wire.ts";

export const PORTS = 5;
const ARRIVAL_TIMEOUT_MS = patience(5_000);
const NOWHERE: Outcome = { decision: "filtered", egress: [], learned: false, moved: false };

/** What any kernel with BTF can be observed by. */
const TRACEPOINT: ProbeBackend = {
  name: "tracepoint",
  reason: "",
  bpftraceVersion: [0, 17],
  functions: new Map(),
};

export interface RigOptions {
  /** One witness each; tracepoints alone when absent. */
  backends?: readonly ProbeBackend[];
  /** Changes the program's text; for bugs that are planted. */
  edit?: (text: string, backend: ProbeBackend) => string;
  lab?: string;
}

/** One backend's program that watches the lab, and what it has told so far. */
export interface Witness {
  readonly name: string;
  readonly journal: Journal;
  readonly session: ProbeSession;
  /** It counts what the bridge's functions do, too. */
  readonly hasFunctions: boolean;
  /** Sections that this kernel cannot have. */
  readonly dropped: readonly { function: string; reason: string }[];
}

/** What one witness leaves. */
export interface Testimony {
  witness: Witness;
  account: Account;
  /** Its mirror of the FDB: VLAN << 48 | address, and the ifindex. */
  fdb: ReadonlyMap<bigint, number>;
  full: string[];
}

/** A resident lab under the probes, and the model's books beside it. */
export interface Rig {
  readonly lab: BuiltLab;
  readonly bridge: LabBridge;
  readonly witnesses: readonly Witness[];
  readonly wire: Wire;
  /** Ifindexes, the bridge's own first. */
  readonly ports: readonly number[];
  /** All that the model has said since the start, entries taken away by hand or by age included. */
  readonly sums: ReadonlyMap<PortId, Sum>;
  removed: number;
  aged: number;
  /** Where the lab's bridge filters VLANs, those that are no members of VLAN 1 now. */
  outsiders: ReadonlySet<PortId>;
  /** The sums and the interface counters at the moment from which they are compared. */
  start: { sums: ReadonlyMap<PortId, Sum>; counters: ReadonlyMap<PortId, Counters> };
  /** Every frame sent so far, by number from 1 on. */
  readonly sent: readonly SentFrame[];
  nameOf(ifindex: number): PortId;
  /** Sends one frame of which the model expects `outcome`. */
  send(ingress: PortId, source: string, destination: string, outcome: Outcome, step: Step): void;
  /** Books a frame that somebody else sends in our stead, and lays it out. */
  book(ingress: PortId, source: string, destination: string, outcome: Outcome): Buffer;
  /** Returns once everything sent so far from this CPU was handled and reported by all. */
  settle(): Promise<void>;
  /** Tells the probes of entries that no tracepoint shows them. */
  seed(entries: Entry[]): Promise<void>;
  /** Ends the probes; in the order of the witnesses. */
  finish(): Promise<Testimony[]>;
  close(): Promise<void>;
}

export async function openRig(options: RigOptions = {}): Promise<Rig> {
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
    // Without filtering, an entry by hand is one more in each VLAN of its port; frames only see VLAN 0.
    if (vlanOf(lab) === 0) {
      await batch(lab, "ip", ["link set dev br0 type bridge vlan_default_pvid 0"]);
    }
    const wire = openWire(lab);
    closers.push(() => wire.close());
    const rig = createRig(lab, bridge, wire, close);
    for (const backend of options.backends ?? [TRACEPOINT]) {
      const witness = await startWitness(rig, backend, options.edit);
      closers.push(() => witness.session.kill());
      rig.witnesses.push(witness);
    }
    await rig.seed(await readFdb(lab));
    rig.start = { sums: structuredClone(rig.sums), counters: await readCounters(lab) };
    return rig;
  } catch (error) {
    await close();
    throw error;
  }
}

async function startWitness(
  { lab, sent }: Rig,
  backend: ProbeBackend,
  edit: RigOptions["edit"],
): Promise<Witness> {
  const options = { packed: true, events: true, mapKeys: 16_384 };
  const program = probeProgram(lab, backend, options);
  const text = edit === undefined ? program.text : edit(program.text, backend);
  // -k: every helper that fails is an entry in Records.errors.
  const session = await startProbes(lab.site, { ...program, text, flags: ["-k"] });
  const journal = createJournal((number) => number > 0 && number <= sent.length);
  session.onLine((line) => journal.add(line));
  return {
    name: backend.name,
    journal,
    session,
    hasFunctions: backend.name !== "tracepoint",
    dropped: program.dropped,
  };
}

function createRig(
  lab: BuiltLab,
  bridge: LabBridge,
  wire: Wire,
  close: () => Promise<void>,
): Rig & { witnesses: Witness[] } {
  const names = new Map<number, PortId>([[bridge.ifindex, HOST]]);
  for (const { port } of lab.hosts) if (port !== null) names.set(port.ifindex, port.name);
  const ports = [...names.keys()];
  const ids = [...names.values()];
  const sent: SentFrame[] = [];
  const sums = emptySums(ids);
  const witnesses: Witness[] = [];

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
    witnesses,
    wire,
    ports,
    sums,
    removed: 0,
    aged: 0,
    outsiders: new Set(),
    start: { sums, counters: new Map() },
    sent,
    nameOf: (ifindex) => names.get(ifindex) ?? `ifindex ${ifindex}`,
    send(ingress, source, destination, outcome, step) {
      wire.socket(ingress).send(book(ingress, source, destination, outcome, step));
    },
    book,
    // The bridge drops a frame without a valid source and learns nothing from it. One CPU handles
    // and reports its frames in order, so whatever went before this one is in the journals with it.
    async settle() {
      const [, first = HOST] = ids;
      wire.socket(first).send(book(first, "00:00:00:00:00:00", bridge.mac, NOWHERE));
      const arrivals = witnesses.map(({ name, journal }) =>
        journal.arrival(sent.length, ARRIVAL_TIMEOUT_MS, name),
      );
      await Promise.all(arrivals);
    },
    async seed(entries) {
      const ifindexOf = (id: PortId) => ports.find((port) => names.get(port) === id) ?? 0;
      for (const { session } of witnesses) await seed(session, entries, vlanOf(lab), ifindexOf);
    },
    async finish() {
      const testimonies: Testimony[] = [];
      for (const witness of witnesses) {
        const found = await witness.session.stop((maps) => ({
          account: readAccount(maps, ports, witness.hasFunctions),
          fdb: new Map(maps.counts("fdb").map(([[key = 0n], port]) => [key, port])),
          full: fullMaps(maps),
        }));
        testimonies.push({ witness, ...found });
      }
      return testimonies;
    },
    close,
  };
}
