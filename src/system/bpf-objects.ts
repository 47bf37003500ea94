/** The BPF programs and links of the whole host, whoever holds them, asked with bpf(2): no process is started for it. */
import { readdirSync, readlinkSync } from "node:fs";
import { addressOf, bpf, close, SystemCallError } from "./libc.ts";

/** Commands of enum bpf_cmd. */
const PROG_GET_NEXT_ID = 11;
const PROG_GET_FD_BY_ID = 13;
const OBJ_GET_INFO_BY_FD = 15;
const PROG_QUERY = 16;
const BTF_GET_FD_BY_ID = 19;
const TASK_FD_QUERY = 20;
const LINK_GET_FD_BY_ID = 30;
const LINK_GET_NEXT_ID = 31;

type Kind = "program" | "link";
const NEXT: Record<Kind, number> = { program: PROG_GET_NEXT_ID, link: LINK_GET_NEXT_ID };

/** The kinds of programs that can sit on a frame's way, by enum bpf_prog_type. */
const PROGRAM_TYPES: Readonly<Record<number, string>> = {
  2: "kprobe",
  3: "sched_cls",
  4: "sched_act",
  5: "tracepoint",
  6: "xdp",
  17: "raw_tracepoint",
  24: "raw_tracepoint_writable",
  26: "tracing",
};

export interface BpfProgram {
  id: number;
  /** null for kinds that cannot sit on a frame's way. */
  type: string | null;
  /** As the kernel keeps it: at most 15 bytes. */
  name: string;
  /** What a `tracing` program is for; null for other programs, and before 6.0. */
  target: BtfTarget | null;
}

export interface ProgramRuns {
  /** Nanoseconds and runs while the kernel's BPF statistics were on. */
  runTimeNs: number;
  runs: number;
  /** Firings that recursion kept from running; counted always, from Linux 5.12 on. */
  missed: number;
}

/** A function by its id in a BTF object. */
export interface BtfTarget {
  btf: number;
  type: number;
}

/** Where a link attaches its program; `other` is nothing on a frame's way. */
export type BpfLink = { id: number; program: number } & (
  | { kind: "raw_tracepoint"; name: string }
  /** `attach` as in enum bpf_attach_type; the target is null before 5.13. */
  | { kind: "tracing"; attach: number; target: BtfTarget | null }
  /** Linux 6.6 and later tell what it is on. */
  | { kind: "perf_event"; type: HeldProbe["type"]; name: string }
  | { kind: "kprobe_multi"; addresses: bigint[] }
  | { kind: "other" }
);

/**
 * Ids above `after`, in their order. The kernel hands ids out upwards, so that what came since a look has a higher one
 * (idr_alloc_cyclic in kernel/bpf/syscall.c). Throws a SystemCallError where this process may not ask: it takes
 * CAP_SYS_ADMIN. Kernels before 5.8 have no ids for links: none.
 */
export function idsAfter(kind: Kind, after: number): number[] {
  const found: number[] = [];
  for (let id = after; ; ) {
    const next = nextId(kind, id);
    if (next === null) return found;
    found.push(next);
    id = next;
  }
}

/** Whether there is still a program or a link of that id. */
export function isThere(kind: Kind, id: number): boolean {
  return nextId(kind, id - 1) === id;
}

function nextId(kind: Kind, id: number): number | null {
  const attributes = idAttributes(id);
  try {
    bpf(`bpf(${kind} ids)`, NEXT[kind], attributes);
  } catch (error) {
    const { code } = error as SystemCallError;
    if (code === "ENOENT" || (kind === "link" && code === "EINVAL")) return null;
    throw error;
  }
  return attributes.readUInt32LE(4);
}

/** null when it is gone. */
export function programById(id: number): BpfProgram | null {
  const info = infoOf(PROG_GET_FD_BY_ID, id, Buffer.alloc(PROGRAM_INFO_BYTES));
  return info === null ? null : programOf(info);
}

/** A descriptor that keeps the program of that id loaded. */
export function openProgram(id: number): number {
  return bpf("bpf(BPF_PROG_GET_FD_BY_ID)", PROG_GET_FD_BY_ID, idAttributes(id));
}

