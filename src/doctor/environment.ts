import type { Run } from "../document/run.ts";
import { type FunctionTable, readFunctions } from "../probes/functions.ts";
import { printable } from "../text/printable.ts";
import type { Finding } from "./finding.ts";
import { tracedFunctions } from "./function-table.ts";
import { type KernelConfig, readKernelConfig } from "./kernel-config.ts";
import { noiseFindings, readNoiseFacts } from "./noise.ts";
import { preemptModel } from "./preempt.ts";
import { readLine, readPrivately, readText } from "./read.ts";
import { readToolFacts, showToolVersion, TOOLS } from "./tools.ts";

type Environment = Run["environment"];

const SYSCTLS = [
  "kernel.bpf_stats_enabled",
  "kernel.perf_event_paranoid",
  "kernel.unprivileged_bpf_disabled",
  "net.core.bpf_jit_enable",
  "net.core.dev_weight",
  "net.core.netdev_budget",
  "net.core.netdev_budget_usecs",
  "net.core.netdev_max_backlog",
  "net.core.rps_sock_flow_entries",
];

/** The options that change what a bridge, a veth, a probe or the scheduler does. */
const OPTION =
  /^CONFIG_(BRIDGE|BRIDGE_\w+|VETH|NET_NS|VLAN_8021Q|VXLAN|NET_SCH_NETEM|NET_PKTGEN|NETFILTER|NF_TABLES|NF_TABLES_BRIDGE|NF_CONNTRACK_BRIDGE|RPS|XPS|BPF_JIT|BPF_JIT_ALWAYS_ON|BPF_EVENTS|KPROBES|DEBUG_INFO_BTF|DEBUG_INFO_BTF_MODULES|FUNCTION_TRACER|DYNAMIC_FTRACE_WITH_DIRECT_CALLS|FTRACE_SYSCALLS|PREEMPT\w*|HZ|NO_HZ\w*|PARAVIRT|SLUB_DEBUG_ON|LOCKDEP|PROVE_LOCKING|KASAN|CC_VERSION_TEXT)$/;

/**
 * What a run was measured on. Unreadable things are left out or said to be unknown; never throws.
 * `functions` may carry what came of trying to attach; unless told it is what the kernel's files say.
 */
export async function environment(functions?: FunctionTable): Promise<Environment> {
  const release = (await readLine("/proc/sys/kernel/osrelease")) ?? "unknown";
  const [config, version, banner, cmdline, cpuinfo, debugPreempt, noise, tools, sysctls] =
    await Promise.all([
      readKernelConfig(release),
      readLine("/proc/sys/kernel/version"),
      readLine("/proc/version"),
      readLine("/proc/cmdline"),
      readText("/proc/cpuinfo"),
      readPrivately("debugfs", "/sys/kernel/debug", "sched/preempt"),
      readNoiseFacts(),
      toolVersions(),
      readSysctls(),
    ]);
  const compiler = compilerOf(banner ?? "");
  return {
    kernel: {
      release,
      version: version ?? "unknown",
      cmdline: kernelArguments(cmdline ?? ""),
      config: bridgeOptions(config),
      mitigations: noise.mitigations,
      preempt: preemptModel(version ?? "", config, debugPreempt),
      ...(compiler === null ? {} : { compiler }),
    },
    cpu: {
      model: cpuModel(cpuinfo ?? ""),
      architecture: process.arch,
      online: noise.onlineCpus,
      virtualization: noise.virtualization,
      governor: noise.governors.length === 0 ? null : noise.governors.join(", "),
    },
    clock: "wall",
    clocksource: noise.clocksource,
    tools,
    sysctls,
    noise: noiseFindings(noise, config).map(noiseEntry),
    functions: tracedFunctions(functions ?? readFunctions()),
  };
}

/** From `Linux version RELEASE (WHO BUILT IT) (COMPILER, LINKER) #1 ...`; null where it reads otherwise. */
export function compilerOf(banner: string): string | null {
  return /^Linux version \S+ \([^()]*\) \((.+?)\) #/.exec(banner)?.[1] ?? null;
}

/** What follows `--` is for init and not for the kernel; it may be long and private. */
export function kernelArguments(cmdline: string): string {
  return cmdline.split(/(?:^|\s)--(?:\s|$)/)[0]?.trim() ?? "";
}

export function cpuModel(cpuinfo: string): string {
  const name = /^(?:model name|Model|cpu model|Processor)\s*:\s*(.+)$/m.exec(cpuinfo)?.[1];
  return printable(name?.trim() ?? "unknown");
}

function bridgeOptions(config: KernelConfig | null): Record<string, string> {
  return Object.fromEntries([...(config?.options ?? [])].filter(([name]) => OPTION.test(name)));
}

/** By the package's name: that is what a person installs another version of. */
async function toolVersions(): Promise<Record<string, string>> {
  const entries = await Promise.all(
    TOOLS.filter((tool) => tool.shapesRuns !== false).map(async (tool) => {
      const { version } = await readToolFacts(tool);
      return version === null ? [] : [[tool.package, showToolVersion(version)] as const];
    }),
  );
  return { node: process.versions.node, ...Object.fromEntries(entries.flat()) };
}

async function readSysctls(): Promise<Record<string, string>> {
  const entries = await Promise.all(
    SYSCTLS.map(async (name) => {
      const value = await readLine(`/proc/sys/${name.replaceAll(".", "/")}`);
      return value === null ? [] : [[name, value] as const];
    }),
  );
  return Object.fromEntries(entries.flat());
}

function noiseEntry({ id, status, observed, meaning, remedy }: Finding) {
  const advice = remedy === null ? meaning : `${meaning}: ${remedy}`;
  return { id, observed, advice: status === "ok" ? null : advice };
}
