import { readFileSync } from "node:fs";
import { parseBtf } from "../../src/probes/btf.ts";
import { bpf, close } from "../../src/system/libc.ts";

/** Numbers of <linux/bpf.h>. */
const PROG_LOAD = 5;
const RAW_TRACEPOINT_OPEN = 17;
const TYPE_TRACING = 26;
const TRACE_FENTRY = 24;

/** Code and immediate operand; all registers are r0. */
function instruction(code: number, operand = 0): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt8(code, 0);
  bytes.writeInt32LE(operand, 4);
  return bytes;
}

const RETURN_ZERO = instruction(0xb7); // r0 = 0
const ADD_ONE = instruction(0x07, 1); // r0 += 1, which the x86-64 JIT makes one instruction of
const EXIT = instruction(0x95);

/**
 * Makes a function of the kernel image longer by a program that does nothing in `extra` instructions, until
 * it is taken away. Two of them differ by just the difference of their `extra`.
 */
export function pad(name: string, extra: number): { remove(): void } {
  const code = Buffer.concat([
    RETURN_ZERO,
    ...Array.from({ length: extra }, () => ADD_ONE),
    RETURN_ZERO,
    EXIT,
  ]);
  const license = Buffer.from("GPL\0");
  const load = Buffer.alloc(128);
  load.writeUInt32LE(TYPE_TRACING, 0);
  load.writeUInt32LE(code.length / 8, 4);
  load.writeUInt32LE(TRACE_FENTRY, 68);
  load.writeUInt32LE(functionId(name), 108);
  const program = bpf("bpf(BPF_PROG_LOAD)", PROG_LOAD, load, [
    [8, code],
    [16, license],
  ]);
  try {
    const attach = Buffer.alloc(16);
    attach.writeUInt32LE(program, 8);
    const link = bpf("bpf(BPF_RAW_TRACEPOINT_OPEN)", RAW_TRACEPOINT_OPEN, attach);
    return { remove: () => close(link) };
  } finally {
    close(program);
  }
}

function functionId(name: string): number {
  const found = parseBtf(readFileSync("/sys/kernel/btf/vmlinux"), [name]).func(name);
  if (found === null) throw new Error(`the kernel's BTF has no function ${name}`);
  return found.id;
}