/** What the program of a descriptor is, and what it took. */
export function programInfo(fd: number): BpfProgram & ProgramRuns {
  const info = objectInfo(fd, Buffer.alloc(PROGRAM_INFO_BYTES));
  return {
    ...programOf(info),
    runTimeNs: Number(info.readBigUInt64LE(192)),
    runs: Number(info.readBigUInt64LE(200)),
    missed: Number(info.readBigUInt64LE(208)),
  };
}

/** Of struct bpf_prog_info in <linux/bpf.h>, up to what is read here; what a kernel does not know yet stays 0. */
const PROGRAM_INFO_BYTES = 232;

function programOf(info: Buffer): BpfProgram {
  return {
    id: info.readUInt32LE(4),
    type: PROGRAM_TYPES[info.readUInt32LE(0)] ?? null,
    name: text(info.subarray(64, 80)),
    target: targetAt(info, 220),
  };
}

/** Numbers of enum bpf_link_type. */
const LINK_RAW_TRACEPOINT = 1;
const LINK_TRACING = 2;
const LINK_PERF_EVENT = 7;
const LINK_KPROBE_MULTI = 8;
/** By enum bpf_perf_event_type. */
const PERF_EVENTS: Readonly<Record<number, HeldProbe["type"]>> = {
  3: "kprobe",
  4: "kretprobe",
  5: "tracepoint",
};
/** Room for the longest name of a tracepoint or a function (KSYM_NAME_LEN). */
const NAME_BYTES = 512;
const LINK_INFO_BYTES = 64;
/** Functions of one link that are looked at. */
const MOST_ADDRESSES = 1 << 16;

/** null when it is gone. */
export function linkById(id: number): BpfLink | null {
  // Asked twice: what the kernel writes through a pointer depends on the kind of the link.
  const info = infoOf(LINK_GET_FD_BY_ID, id, Buffer.alloc(LINK_INFO_BYTES));
  if (info === null) return null;
  const link = { id, program: info.readUInt32LE(8) };
  switch (info.readUInt32LE(0)) {
    case LINK_RAW_TRACEPOINT:
      return { ...link, kind: "raw_tracepoint", name: nameOfLink(id, 16) };
    case LINK_TRACING:
      return {
        ...link,
        ...{ kind: "tracing", attach: info.readUInt32LE(16), target: targetAt(info, 20) },
      };
    case LINK_PERF_EVENT: {
      const type = PERF_EVENTS[info.readUInt32LE(16)];
      if (type === undefined) return { ...link, kind: "other" };
      return { ...link, kind: "perf_event", type, name: nameOfLink(id, 24) };
    }
    case LINK_KPROBE_MULTI:
      return { ...link, kind: "kprobe_multi", addresses: addressesOf(id, info.readUInt32LE(24)) };
    default:
      return { ...link, kind: "other" };
  }
}

function targetAt(info: Buffer, offset: number): BtfTarget | null {
  const [btf, type] = [info.readUInt32LE(offset), info.readUInt32LE(offset + 4)];
  return type === 0 ? null : { btf, type };
}

/** The name that the kernel writes where the pointer at `offset` leads, its length behind it. */
function nameOfLink(id: number, offset: number): string {
  const name = Buffer.alloc(NAME_BYTES);
  const info = Buffer.alloc(LINK_INFO_BYTES);
  info.writeUInt32LE(NAME_BYTES, offset + 8);
  return infoOf(LINK_GET_FD_BY_ID, id, info, [[offset, name]]) === null ? "" : text(name);
}

/** Addresses of the functions of a kprobe_multi link; none where they are hidden (kptr_restrict). */
function addressesOf(id: number, functions: number): bigint[] {
  const count = Math.min(MOST_ADDRESSES, functions);
  const addresses = Buffer.alloc(8 * count);
  const info = Buffer.alloc(LINK_INFO_BYTES);
  info.writeUInt32LE(count, 24);
  if (count === 0 || infoOf(LINK_GET_FD_BY_ID, id, info, [[16, addresses]]) === null) return [];
  return Array.from({ length: count }, (_, index) => addresses.readBigUInt64LE(8 * index)).filter(
    (address) => address !== 0n,
  );
}

/** What the kernel calls a BTF object: `vmlinux`, a module's name; null when it is gone or has no name. */
export function btfName(id: number): string | null {
  const name = Buffer.alloc(NAME_BYTES);
  const info = Buffer.alloc(32);
  info.writeUInt32LE(NAME_BYTES, 24);
  return infoOf(BTF_GET_FD_BY_ID, id, info, [[16, name]]) === null ? null : text(name) || null;
}

