import { readFileSync } from "node:fs";
import type { Stage } from "../document/run.ts";
import { callTestFunctions, loadIdleProgram } from "../system/bpf.ts";
import { close } from "../system/libc.ts";
import type { Site } from "../system/site.ts";
import type { ProbeBackend } from "./backend.ts";
import { NONCE, type ProbeProgram, type ProbeSession, startProbes } from "./bpftrace.ts";
import { parseBtf } from "./btf.ts";
import type { FunctionTable, KernelFunction } from "./functions.ts";
import type { ProbeCounts } from "./maps.ts";
import { COUNTED, programText } from "./programs.ts";

export type CountedStage = Exclude<Stage, "path">;

/** What frames pass whose destination is known, and what frames pass that are flooded. */
export const FORWARDED: readonly CountedStage[] = [
  "bridge.forward",
  "veth.in",
  "veth.out",
  "bridge.lookup",
];
export const FLOODED: readonly CountedStage[] = ["bridge.flood"];

interface Pair {
  from: string;
  to: string;
  /** Whether the clock stops where `to` is entered or where it returns. */
  end: "entry" | "exit";
}

/**
 * Between which functions a stage is counted. veth.in, bridge.forward and veth.out follow each other without gap or
 * overlap: where one ends the next begins, at the entry of one function.
 */
const PAIRS: Record<CountedStage, Pair> = {
  "veth.in": { from: "veth_xmit", to: "br_handle_frame", end: "entry" },
  "bridge.forward": { from: "br_handle_frame", to: "br_dev_queue_push_xmit", end: "entry" },
  "bridge.flood": { from: "br_handle_frame", to: "br_flood", end: "exit" },
  "bridge.learn": { from: "br_handle_frame", to: "fdb_create", end: "exit" },
  "bridge.lookup": { from: "br_fdb_find_rcu", to: "br_fdb_find_rcu", end: "exit" },
  "veth.out": { from: "br_dev_queue_push_xmit", to: "ip_rcv", end: "entry" },
};

/** In a chain, from one bridge's egress port to the next bridge: with bridge.forward, all that a hop is. */
const PATCH: Pair = { from: "br_dev_queue_push_xmit", to: "br_handle_frame", end: "entry" };

/** Stages of frames of a workload that are counted: in a chain of one hop between others, so not how frames come in. */
export function countedStages(all: readonly CountedStage[], inChain: boolean): CountedStage[] {
  return all.filter((stage) => !inChain || stage !== "veth.in");
}

/** The kernel's self-test functions: tiny, called one after the other, and in every kernel with BPF. */
const EMPTY_FROM = "bpf_fentry_test1";
const EMPTY_TO = "bpf_fentry_test2";

/**
 * Instructions of the empty path itself, which are not the probes': a sum and a return, then arguments and a call, and
 * where the clock stops at an exit another sum and return. That a pair around two of the functions instead of one reads
 * this much more was seen on Linux 6.1, by fentry and by kprobe (test/guest/chain.test.ts); compilers differ by two.
 */
const EMPTY_PATH = { entry: 8, exit: 11, sameFunction: 3 } as const;

/** The round under which the empty path is booked. */
export const CALIBRATION_ROUND = 254;
const CALIBRATION_CALLS = 200;

const MAP_KEYS = 16_384;

/** A stage under its two probes. */
export interface CountedSession {
  session: ProbeSession;
  /** `fentry to fexit` and the like. */
  pair: string;
  from: string;
  to: string;
  /** Instructions of the empty path that the probes are calibrated on. */
  emptyPath: number;
  /** Books samples of the empty path. */
  calibrate(): void;
  close(): void;
}

/** Why a stage cannot be counted on this kernel by this backend, or null. */
export function countedRefusal(stage: CountedStage, backend: ProbeBackend): string | null {
  if (backend.name === "tracepoint") return "counted time takes function probes";
  const { from, to } = PAIRS[stage];
  for (const name of [from, to].filter((one) => !EVERYWHERE.includes(one))) {
    const known = backend.functions.get(name);
    const reason = known === undefined ? "not in the function table" : known[backend.name];
    if (reason !== null) return `${name}: ${reason}`;
  }
  return null;
}

export interface CountedOptions {
  /** Frames pass several bridges one after the other. */
  inChain: boolean;
  /** The function at which the empty path ends; another than usual shows what the path itself takes. */
  emptyTo?: string;
  signal?: AbortSignal | undefined;
}

/** Attaches the two probes of a stage, and the same two around an empty path. */
export async function startCounted(
  site: Site,
  stage: CountedStage,
  backend: ProbeBackend,
  { inChain, emptyTo: usual = EMPTY_TO, signal }: CountedOptions,
): Promise<CountedSession> {
  const { from, to, end } = inChain && stage === "veth.out" ? PATCH : PAIRS[stage];
  const same = from === to;
  const emptyTo = same ? EMPTY_FROM : usual;
  const exit = end === "exit" ? "fexit" : "fentry";
  const edit = (text: string) =>
    text
      .replace("fentry:br_dev_queue_push_xmit", `${exit}:${to}`)
      .replace("fentry:br_handle_frame\n", `fentry:${from}\n`)
      .replace(`fentry:${EMPTY_TO}`, `${exit}:${emptyTo}`);
  const functions = withFunctions(backend.functions, [...EVERYWHERE, emptyTo]);
  const program: ProbeProgram = {
    ...programText(COUNTED, { ...backend, functions }, edit),
    parameters: [NONCE],
    mapKeys: MAP_KEYS,
  };
  const idle = loadIdleProgram(testFunctionId());
  try {
    const session = await startProbes(site, program, signal);
    const [enter, leave] =
      backend.name === "kprobe" ? ["kprobe", "kretprobe"] : ["fentry", "fexit"];
    const last = end === "exit" ? leave : enter;
    return {
      session,
      pair: `${enter} to ${last}${same ? " of one function" : ""}`,
      from: `${enter}:${from}`,
      to: `${last}:${to}`,
      emptyPath: EMPTY_PATH[same ? "sameFunction" : end],
      calibrate() {
        session.round(CALIBRATION_ROUND);
        for (let call = 0; call < CALIBRATION_CALLS; call++) callTestFunctions(idle);
        session.round(0);
      },
      close: () => close(idle),
    };
  } catch (error) {
    close(idle);
    throw error;
  }
}

/** Samples by round: how often each number of instructions was seen. */
export function countedSamples(maps: ProbeCounts): Map<number, Map<number, number>> {
  const rounds = new Map<number, Map<number, number>>();
  for (const [key, count] of maps.counts("lat")) {
    const [round = 0, value = 0] = key.map(Number);
    const samples = rounds.get(round) ?? new Map<number, number>();
    samples.set(value, count);
    rounds.set(round, samples);
  }
  return rounds;
}

function testFunctionId(): number {
  return functionId(EMPTY_FROM);
}

function functionId(name: string): number {
  const btf = parseBtf(readFileSync("/sys/kernel/btf/vmlinux"), [name]);
  const id = btf.func(name)?.id;
  if (id === undefined) throw new Error(`the kernel's BTF has no function ${name}`);
  return id;
}

/** In every kernel image, and probed here alone, so the table of functions does not have them. */
const EVERYWHERE: readonly string[] = [EMPTY_FROM, EMPTY_TO, "ip_rcv"];

function withFunctions(functions: FunctionTable, names: readonly string[]): FunctionTable {
  const known = (name: string): [string, KernelFunction] => [
    name,
    { name, module: null, parameters: [], fentry: null, kprobe: null },
  ];
  return new Map([...functions, ...names.map(known)]);
}
