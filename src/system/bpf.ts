import { bpf } from "./libc.ts";

/** Numbers of <linux/bpf.h>. */
const PROG_LOAD = 5;
const PROG_TEST_RUN = 10;
const TYPE_TRACING = 26;
const TRACE_FENTRY = 24;

const EXIT = instruction(0x95);
const RETURN_ZERO = instruction(0xb7); // r0 = 0

function instruction(code: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt8(code, 0);
  return bytes;
}

/**
 * Loads an fentry program that does nothing, for a function of the kernel image that is named by its BTF
 * id. The kernel holds it as long as the descriptor is open.
 */
export function loadIdleProgram(btfId: number): number {
  const code = Buffer.concat([RETURN_ZERO, EXIT]);
  const license = Buffer.from("GPL\0");
  const attributes = Buffer.alloc(128);
  attributes.writeUInt32LE(TYPE_TRACING, 0);
  attributes.writeUInt32LE(code.length / 8, 4);
  attributes.writeUInt32LE(TRACE_FENTRY, 68);
  attributes.writeUInt32LE(btfId, 108);
  return bpf("bpf(BPF_PROG_LOAD)", PROG_LOAD, attributes, [
    [8, code],
    [16, license],
  ]);
}

/**
 * Lets the kernel call its self-test functions bpf_fentry_test1, 2, … once, as it does for any fentry
 * program that is test-run (bpf_prog_test_run_tracing in net/bpf/test_run.c).
 */
export function callTestFunctions(program: number): void {
  const attributes = Buffer.alloc(80);
  attributes.writeUInt32LE(program, 0);
  bpf("bpf(BPF_PROG_TEST_RUN)", PROG_TEST_RUN, attributes);
}
