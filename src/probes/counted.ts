import { readFileSync } from "node:fs";
import type { Stage } from "../document/run.ts";
import { callTestFunctions, loadIdleProgram } from "../system/bpf.ts";
import { close } from "../system/libc.ts";
import type { Site } from "../system/site.ts";
import type { ProbeBackend } from "./backend.ts";
import { NONCE, type ProbeProgram, type ProbeSession, startProbes } from "./bpftrace.ts";
import { parseBtf } from "./btf.ts";
import type { FunctionTable, KernelFunction } from "./functions.ts";
import { COUNTED, programText } from "./programs.ts";
import type { Records } from "./records.ts";

export type CountedStage = Exclude<Stage, "path" | "veth.out">;

/** What frames pass whose destination is known, and what frames pass that are flooded. */
export const FORWARDED: readonly CountedStage[] = ["bridge.forward", "veth.in", "bridge.lookup"];
export const FLOODED: readonly CountedStage[] = ["bridge.flood"];

interface Pair {
  from: string;
  to: string;
  /** Whether the clock stops where `to` is entered or where it returns. */
  end: "entry" | "exit";
}

/** Between which functions a stage is counted. */
const PAIRS: Record<CountedStage, Pair> = {
  "veth.in": { from: "veth_xmit", to: "br_handle_frame", end: "entry" },
  "bridge.forward": { from: "br_handle_frame_finish", to: "br_dev_queue_push_xmit", end: "entry" },
  "bridge.flood": { from: "br_handle_frame_finish", to: "br_flood", end: "exit" },
  "bridge.learn": { from: "br_handle_frame_finish", to: "fdb_create", end: "exit" },
  "bridge.lookup": { from: "br_fdb_find_rcu", to: "br_fdb_find_rcu", end: "exit" },
};

/** The kernel's self-test functions: tiny, called one after the other, and in every kernel with BPF. */
const EMPTY_FROM = "bpf_fentry_test1";
const EMPTY_TO = "bpf_fentry_test2";

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
  /** Books samples of the empty path. */
  calibrate(): void;
  close(): void;
}

/** Why a stage cannot be counted on this kernel by this backend, or null. */
export function countedRefusal(stage: CountedStage, backend: ProbeBackend): string | null {
  if (backend.name === "tracepoint") return "counted time takes function probes";
  const { from, to } = PAIRS[stage];
  for (const name of [from, to]) {
    const known = backend.functions.get(name);
    const reason = known === undefined ? "not in the function table" : known[backend.name];
    if (reason !== null) return `${name}: ${reason}`;
  }
  return null;
}

/** Attaches the two probes of a stage, and the same two around an empty path. */
export async function startCounted(
  site: Site,
  stage: CountedStage,
  backend: ProbeBackend,
  signal?: AbortSignal,
): Promise<CountedSession> {
  const { from, to, end } = PAIRS[stage];
  const same = from === to;
  const emptyTo = same ? EMPTY_FROM : EMPTY_TO;
  const exit = end === "exit" ? "fexit" : "fentry";
  const edit = (text: string) =>
    text
      .replace("fentry:br_dev_queue_push_xmit", `${exit}:${to}`)
      .replace("fentry:br_handle_frame_finish", `fentry:${from}`)
      .replace(`fentry:${EMPTY_TO}`, `${exit}:${emptyTo}`);
  const functions = withTestFunctions(backend.functions);
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
export function countedSamples(records: Records): Map<number, Map<number, number>> {
  const rounds = new Map<number, Map<number, number>>();
  for (const [key, count] of records.maps.get("@lat") ?? []) {
    const [round = 0, value = 0] = key.split(",").map(Number);
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

/** The self-test functions belong to no frame's way, so the table has them only here. */
function withTestFunctions(functions: FunctionTable): FunctionTable {
  const known = (name: string): [string, KernelFunction] => [
    name,
    { name, module: null, parameters: [], fentry: null, kprobe: null },
  ];
  return new Map([...functions, known(EMPTY_FROM), known(EMPTY_TO)]);
}