/** What is in bpf_prog_info, bpf_link_info or bpf_btf_info of an object; null when it is gone. */
function infoOf(
  command: number,
  id: number,
  info: Buffer,
  pointers: readonly (readonly [number, Buffer])[] = [],
): Buffer | null {
  const fd = unlessGone(() => bpf("bpf(GET_FD_BY_ID)", command, idAttributes(id)));
  if (fd === null) return null;
  try {
    for (const [offset, target] of pointers) info.writeBigUInt64LE(addressOf(target), offset);
    return objectInfo(fd, info);
  } finally {
    close(fd);
  }
}

/** The attributes of a command that takes an id and nothing else. */
export function idAttributes(id: number): Buffer {
  const attributes = Buffer.alloc(16);
  attributes.writeUInt32LE(id, 0);
  return attributes;
}

/** What the kernel says of the map, program, link or BTF behind a descriptor, as far as it goes into `info`. */
export function objectInfo(fd: number, info: Buffer): Buffer {
  const attributes = Buffer.alloc(16);
  attributes.writeUInt32LE(fd, 0);
  attributes.writeUInt32LE(info.length, 4);
  bpf("bpf(BPF_OBJ_GET_INFO_BY_FD)", OBJ_GET_INFO_BY_FD, attributes, [[8, info]]);
  return info;
}

/** A perf event, or another descriptor of a process, that runs a BPF program. */
export interface HeldProbe {
  program: number;
  type: "raw_tracepoint" | "tracepoint" | "kprobe" | "kretprobe";
  /** The tracepoint without its category, or the function; empty where a kprobe has none but an address. */
  name: string;
}

/** By enum bpf_task_fd_type; uprobes are not in the kernel. */
const HELD_TYPES = ["raw_tracepoint", "tracepoint", "kprobe", "kretprobe"] as const;

/** What program that descriptor of the process runs and where; null where it runs none in the kernel, or is closed by now. */
export function heldProbe(pid: number, fd: number): HeldProbe | null {
  const name = Buffer.alloc(NAME_BYTES);
  const attributes = Buffer.alloc(48);
  attributes.writeUInt32LE(pid, 0);
  attributes.writeUInt32LE(fd, 4);
  attributes.writeUInt32LE(NAME_BYTES, 12);
  try {
    bpf("bpf(BPF_TASK_FD_QUERY)", TASK_FD_QUERY, attributes, [[16, name]]);
  } catch (error) {
    if (error instanceof SystemCallError) return null;
    throw error;
  }
  const type = HELD_TYPES[attributes.readUInt32LE(28)];
  return type === undefined
    ? null
    : { program: attributes.readUInt32LE(24), type, name: text(name) };
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

/** BPF_TCX_INGRESS and BPF_TCX_EGRESS of enum bpf_attach_type. */
const TCX = { ingress: 46, egress: 47 } as const;
/** More tcx programs of one device are not told. */
const MOST_TCX = 64;

/** Ids of the tcx programs of a device in the calling thread's namespace; none where the kernel has no tcx (before 6.6). */
export function tcxPrograms(ifindex: number, direction: keyof typeof TCX): number[] {
  const ids = Buffer.alloc(4 * MOST_TCX);
  const attributes = Buffer.alloc(64);
  attributes.writeUInt32LE(ifindex, 0);
  attributes.writeUInt32LE(TCX[direction], 4);
  attributes.writeUInt32LE(MOST_TCX, 24);
  try {
    bpf("bpf(BPF_PROG_QUERY)", PROG_QUERY, attributes, [[16, ids]]);
  } catch (error) {
    if (error instanceof SystemCallError) return [];
    throw error;
  }
  const count = Math.min(MOST_TCX, attributes.readUInt32LE(24));
  return Array.from({ length: count }, (_, index) => ids.readUInt32LE(4 * index));
}

function unlessGone<T>(ask: () => T): T | null {
  try {
    return ask();
  } catch (error) {
    if (error instanceof SystemCallError && error.code === "ENOENT") return null;
    throw error;
  }
}

function text(bytes: Buffer): string {
  return bytes.toString("utf8").replace(/\0.*$/s, "");
}
