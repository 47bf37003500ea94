import { runOk } from "../system/command.ts";
import { PrerequisiteError, ToolError } from "../system/errors.ts";
import { tryBackend } from "./function-try.ts";
import { type FunctionTable, readFunctions, withRefusal } from "./functions.ts";

export const BACKEND_NAMES = ["fentry", "kprobe", "tracepoint"] as const;
export type BackendName = (typeof BACKEND_NAMES)[number];

/** How the kernel is observed in a run, and all that its programs need to know for that. */
export interface ProbeBackend {
  name: BackendName;
  /** Why this one. */
  reason: string;
  bpftraceVersion: readonly [major: number, minor: number];
  /** What can be probed here; valid while the modules of the first lab stay loaded. */
  functions: FunctionTable;
}

/**
 * The backend that was asked for; with `auto` the first of fentry, kprobe and tracepoint that loads here,
 * since the functions tell what the bridge decided, and the tracepoints only what followed from it. Throws
 * a PrerequisiteError when the one that was asked for does not load.
 */
export async function chooseBackend(asked: BackendName | "auto"): Promise<ProbeBackend> {
  const bpftraceVersion = await readVersion();
  let functions = readFunctions();
  const chosen = (name: BackendName, reason: string): ProbeBackend => ({
    name,
    reason,
    bpftraceVersion,
    functions,
  });
  if (asked === "tracepoint") return chosen(asked, "asked for");
  if (asked !== "auto") {
    const refusal = await tryBackend(asked, bpftraceVersion, functions);
    if (refusal === null) return chosen(asked, "asked for");
    throw new PrerequisiteError(
      `the backend ${asked} cannot be used here: ${refusal}; --backend tracepoint works on any kernel with BTF`,
    );
  }
  const refusals: string[] = [];
  for (const name of ["fentry", "kprobe"] as const) {
    const refusal = await tryBackend(name, bpftraceVersion, functions);
    if (refusal === null) {
      return chosen(name, [`auto: ${name} loads here`, ...refusals].join("; "));
    }
    functions = withRefusal(functions, name, refusal);
    refusals.push(`${name} does not: ${refusal}`);
  }
  return chosen("tracepoint", ["auto: tracepoints load here", ...refusals].join("; "));
}

async function readVersion(): Promise<[number, number]> {
  const said = await runOk("bpftrace", ["--version"]);
  const [, major, minor] = /v?(\d+)\.(\d+)/.exec(said) ?? [];
  if (major === undefined || minor === undefined) {
    throw new ToolError("bpftrace", "bpftrace --version names no version");
  }
  return [Number(major), Number(minor)];
}
