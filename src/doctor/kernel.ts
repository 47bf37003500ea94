import { access } from "node:fs/promises";
import { endianness } from "node:os";
import { callNumbers } from "../system/architecture.ts";
import { PrerequisiteError } from "../system/errors.ts";
import { type Finding, finding } from "./finding.ts";
import { type KernelConfig, readKernelConfig } from "./kernel-config.ts";
import { preemptModel } from "./preempt.ts";
import { readLine, readPrivately, readText } from "./read.ts";
import { compareVersions, parseVersion, type Version } from "./version.ts";

export interface KernelFacts {
  /** As Node names it, and `LE` or `BE`. */
  architecture: string;
  order: string;
  release: string;
  /** As `uname -v` prints it. */
  version: string;
  config: KernelConfig | null;
  btf: boolean;
  tracefs: "mounted" | "mountable" | "absent";
  /** `none`, `integrity` or `confidentiality`; null where the kernel does not say. */
  lockdown: string | null;
}

const BTF = "/sys/kernel/btf/vmlinux";
const OLDEST_TRIED: Version = [5, 10, 0];
const GUEST = "boot a distribution kernel (Debian 11 and later, Ubuntu 22.04 and later have it)";

export async function readKernelFacts(): Promise<KernelFacts> {
  const release = (await readLine("/proc/sys/kernel/osrelease")) ?? "unknown";
  const [version, config, btf, mounts, filesystems, lockdown] = await Promise.all([
    readLine("/proc/sys/kernel/version"),
    readKernelConfig(release),
    access(BTF).then(
      () => true,
      () => false,
    ),
    readText("/proc/self/mounts"),
    readText("/proc/filesystems"),
    readPrivately("securityfs", "/sys/kernel/security", "lockdown"),
  ]);
  const mounted = / tracefs /.test(mounts ?? "");
  const mountable = /\btracefs$/m.test(filesystems ?? "");
  return {
    architecture: process.arch,
    order: endianness(),
    release,
    version: version ?? "",
    config,
    btf,
    tracefs: mounted ? "mounted" : mountable ? "mountable" : "absent",
    lockdown: parseLockdown(lockdown),
  };
}

/** The mode in brackets: `none [integrity] confidentiality`. */
export function parseLockdown(text: string | null): string | null {
  return /\[(\w+)\]/.exec(text ?? "")?.[1] ?? null;
}

export function kernelFindings(facts: KernelFacts): Finding[] {
  return [architecture, release, config, btf, tracefs, lockdown, preemption].map((judge) =>
    judge(facts),
  );
}

function architecture({ architecture, order }: KernelFacts): Finding {
  const refused = refusal(architecture, order);
  return finding({
    id: "kernel/architecture",
    status: refused === null ? "ok" : "missing",
    requiredFor: "lab",
    observed: `${architecture}, ${order === "LE" ? "little-endian" : "big-endian"}`,
    meaning: refused ?? "bridgescope knows the kernel's system calls and structures on it",
  });
}

function refusal(architecture: string, order: string): string | null {
  try {
    callNumbers(architecture, order);
    return null;
  } catch (error) {
    if (error instanceof PrerequisiteError) return error.message;
    throw error;
  }
}

function release({ release }: KernelFacts): Finding {
  const version = parseVersion(release);
  const old = version !== null && compareVersions(version, OLDEST_TRIED) < 0;
  return finding({
    id: "kernel/release",
    status: old ? "warning" : "ok",
    observed: release,
    meaning: old
      ? "bridgescope was never tried on a kernel before 5.10; its tracepoints may differ"
      : "a kernel of an age that bridgescope is tried on",
    remedy: old ? "boot a kernel of 5.10 or later" : null,
  });
}

function config({ config }: KernelFacts): Finding {
  return config === null
    ? finding({
        id: "kernel/config",
        status: "warning",
        observed: "not readable: neither /proc/config.gz nor /boot/config-<release>",
        meaning: "what this kernel was built without is not known before it fails",
        remedy: "modprobe configs",
      })
    : finding({
        id: "kernel/config",
        status: "ok",
        observed: `${config.source}, ${config.options.size} options set`,
        meaning: "the run document carries the options that matter to a bridge",
      });
}

function btf({ btf }: KernelFacts): Finding {
  return finding({
    id: "kernel/btf",
    status: btf ? "ok" : "missing",
    requiredFor: "bench",
    observed: btf ? BTF : `${BTF} is not there`,
    meaning: btf
      ? "the probes can read the kernel's structures"
      : "without type information (CONFIG_DEBUG_INFO_BTF) no probe can tell one frame from another",
    remedy: btf ? null : GUEST,
  });
}

function tracefs({ tracefs, config }: KernelFacts): Finding {
  const noBpfEvents = config !== null && !config.options.has("CONFIG_BPF_EVENTS");
  if (tracefs === "absent" || noBpfEvents) {
    return finding({
      id: "kernel/tracefs",
      status: "missing",
      requiredFor: "bench",
      observed: tracefs === "absent" ? "not in /proc/filesystems" : "CONFIG_BPF_EVENTS is off",
      meaning: "no program can be attached to the kernel's tracepoints, so nothing can be observed",
      remedy: GUEST,
    });
  }
  return finding({
    id: "kernel/tracefs",
    status: "ok",
    observed: tracefs === "mounted" ? "mounted" : "not mounted, can be mounted",
    meaning: "bridgescope mounts it in a private mount namespace of its own",
  });
}

function lockdown({ lockdown }: KernelFacts): Finding {
  const id = "kernel/lockdown";
  if (lockdown === "confidentiality") {
    return finding({
      id,
      status: "missing",
      requiredFor: "bench",
      observed: lockdown,
      meaning: "the kernel lets no tracing program read its memory",
      remedy: "boot with lockdown=integrity or without lockdown",
    });
  }
  if (lockdown === "integrity") {
    return finding({
      id,
      status: "ok",
      observed: lockdown,
      meaning: "tracepoint probes work; function probes may be refused",
    });
  }
  return finding({
    id,
    status: "ok",
    observed: lockdown ?? "the kernel does not say",
    meaning: "nothing is known to be refused",
  });
}

function preemption({ version, config }: KernelFacts): Finding {
  const observed = preemptModel(version, config, null);
  const realtime = observed === "rt";
  return finding({
    id: "kernel/preemption",
    status: realtime ? "warning" : "ok",
    observed,
    meaning: realtime
      ? "softirqs can be preempted here, and the probes take one CPU's frame for another's"
      : "a CPU finishes one frame before it takes the next, as the probes rely on",
    remedy: realtime ? "boot a kernel without PREEMPT_RT" : null,
  });
}
