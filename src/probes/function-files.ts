import { existsSync, readFileSync } from "node:fs";

/** What the function table is read from. A file that cannot be read is null. */
export interface KernelFiles {
  /** /proc/kallsyms */
  kallsyms(): Buffer | null;
  /** available_filter_functions of tracefs */
  filterFunctions(): Buffer | null;
  /** /sys/kernel/btf/<module>, `vmlinux` for the kernel itself */
  btf(module: string): Buffer | null;
  /** As `uname -r` prints it. */
  readonly release: string;
  /** Whether the kernel was built with kprobes. */
  readonly kprobes: boolean;
}

/** The running kernel's; tracefs only where it is mounted, below `root` when one is given. */
export function liveKernelFiles(root = ""): KernelFiles {
  return {
    kallsyms: () => bytesOf("/proc/kallsyms"),
    filterFunctions: () =>
      bytesOf(`${root}/sys/kernel/tracing/available_filter_functions`) ??
      bytesOf(`${root}/sys/kernel/debug/tracing/available_filter_functions`),
    btf: (module) => bytesOf(`/sys/kernel/btf/${module}`),
    release: bytesOf("/proc/sys/kernel/osrelease")?.toString().trim() ?? "unknown",
    kprobes: existsSync("/sys/bus/event_source/devices/kprobe"),
  };
}

/** Not asynchronous: /proc comes a page at a time, and a thousand turns of the event loop cost more. */
function bytesOf(path: string): Buffer | null {
  try {
    const bytes = readFileSync(path);
    return bytes.length === 0 ? null : bytes;
  } catch {
    return null;
  }
}
