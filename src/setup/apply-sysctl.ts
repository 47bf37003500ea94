import { writeFileSync } from "node:fs";
import { PrerequisiteError } from "../system/errors.ts";
import { inNamespace, type NetworkNamespace } from "../system/netns.ts";
import { NF_CALL_SYSCTLS, type Operation } from "./plan.ts";

export type SysctlOperation = Extract<Operation, { kind: "sysctl" }>;

/** Writes network sysctls of one namespace. */
export function writeSysctls(
  namespace: NetworkNamespace,
  group: readonly SysctlOperation[],
  folder: string,
): void {
  inNamespace(namespace, () => {
    for (const operation of group) writeOne(operation, folder);
  });
}

function writeOne(operation: SysctlOperation, folder: string): void {
  const path = `${folder}/${operation.key.replaceAll(".", "/")}`;
  try {
    writeFileSync(path, operation.value);
  } catch (cause) {
    const optional =
      operation.key.startsWith("net.ipv6.") || NF_CALL_SYSCTLS.includes(operation.key);
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    // No IPv6 or no br_netfilter in this kernel: then it is off already.
    if (
      missing &&
      optional &&
      operation.value === (operation.key.startsWith("net.ipv6.") ? "1" : "0")
    )
      return;
    if (missing && NF_CALL_SYSCTLS.includes(operation.key)) {
      throw new PrerequisiteError(
        "nf_call=1 takes br_netfilter: modprobe br_netfilter, or a kernel with CONFIG_BRIDGE_NETFILTER",
        { cause },
      );
    }
    throw cause;
  }
}
