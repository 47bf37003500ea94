import { run } from "../system/command.ts";
import { PrerequisiteError } from "../system/errors.ts";
import { type Finding, finding, type Job } from "./finding.ts";
import type { Installer } from "./packages.ts";
import { TOOL_TIMEOUT_MS } from "./read.ts";
import { compareVersions, parseVersion, showVersion, type Version } from "./version.ts";

interface Tool {
  command: string;
  versionArgs: readonly string[];
  /** What the version's line looks like; other output is not this tool's. */
  says: RegExp;
  package: string;
  requiredFor: Job | null;
  use: string;
  /** Older ones do not work. */
  oldest?: Version;
  /** What helps where the distribution has only an older one. */
  newer?: string;
  /** Later ones were never tried. */
  newestTried?: Version;
  /** False where no measurement hangs on its version, which then stays out of the document. */
  shapesRuns?: false;
}

export interface ToolFacts {
  installed: boolean;
  version: Version | null;
  /** First line of what it printed, or why it did not answer. */
  said: string;
}

export const TOOLS: readonly Tool[] = [
  {
    command: "bpftrace",
    versionArgs: ["--version"],
    says: /^bpftrace v?[\d.]+/m,
    package: "bpftrace",
    requiredFor: "bench",
    use: "runs the probe programs",
    oldest: [0, 17, 0],
    newer:
      "install bpftrace 0.17 or later (Debian 12 and Ubuntu 24.04 have it), or measure this kernel in a guest, whose userland has bpftrace 0.23: `bridgescope bench --kernel debian:bullseye`, or a bzImage of your own",
    newestTried: [0, 27, 99],
  },
  {
    command: "ip",
    versionArgs: ["-V"],
    says: /^ip utility, \S+/m,
    package: "iproute2",
    requiredFor: "lab",
    use: "builds labs and reads them back",
    oldest: [5, 9, 0],
  },
  {
    command: "bridge",
    versionArgs: ["-V"],
    says: /^bridge utility, \S+/m,
    package: "iproute2",
    requiredFor: "lab",
    use: "reads forwarding entries and ports",
    oldest: [5, 9, 0],
  },
  {
    command: "ping",
    versionArgs: ["-V"],
    says: /iputils\S*[ -]\S+/,
    package: "iputils-ping",
    requiredFor: "lab",
    use: "shows that a lab answers, and drives the workloads ping and ping-flood",
  },
  {
    command: "setpriv",
    versionArgs: ["--version"],
    says: /util-linux [\d.]+/,
    package: "util-linux",
    requiredFor: "lab",
    use: "lets a child die with bridgescope",
  },
  {
    command: "unshare",
    versionArgs: ["--version"],
    says: /util-linux [\d.]+/,
    package: "util-linux",
    requiredFor: "lab",
    use: "makes private namespaces",
  },
  {
    command: "nsenter",
    versionArgs: ["--version"],
    says: /util-linux [\d.]+/,
    package: "util-linux",
    requiredFor: "lab",
    use: "runs a command inside of a lab",
  },
  {
    command: "taskset",
    versionArgs: ["--version"],
    says: /util-linux [\d.]+/,
    package: "util-linux",
    requiredFor: "bench",
    use: "keeps a tool on the CPUs that a run names",
  },
  {
    command: "iperf3",
    versionArgs: ["--version"],
    says: /^iperf [\d.]+/m,
    package: "iperf3",
    requiredFor: null,
    use: "drives the workloads tcp-stream and udp-stream with --engine iperf3",
  },
  {
    command: "nft",
    versionArgs: ["--version"],
    says: /nftables v[\d.]+/,
    package: "nftables",
    requiredFor: null,
    use: "shows that a new namespace has no firewall rules",
  },
  {
    command: "bpftool",
    versionArgs: ["version"],
    says: /^bpftool v[\d.]+/m,
    package: "bpftool",
    requiredFor: "bench",
    use: "names the probe programs, so that each one's cost can be told",
  },
  {
    command: "tcpdump",
    versionArgs: ["--version"],
    says: /^tcpdump version [\d.]+/m,
    package: "tcpdump",
    requiredFor: null,
    use: "captures the first frames of a flood (explain --pcap)",
    shapesRuns: false,
  },
  {
    command: "qemu-system-x86_64",
    versionArgs: ["--version"],
    says: /^QEMU emulator version [\d.]+/m,
    package: "qemu-system-x86",
    requiredFor: null,
    use: "boots guest kernels (--kernel)",
    shapesRuns: false,
  },
];

export async function readToolFacts(tool: Tool): Promise<ToolFacts> {
  try {
    const { stdout, stderr } = await run(tool.command, tool.versionArgs, {
      timeoutMs: TOOL_TIMEOUT_MS,
    });
    return parseToolVersion(tool, `${stdout}\n${stderr}`);
  } catch (error) {
    const installed = !(error instanceof PrerequisiteError);
    return {
      installed,
      version: null,
      said: error instanceof Error ? error.message : String(error),
    };
  }
}

export function parseToolVersion(tool: Tool, output: string): ToolFacts {
  const said = output.trim().split("\n")[0] ?? "";
  const matched = tool.says.exec(output);
  return { installed: true, version: matched === null ? null : versionIn(matched[0]), said };
}

/** iputils dates its releases instead (20221126, s20200821), and so did iproute2 once (ss200127). */
function versionIn(text: string): Version | null {
  const dated = /(\d{6,8})\b/.exec(text);
  return dated === null ? parseVersion(text) : [Number(dated[1]), 0, 0];
}

export function toolFinding(tool: Tool, facts: ToolFacts, install: Installer): Finding {
  const id = `tool/${tool.command}`;
  const lacking = { id, status: "missing", requiredFor: tool.requiredFor } as const;
  const remedy = install(tool.package);
  if (!facts.installed) {
    return finding({ ...lacking, observed: "not found on PATH", meaning: tool.use, remedy });
  }
  if (facts.version === null) {
    const observed = `gives no version: ${facts.said.slice(0, 120) || "prints nothing"}`;
    return finding({ ...lacking, observed, meaning: tool.use, remedy });
  }
  const observed = showToolVersion(facts.version);
  if (tool.oldest !== undefined && compareVersions(facts.version, tool.oldest) < 0) {
    const meaning = `too old, ${showVersion(tool.oldest)} or later is needed; it ${tool.use}`;
    return finding({ ...lacking, observed, meaning, remedy: tool.newer ?? remedy });
  }
  if (tool.newestTried !== undefined && compareVersions(facts.version, tool.newestTried) > 0) {
    const tried = tool.newestTried.slice(0, 2).join(".");
    return finding({
      id,
      status: "warning",
      observed,
      meaning: `later than ${tried}, the last one that was tried; it ${tool.use}`,
    });
  }
  return finding({ id, status: "ok", requiredFor: tool.requiredFor, observed, meaning: tool.use });
}

export function isTooOld(command: string, version: Version): boolean {
  const oldest = TOOLS.find((tool) => tool.command === command)?.oldest;
  return oldest !== undefined && compareVersions(version, oldest) < 0;
}

export const showToolVersion = (version: Version): string =>
  version[0] > 100_000 ? String(version[0]) : showVersion(version);
