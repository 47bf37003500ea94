import type { KernelConfig } from "./kernel-config.ts";

/** The preemption model as it is, or as far as it can be told. */
export function preemptModel(
  version: string,
  config: KernelConfig | null,
  debugfs: string | null,
): string {
  const chosen = /\((\w+)\)/.exec(debugfs ?? "")?.[1];
  if (chosen !== undefined) return chosen;
  if (/\bPREEMPT_RT\b/.test(version)) return "rt";
  const configured = ["NONE", "VOLUNTARY", "LAZY"].find((model) =>
    config?.options.has(`CONFIG_PREEMPT_${model}`),
  );
  const built = configured?.toLowerCase() ?? (config?.options.has("CONFIG_PREEMPT") ? "full" : "");
  if (/\bPREEMPT_DYNAMIC\b/.test(version)) {
    return built === "" ? "dynamic" : `dynamic, ${built} by configuration`;
  }
  if (built !== "") return built;
  return /\bPREEMPT\b/.test(version) ? "full" : "unknown";
}
