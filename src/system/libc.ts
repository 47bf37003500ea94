import koffi from "koffi";
import { callNumbers } from "./architecture.ts";

/** The few libc calls that Node does not offer. All are synchronous and act on the calling thread. */
export const libc = koffi.load("libc.so.6");

const calls = {
  setns: libc.func("int setns(int fd, int nstype)"),
  unshare: libc.func("int unshare(int flags)"),
  socket: libc.func("int socket(int domain, int type, int protocol)"),
  bind: libc.func("int bind(int fd, const void *addr, uint32_t len)"),
  setsockopt: libc.func(
    "int setsockopt(int fd, int level, int name, const void *value, uint32_t len)",
  ),
  send: libc.func("long send(int fd, const void *buf, size_t len, int flags)"),
  recv: libc.func("long recv(int fd, _Out_ void *buf, size_t len, int flags)"),
  sendto: libc.func(
    "long sendto(int fd, const void *buf, size_t len, int flags, const void *addr, uint32_t addrlen)",
  ),
  connect: libc.func("int connect(int fd, const void *addr, uint32_t len)"),
  sendmmsg: libc.func("int sendmmsg(int fd, void *msgvec, unsigned int vlen, int flags)"),
  ioctl: libc.func("int ioctl(int fd, unsigned long request, void *argument)"),
  close: libc.func("int close(int fd)"),
  flock: libc.func("int flock(int fd, int operation)"),
  sched_setaffinity: libc.func("int sched_setaffinity(int pid, size_t size, const void *mask)"),
  sched_getaffinity: libc.func("int sched_getaffinity(int pid, size_t size, _Out_ void *mask)"),
  sched_get_priority_max: libc.func("int sched_get_priority_max(int policy)"),
  getrusage: libc.func("int getrusage(int who, _Out_ void *usage)"),
  clock_gettime: libc.func("int clock_gettime(int clock, _Out_ void *ts)"),
  bpf: libc.func(
    "long syscall(long number, int command, const void *attributes, unsigned int size)",
  ),
  perfEventOpen: libc.func("syscall", "long", [
    "long",
    "const void *",
    "int",
    "int",
    "int",
    "unsigned long",
  ]),
} as const;

export class SystemCallError extends Error {
  readonly code: string;
  constructor(call: string, errno: number) {
    const code = ERRNO_NAMES.get(errno) ?? `errno ${errno}`;
    super(`${call}: ${code}`);
    this.name = "SystemCallError";
    this.code = code;
  }
}

// EWOULDBLOCK is EAGAIN's other name; one number, one name.
const ERRNO_NAMES = new Map(
  Object.entries(koffi.os.errno)
    .filter(([name]) => name !== "EWOULDBLOCK")
    .map(([name, value]) => [value, name]),
);

/** What a call returned; throws with the errno's name where that is negative. */
export function checked(call: string, result: number): number {
  if (result < 0) throw new SystemCallError(call, koffi.errno());
  return result;
}

/** The same, and -1 where the kernel has nothing to do at the moment: EAGAIN, or a signal came first. */
export function checkedOrAgain(call: string, result: number): number {
  if (result >= 0) return result;
  const error = new SystemCallError(call, koffi.errno());
  if (error.code === "EAGAIN" || error.code === "EINTR") return -1;
  throw error;
}

export const CLONE_NEWNET = 0x40000000;

/** Moves the calling thread into the namespace that `fd` names. */
export function setns(fd: number, type: number): void {
  checked("setns", calls.setns(fd, type));
}

/** Gives the calling thread a new namespace of the kind. */
export function unshare(type: number): void {
  checked("unshare", calls.unshare(type));
}

export function socket(domain: number, type: number, protocol: number): number {
  return checked("socket", calls.socket(domain, type, protocol));
}

export function bind(fd: number, address: Buffer): void {
  checked("bind", calls.bind(fd, address, address.length));
}

export function connect(fd: number, address: Buffer): void {
  checked("connect", calls.connect(fd, address, address.length));
}

export function setsockopt(fd: number, level: number, name: number, value: Buffer): void {
  checked("setsockopt", calls.setsockopt(fd, level, name, value, value.length));
}

export function send(fd: number, data: Buffer): number {
  return checked("send", calls.send(fd, data, data.length, 0));
}

