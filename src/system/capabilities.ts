import { readFileSync } from "node:fs";
import { PrerequisiteError } from "./errors.ts";

/** Bits of include/uapi/linux/capability.h. */
const CAPABILITIES = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21 };
type Capability = keyof typeof CAPABILITIES;

/** Without them no lab on the host can be made or entered. */
export function requireLabPrivileges(): void {
  require("a lab", ["CAP_NET_ADMIN", "CAP_SYS_ADMIN"]);
}

/** To enter the namespace that a bridge is in; it stands in for CAP_BPF and CAP_PERFMON as well. */
export function requireLivePrivileges(): void {
  require("looking at a bridge", ["CAP_SYS_ADMIN"]);
}

function require(what: string, needed: readonly Capability[]): void {
  const missing = missingCapabilities(readFileSync("/proc/self/status", "utf8"), needed);
  if (missing.length > 0) {
    throw new PrerequisiteError(
      `${what} takes ${missing.join(" and ")}, which this process does not have: run it as root, for example with sudo`,
    );
  }
}

/** Those that are not in the effective set; `status` is the text of /proc/<pid>/status. */
export function missingCapabilities(status: string, needed: readonly Capability[]): Capability[] {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return needed.filter((name) => ((effective >> BigInt(CAPABILITIES[name])) & 1n) === 0n);
}
