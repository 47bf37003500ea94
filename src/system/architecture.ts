/** What of our system calls differs from processor to processor. */
import { endianness } from "node:os";
import { PrerequisiteError } from "./errors.ts";

/**
 * The number of bpf(2) by process.arch: __NR_bpf of asm/unistd.h. The structures that we lay out for the kernel
 * (timespec, mmsghdr, netlink's messages) are those of 64 bits in little-endian order, so arm, ia32 and s390x have
 * no number here, although they have one there.
 */
const BPF_CALLS = new Map([
  ["x64", 321],
  ["arm64", 280],
  ["riscv64", 280],
  ["loong64", 280],
  ["ppc64", 361],
]);

/** Throws a PrerequisiteError that names the architecture where bridgescope was not made for it. */
export function bpfCall(architecture: string = process.arch, order: string = endianness()): number {
  const number = order === "LE" ? BPF_CALLS.get(architecture) : undefined;
  if (number !== undefined) return number;
  const known = [...BPF_CALLS.keys()].join(", ");
  throw new PrerequisiteError(
    `bridgescope knows the kernel's system calls and structures on ${known} in little-endian order, and this machine is ${architecture} (${order}): run it on one of those`,
  );
}
