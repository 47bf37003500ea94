/** BPF programs that are loaded already, and the events of the kernel that they are attached to. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { callNumbers } from "./architecture.ts";
import { type HeldProbe, heldProbe } from "./bpf-objects.ts";
import { addressOf, bpf, checked, close, libc } from "./libc.ts";

/** Commands of enum bpf_cmd. */
const PROG_GET_FD_BY_ID = 13;
const OBJ_GET_INFO_BY_FD = 15;
const RAW_TRACEPOINT_OPEN = 17;

/** BPF_PROG_TYPE_TRACING: fentry and fexit. */
export const TYPE_TRACING = 26;

export interface ProgramInfo {
  type: number;
  id: number;
  /** Nanoseconds and runs while the kernel's BPF statistics were on. */
  runTimeNs: number;
  runs: number;
  /** Firings that recursion kept from running; counted always, from Linux 5.12 on. */
  missed: number;
}

/** A descriptor that keeps the program of that id loaded. */
export function openProgram(id: number): number {
  const attributes = Buffer.alloc(16);
  attributes.writeUInt32LE(id, 0);
  return bpf("bpf(BPF_PROG_GET_FD_BY_ID)", PROG_GET_FD_BY_ID, attributes);
}

/** struct bpf_prog_info of <linux/bpf.h>; what a kernel does not know yet stays 0. */
export function programInfo(program: number): ProgramInfo {
  const info = Buffer.alloc(216);
  const attributes = Buffer.alloc(16);
  attributes.writeUInt32LE(program, 0);
  attributes.writeUInt32LE(info.length, 4);
  bpf("bpf(BPF_OBJ_GET_INFO_BY_FD)", OBJ_GET_INFO_BY_FD, attributes, [[8, info]]);
  return {
    type: info.readUInt32LE(0),
    id: info.readUInt32LE(4),
    runTimeNs: Number(info.readBigUInt64LE(192)),
    runs: Number(info.readBigUInt64LE(200)),
    missed: Number(info.readBigUInt64LE(208)),
  };
}

export interface AttachedEvent {
  kind: Exclude<HeldProbe["type"], "raw_tracepoint">;
  /** Of the tracepoint without its group, or of the function. */
  name: string;
  program: number;
}

/** The perf events of a process that have a program, in the order in which those were loaded. */
export function attachedEvents(pid: number): AttachedEvent[] {
  const folder = `/proc/${pid}/fd`;
  const fds = readdirSync(folder)
    .map(Number)
    .filter((fd) => linkOf(`${folder}/${fd}`) === "anon_inode:[perf_event]");
  const events = fds.flatMap((fd): AttachedEvent[] => {
    const held = heldProbe(pid, fd);
    // Events without a program are such as carry printed lines.
    if (held === null || held.type === "raw_tracepoint") return [];
    return [{ kind: held.type, name: held.name, program: held.program }];
  });
  return events.sort((a, b) => a.program - b.program);
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

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