export function sendto(fd: number, data: Buffer, address: Buffer): number {
  return checked("sendto", calls.sendto(fd, data, data.length, 0, address, address.length));
}

/** Bytes received, or -1 when the socket's receive time-out passed first. */
export function recv(fd: number, buffer: Buffer): number {
  return checkedOrAgain("recv", calls.recv(fd, buffer, buffer.length, 0));
}

/** Messages accepted by the kernel; 0 when its buffers are full for the moment. */
export function sendmmsg(fd: number, messages: Buffer, count: number): number {
  const sent = calls.sendmmsg(fd, messages, count, 0);
  if (sent >= 0) return sent;
  const error = new SystemCallError("sendmmsg", koffi.errno());
  if (error.code === "ENOBUFS" || error.code === "EAGAIN" || error.code === "EINTR") return 0;
  throw error;
}

export function close(fd: number): void {
  checked("close", calls.close(fd));
}

/** The same in a thread of the pool, for what the kernel takes its time to let go; resolves when it has. */
export function closeInBackground(fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    calls.close.async(fd, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}

const LOCK_EX = 2;
const LOCK_NB = 4;

/**
 * Takes the exclusive flock(2) of an open file; false when another holds it. The lock lives as long
 * as any descriptor of this opening, those that child processes inherited included.
 */
export function tryLock(fd: number): boolean {
  if (calls.flock(fd, LOCK_EX | LOCK_NB) === 0) return true;
  const error = new SystemCallError("flock", koffi.errno());
  if (error.code === "EAGAIN" || error.code === "EWOULDBLOCK") return false;
  throw error;
}

/** The same, waiting for whoever holds it. */
export function lock(fd: number): void {
  checked("flock", calls.flock(fd, LOCK_EX));
}

/** The address of a buffer's first byte, for structures that point at each other; keep the buffer alive. */
export function addressOf(buffer: Uint8Array): bigint {
  return BigInt(koffi.address(buffer));
}

const SIOCGIFINDEX = 0x8933;
const SIOCETHTOOL = 0x8946;
const IFNAMSIZ = 16;

/** The ifindex of a device in the socket's namespace; 0 when there is none. */
export function interfaceIndex(fd: number, device: string): number {
  const request = Buffer.alloc(40);
  request.write(device.slice(0, IFNAMSIZ - 1), 0);
  return calls.ioctl(fd, SIOCGIFINDEX, request) < 0 ? 0 : request.readInt32LE(IFNAMSIZ);
}

/** One ethtool flag of a device in the socket's namespace; null when the driver does not have it. */
export function ethtoolValue(fd: number, device: string, command: number): number | null {
  const value = Buffer.alloc(8);
  value.writeUInt32LE(command, 0);
  const request = Buffer.alloc(40);
  request.write(device.slice(0, IFNAMSIZ - 1), 0);
  request.writeBigUInt64LE(addressOf(value), IFNAMSIZ);
  return calls.ioctl(fd, SIOCETHTOOL, request) < 0 ? null : value.readUInt32LE(4);
}

/** Lets the calling thread run on these CPUs only. */
export function setThreadCpus(cpus: readonly number[]): void {
  const mask = Buffer.alloc(CPU_SET_BYTES);
  for (const cpu of cpus) mask.writeUInt8((mask[cpu >> 3] ?? 0) | (1 << (cpu & 7)), cpu >> 3);
  checked("sched_setaffinity", calls.sched_setaffinity(0, CPU_SET_BYTES, mask));
}

const CPU_SET_BYTES = 128;

/** CPUs that the calling thread may run on, as the kernel says. */
export function threadCpus(): number[] {
  const mask = Buffer.alloc(CPU_SET_BYTES);
  checked("sched_getaffinity", calls.sched_getaffinity(0, CPU_SET_BYTES, mask));
  const cpus: number[] = [];
  for (let cpu = 0; cpu < CPU_SET_BYTES * 8; cpu++) {
    if (((mask[cpu >> 3] ?? 0) >> (cpu & 7)) & 1) cpus.push(cpu);
  }
  return cpus;
}

const CLOCK_THREAD_CPUTIME_ID = 3;

/** CPU time of the calling thread in nanoseconds, softirqs that ran on its back included. */
export function threadCpuTimeNs(): number {
  const ts = Buffer.alloc(16);
  checked("clock_gettime", calls.clock_gettime(CLOCK_THREAD_CPUTIME_ID, ts));
  return Number(ts.readBigInt64LE(0)) * 1e9 + Number(ts.readBigInt64LE(8));
}

/**
 * A system call without effect (an unknown policy is merely refused) whose argument the probe
 * programs can see: it tells them which round has begun.
 */
export function markRound(nonce: number, round: number): void {
  calls.sched_get_priority_max((nonce << 8) | round);
}

const RUSAGE_THREAD = 1;
const RUSAGE_BYTES = 144;

/** The same by kind, as the kernel splits it; in steps of its accounting. */
export function threadCpuTimes(): { userNs: number; systemNs: number } {
  const usage = Buffer.alloc(RUSAGE_BYTES);
  checked("getrusage", calls.getrusage(RUSAGE_THREAD, usage));
  const time = (at: number) =>
    Number(usage.readBigInt64LE(at)) * 1e9 + Number(usage.readBigInt64LE(at + 8)) * 1e3;
  return { userNs: time(0), systemNs: time(16) };
}

/** How often the calling thread was taken off its CPU although it had more to do (ru_nivcsw). */
export function involuntarySwitches(): number {
  const usage = Buffer.alloc(RUSAGE_BYTES);
  checked("getrusage", calls.getrusage(RUSAGE_THREAD, usage));
  return Number(usage.readBigInt64LE(136));
}

const BPF_ENABLE_STATS = 32;

/**
 * One bpf(2) command; `pointers` are buffers whose addresses belong at these offsets of the attributes.
 * Returns what the kernel did, mostly a descriptor.
 */
export function bpf(
  call: string,
  command: number,
  attributes: Buffer,
  pointers: readonly (readonly [offset: number, target: Buffer])[] = [],
): number {
  for (const [offset, target] of pointers) attributes.writeBigUInt64LE(addressOf(target), offset);
  return checked(
    call,
    Number(calls.bpf(callNumbers().bpf, command, attributes, attributes.length)),
  );
}

/** A descriptor that keeps the kernel's BPF run-time statistics on until it is closed (or we die). */
export function enableBpfStatistics(): number {
  return bpf("bpf(BPF_ENABLE_STATS)", BPF_ENABLE_STATS, Buffer.alloc(8));
}

const PERF_TYPE_TRACEPOINT = 2;
const PERF_ATTR_BYTES = 136;
/** The bit `disabled` of struct perf_event_attr. */
const PERF_DISABLED = 1n;
const PERF_FLAG_FD_CLOEXEC = 8n;
const PERF_IOC_QUERY_BPF = 0xc008240a;
/** BPF_TRACE_MAX_PROGS: no tracepoint has more. */
const MOST_PROGRAMS = 64;

/**
 * Ids of all BPF programs that sit on a tracepoint by perf events, whoever holds them; `event` is its number in tracefs.
 * It takes an event of our own, which is never enabled. Where nobody else listens to the tracepoint, opening it patches
 * the kernel's code (0.2 ms) and closing it waits for the CPUs (25 to 55 ms measured): not between rounds.
 */
export function programsOnTracepoint(event: number): number[] {
  const attributes = Buffer.alloc(PERF_ATTR_BYTES);
  attributes.writeUInt32LE(PERF_TYPE_TRACEPOINT, 0);
  attributes.writeUInt32LE(PERF_ATTR_BYTES, 4);
  attributes.writeBigUInt64LE(BigInt(event), 8);
  attributes.writeBigUInt64LE(PERF_DISABLED, 40);
  const call = callNumbers().perfEventOpen;
  const opened = calls.perfEventOpen(call, attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
  const fd = checked("perf_event_open", Number(opened));
  try {
    const query = Buffer.alloc(8 + 4 * MOST_PROGRAMS);
    query.writeUInt32LE(MOST_PROGRAMS, 0);
    checked("ioctl(PERF_EVENT_IOC_QUERY_BPF)", calls.ioctl(fd, PERF_IOC_QUERY_BPF, query));
    const found = query.readUInt32LE(4);
    return Array.from({ length: found }, (_, index) => query.readUInt32LE(8 + 4 * index));
  } finally {
    close(fd);
  }
}
