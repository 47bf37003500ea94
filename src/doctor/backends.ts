import { access } from "node:fs/promises";
import { inConfig } from "./bridge-support.ts";
import { type Finding, finding } from "./finding.ts";
import type { KernelFacts } from "./kernel.ts";

const TODAY = "runs are observed through tracepoints today";

export async function backendFindings(kernel: KernelFacts): Promise<Finding[]> {
  // Only a kernel with kprobes has the switch for their optimisation.
  const kprobeSwitch = await access("/proc/sys/debug/kprobes-optimization").then(
    () => true,
    () => false,
  );
  return [tracepoint(kernel), fentry(kernel), kprobe(kernel, kprobeSwitch)];
}

function tracepoint({ btf, tracefs, lockdown }: KernelFacts): Finding {
  const lacks = [
    ...(btf ? [] : ["BTF"]),
    ...(tracefs === "absent" ? ["tracefs"] : []),
    ...(lockdown === "confidentiality" ? ["a lockdown below confidentiality"] : []),
  ];
  return finding({
    id: "backend/tracepoint",
    status: lacks.length === 0 ? "ok" : "missing",
    requiredFor: "bench",
    observed: lacks.length === 0 ? "can be used" : `lacks ${lacks.join(" and ")}`,
    meaning: "sees every frame on any kernel with BTF; it is the one that runs today",
    remedy: lacks.length === 0 ? null : "see the findings of the family kernel/",
  });
}

export function fentry({ btf, config, lockdown }: KernelFacts): Finding {
  const id = "backend/fentry";
  const lacks = [
    ...(btf ? [] : ["BTF"]),
    ...["CONFIG_FUNCTION_TRACER", "CONFIG_DYNAMIC_FTRACE_WITH_DIRECT_CALLS"].filter(
      (option) => inConfig(config, option) === "absent",
    ),
  ];
  if (lacks.length > 0) {
    return finding({
      id,
      status: "warning",
      observed: `cannot load: this kernel lacks ${lacks.join(" and ")}`,
      meaning: TODAY,
    });
  }
  const known = config === null ? "the kernel configuration is not readable" : "configured";
  const locked = lockdown === null || lockdown === "none" ? "" : `, lockdown is ${lockdown}`;
  return finding({
    id,
    status: "ok",
    observed: `${known}${locked}; not tried, loading can still be refused`,
    meaning: TODAY,
  });
}

export function kprobe({ config, lockdown }: KernelFacts, switchSeen: boolean): Finding {
  const id = "backend/kprobe";
  const configured = inConfig(config, "CONFIG_KPROBES");
  if (configured === "absent") {
    const observed = "cannot load: CONFIG_KPROBES is not in this kernel";
    return finding({ id, status: "warning", observed, meaning: TODAY });
  }
  if (lockdown === "confidentiality") {
    const observed = "cannot load: lockdown is confidentiality";
    return finding({ id, status: "warning", observed, meaning: TODAY });
  }
  const observed =
    configured === "unknown" && !switchSeen
      ? "cannot be told: the kernel configuration is not readable"
      : "the kernel has kprobes; not tried";
  return finding({ id, status: "ok", observed, meaning: TODAY });
}
