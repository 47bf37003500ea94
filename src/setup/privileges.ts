import { readFileSync } from "node:fs";
import { PrerequisiteError } from "../system/errors.ts";

/** Bits of include/uapi/linux/capability.h without which no lab on the host can be made or entered. */
const NEEDED = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21 };

export function requireLabPrivileges(): void {
  const missing = missingCapabilities(readFileSync("/proc/self/status", "utf8"));
  if (missing.length > 0) {
    throw new PrerequisiteError(
      `a lab takes ${missing.join(" and ")}, which this process does not have: run it as root, for example with sudo`,
    );
  }
}

export function missingCapabilities(status: string): string[] {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  return Object.entries(NEEDED)
    .filter(([, bit]) => ((effective >> BigInt(bit)) & 1n) === 0n)
    .map(([name]) => name);
}
