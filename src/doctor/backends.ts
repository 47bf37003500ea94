import type { FunctionBackend } from "../probes/functions.ts";
import { inConfig } from "./bridge-support.ts";
import { type Finding, finding } from "./finding.ts";
import type { KernelFacts } from "./kernel.ts";

/** What came of loading a program: null where it attached, else the kernel's or bpftrace's reason. */
export type Tried = Readonly<Record<FunctionBackend, string | null>>;

/** How `--backend auto` would choose; `tried` is null where no bpftrace was there to try with, or it hung. */
export function backendFindings(kernel: KernelFacts, tried: Tried | null): Finding[] {
  const taken = choice(tried);
  return [
    tracepoint(kernel, taken === "tracepoint"),
    functionProbes("fentry", kernel, tried, taken),
    functionProbes("kprobe", kernel, tried, taken),
  ];
}

/** fentry costs less than a kprobe, and either sees more than tracepoints. */
function choice(tried: Tried | null): FunctionBackend | "tracepoint" {
  if (tried?.fentry === null) return "fentry";
  return tried?.kprobe === null ? "kprobe" : "tracepoint";
}

function tracepoint({ btf, tracefs, lockdown }: KernelFacts, taken: boolean): Finding {
  const lacks = [
    ...(btf ? [] : ["BTF"]),
    ...(tracefs === "absent" ? ["tracefs"] : []),
    ...(lockdown === "confidentiality" ? ["a lockdown below confidentiality"] : []),
  ];
  return finding({
    id: "backend/tracepoint",
    status: lacks.length === 0 ? "ok" : "missing",
    requiredFor: "bench",
    observed:
      lacks.length === 0 ? `can be used${taken ? AUTO : ""}` : `lacks ${lacks.join(" and ")}`,
    meaning: "sees every frame on any kernel with BTF",
    remedy: lacks.length === 0 ? null : "see the findings of the family kernel/",
  });
}

const AUTO = "; `--backend auto` takes it";

/** Kernel options without which a backend cannot load; what bpftrace says then is less clear. */
const OPTIONS: Readonly<Record<FunctionBackend, readonly string[]>> = {
  fentry: ["CONFIG_FUNCTION_TRACER", "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS"],
  kprobe: ["CONFIG_KPROBES"],
};

function functionProbes(
  backend: FunctionBackend,
  { config }: KernelFacts,
  tried: Tried | null,
  taken: string,
): Finding {
  const id = `backend/${backend}`;
  if (tried === null) {
    return finding({
      id,
      status: "warning",
      observed: "not known: that takes a bpftrace that works here, see tool/bpftrace",
      meaning: "whether function probes load here is not known",
    });
  }
  const refusal = tried[backend];
  if (refusal === null) {
    const observed = `tried, and attached${taken === backend ? AUTO : ""}`;
    return finding({ id, status: "ok", observed, meaning: "sees the bridge's own decisions" });
  }
  const lacks = OPTIONS[backend].filter((option) => inConfig(config, option) === "absent");
  const reason = lacks.length > 0 ? `this kernel lacks ${lacks.join(" and ")}` : refusal;
  return finding({
    id,
    status: "warning",
    observed: `cannot load: ${reason}`,
    meaning: `\`--backend auto\` takes ${taken} here; a guest's kernel shows the bridge's own decisions`,
    remedy: `bridgescope bench --kernel debian:bookworm --backend ${backend}`,
  });
}
