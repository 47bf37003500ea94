/** What of our system calls differs from processor to processor. */
import { endianness } from "node:os";
import { PrerequisiteError } from "./errors.ts";

/**
 * The numbers of bpf(2) and perf_event_open(2) by process.arch: __NR_bpf and __NR_perf_event_open of asm/unistd.h. The
 * structures that we lay out for the kernel (timespec, mmsghdr, netlink's messages) are those of 64 bits in
 * little-endian order, so arm, ia32 and s390x have no numbers here, although they have some there.
 */
const CALLS = new Map([
  ["x64", { bpf: 321, perfEventOpen: 298 }],
  ["arm64", { bpf: 280, perfEventOpen: 241 }],
  ["riscv64", { bpf: 280, perfEventOpen: 241 }],
  ["loong64", { bpf: 280, perfEventOpen: 241 }],
  ["ppc64", { bpf: 361, perfEventOpen: 319 }],
]);

export interface CallNumbers {
  bpf: number;
  perfEventOpen: number;
}

/** Throws a PrerequisiteError that names the architecture where bridgescope was not made for it. */
export function callNumbers(
  architecture: string = process.arch,
  order: string = endianness(),
): CallNumbers {
  const numbers = order === "LE" ? CALLS.get(architecture) : undefined;
  if (numbers !== undefined) return numbers;
  const known = [...CALLS.keys()].join(", ");
  throw new PrerequisiteError(
    `bridgescope knows the kernel's system calls and structures on ${known} in little-endian order, and this machine is ${architecture} (${order}): run it on one of those`,
  );
}
