/** BPF programs that do nothing, loaded and attached by hand: there need be no compiler. */
import { addressOf, bpf } from "../../../src/system/libc.ts";

const PROG_LOAD = 5;
const RAW_TRACEPOINT_OPEN = 17;
const LINK_CREATE = 28;
const TYPES = { sched_cls: 3, tracepoint: 5, xdp: 6, raw_tracepoint: 17 } as const;
const ATTACH = { sched_cls: 46, xdp: 37 } as const;
/** XDP_PASS; TCX_NEXT is -1. */
const RETURNS = { sched_cls: -1, tracepoint: 0, xdp: 2, raw_tracepoint: 0 } as const;

/** A descriptor of the program. */
export function load(type: keyof typeof TYPES, name: string): number {
  const code = Buffer.alloc(16);
  code.writeUInt8(0xb7, 0); // r0 = …
  code.writeInt32LE(RETURNS[type], 4);
  code.writeUInt8(0x95, 8); // exit
  const attributes = Buffer.alloc(128);
  attributes.writeUInt32LE(TYPES[type], 0);
  attributes.writeUInt32LE(2, 4);
  attributes.write(name, 48);
  if (type in ATTACH) attributes.writeUInt32LE(ATTACH[type as keyof typeof ATTACH], 68);
  return bpf("bpf(BPF_PROG_LOAD)", PROG_LOAD, attributes, [
    [8, code],
    [16, Buffer.from("GPL\0")],
  ]);
}

/** A descriptor without which the program is attached no longer. */
export function onRawTracepoint(program: number, name: string): number {
  const where = Buffer.from(`${name}\0`);
  const attributes = Buffer.alloc(16);
  attributes.writeBigUInt64LE(addressOf(where), 0);
  attributes.writeUInt32LE(program, 8);
  return bpf("bpf(BPF_RAW_TRACEPOINT_OPEN)", RAW_TRACEPOINT_OPEN, attributes);
}

/** Likewise; the device is in the calling thread's namespace. */
export function onDevice(program: number, type: keyof typeof ATTACH, ifindex: number): number {
  const attributes = Buffer.alloc(64);
  attributes.writeUInt32LE(program, 0);
  attributes.writeUInt32LE(ifindex, 4);
  attributes.writeUInt32LE(ATTACH[type], 8);
  return bpf("bpf(BPF_LINK_CREATE)", LINK_CREATE, attributes);
}
