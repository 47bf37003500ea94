import { readFileSync } from "node:fs";
import { callNumbers } from "./architecture.ts";
import { PrerequisiteError } from "./errors.ts";

/** Bits of include/uapi/linux/capability.h. */
const CAPABILITIES = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21 };
type Capability = keyof typeof CAPABILITIES;

/** Without them no lab on the host can be made or entered. */
export function requireLabPrivileges(): void {
  require("a lab", ["CAP_NET_ADMIN", "CAP_SYS_ADMIN"]);
}

/** What of these is missing, as an error to be thrown or told; null where nothing is. */
export function missingLivePrivileges(): PrerequisiteError | null {
  try {
    requireLivePrivileges();
    return null;
  } catch (error) {
    if (error instanceof PrerequisiteError) return error;
    throw error;
  }
}

/** To enter the namespace that a bridge is in; it stands in for CAP_BPF and CAP_PERFMON as well. */
export function requireLivePrivileges(): void {
  require("looking at a bridge elsewhere, or at its frames,", ["CAP_SYS_ADMIN"]);
}

/** To look into the namespaces behind a bridge's ports. */
export function requirePeerPrivileges(): void {
  require("looking behind the ports of a bridge (--peers)", ["CAP_SYS_ADMIN"]);
}

function require(what: string, needed: readonly Capability[]): void {
  // Elsewhere every answer of the kernel would be misread.
  callNumbers();
  const missing = missingCapabilities(readFileSync("/proc/self/status", "utf8"), needed);
  if (missing.length > 0) {
    throw new PrerequisiteError(
      `${what} takes ${missing.join(" and ")}, which this process does not have: run it as root, for example with sudo`,
    );
  }
}

/** The bits set in a hexadecimal mask of /proc/<pid>/status. */
export function parseCapabilities(status: string, field = "CapEff"): Set<number> {
  const hex = new RegExp(`^${field}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1] ?? "0";
  const mask = BigInt(`0x${hex}`);
  const bits = new Set<number>();
  for (let bit = 0; bit < 64; bit++) if ((mask >> BigInt(bit)) & 1n) bits.add(bit);
  return bits;
}

/** Those that are not in the effective set; `status` is the text of /proc/<pid>/status. */
export function missingCapabilities(status: string, needed: readonly Capability[]): Capability[] {
  const effective = parseCapabilities(status);
  return needed.filter((name) => !effective.has(CAPABILITIES[name]));
}
