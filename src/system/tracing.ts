/** Attaches BPF programs that are loaded already to events of the kernel. */
import { readFileSync } from "node:fs";
import { callNumbers } from "./architecture.ts";
import { addressOf, bpf, checked, close, libc } from "./libc.ts";

/** A command of enum bpf_cmd. */
const RAW_TRACEPOINT_OPEN = 17;

const calls = {
  perfEventOpen: libc.func(
    "long syscall(long number, const void *attributes, int pid, int cpu, int group, unsigned long flags)",
  ),
  ioctl: libc.func("int ioctl(int fd, unsigned long request, long argument)"),
} as const;

const PERF_FLAG_FD_CLOEXEC = 8;
const PERF_EVENT_IOC_SET_BPF = 0x40042408;
const PERF_TYPE_TRACEPOINT = 2;
/** perf_event_attr.disabled. */
const DISABLED = 1n;
const KPROBES = "/sys/bus/event_source/devices/kprobe";

/** What programs can be attached to: a tracepoint by the id that tracefs gives it, or a function's begin or end. */
export type EventSource =
  | { kind: "tracepoint"; id: number }
  | { kind: "kprobe" | "kretprobe"; name: string };

/**
 * Opens an event that counts nothing by itself: a program attached to it runs on all CPUs all the same
 * (trace_call_bpf in kernel/trace/bpf_trace.c). With the last event of a tracepoint its hook goes too.
 */
function openEvent(source: EventSource): number {
  const attributes = Buffer.alloc(128);
  const name = Buffer.from(`${source.kind === "tracepoint" ? "" : source.name}\0`);
  attributes.writeUInt32LE(attributes.length, 4);
  attributes.writeBigUInt64LE(1n, 16);
  attributes.writeBigUInt64LE(DISABLED, 40);
  if (source.kind === "tracepoint") {
    attributes.writeUInt32LE(PERF_TYPE_TRACEPOINT, 0);
    attributes.writeBigUInt64LE(BigInt(source.id), 8);
  } else {
    attributes.writeUInt32LE(Number(readFileSync(`${KPROBES}/type`, "utf8")), 0);
    if (source.kind === "kretprobe") attributes.writeBigUInt64LE(1n << retprobeBit(), 8);
    attributes.writeBigUInt64LE(addressOf(name), 56);
  }
  const { perfEventOpen } = callNumbers();
  const fd = calls.perfEventOpen(perfEventOpen, attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
  return checked("perf_event_open", Number(fd));
}

/** `config:0` */
function retprobeBit(): bigint {
  return BigInt(readFileSync(`${KPROBES}/format/retprobe`, "utf8").replace(/\D/g, ""));
}

/** Attaches a program to a new event, until the descriptor that is returned is closed. */
export function attachToEvent(source: EventSource, program: number): number {
  const event = openEvent(source);
  try {
    checked("ioctl(PERF_EVENT_IOC_SET_BPF)", calls.ioctl(event, PERF_EVENT_IOC_SET_BPF, program));
  } catch (error) {
    close(event);
    throw error;
  }
  return event;
}

/** Attaches an fentry or fexit program to the function that it was loaded for, until the descriptor is closed. */
export function attachTracing(program: number): number {
  const attributes = Buffer.alloc(16);
  attributes.writeUInt32LE(program, 8);
  return bpf("bpf(BPF_RAW_TRACEPOINT_OPEN)", RAW_TRACEPOINT_OPEN, attributes);
}
