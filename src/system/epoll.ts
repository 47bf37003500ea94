import { checked, checkedOrAgain, libc } from "./libc.ts";

/** Waiting for many descriptors and for a moment in time: epoll(7) and timerfd_create(2). */
const calls = {
  epoll_create1: libc.func("int epoll_create1(int flags)"),
  epoll_ctl: libc.func("int epoll_ctl(int epfd, int op, int fd, void *event)"),
  epoll_wait: libc.func("int epoll_wait(int epfd, void *events, int maxevents, int timeout)"),
  timerfd_create: libc.func("int timerfd_create(int clock, int flags)"),
  timerfd_settime: libc.func(
    "int timerfd_settime(int fd, int flags, const void *value, void *old)",
  ),
} as const;

export const EPOLLIN = 0x1;
export const EPOLLOUT = 0x4;
/** Reported whether asked for or not. */
export const EPOLLFAILED = 0x8 | 0x10;

const EPOLL_CLOEXEC = 0o2000000;
const EPOLL_CTL_ADD = 1;
const EPOLL_CTL_MOD = 3;

// struct epoll_event is packed on x86-64 alone (EPOLL_PACKED in uapi/linux/eventpoll.h).
const PACKED = process.arch === "x64";
const EVENT_BYTES = PACKED ? 12 : 16;
const DATA_AT = PACKED ? 4 : 8;
const MOST_EVENTS = 256;

export class Epoll {
  readonly fd = checked("epoll_create1", calls.epoll_create1(EPOLL_CLOEXEC));
  readonly #event = Buffer.alloc(EVENT_BYTES);
  readonly #ready = Buffer.alloc(EVENT_BYTES * MOST_EVENTS);

  /** `key` is what `keyOf` says when the descriptor is ready. */
  add(fd: number, events: number, key: number): void {
    this.#control(EPOLL_CTL_ADD, fd, events, key);
  }

  modify(fd: number, events: number, key: number): void {
    this.#control(EPOLL_CTL_MOD, fd, events, key);
  }

  /** How many are ready, at once or after at most `timeoutMs`. */
  wait(timeoutMs: number): number {
    const count = calls.epoll_wait(this.fd, this.#ready, MOST_EVENTS, timeoutMs);
    return Math.max(0, checkedOrAgain("epoll_wait", count));
  }

  keyOf(index: number): number {
    return this.#ready.readUInt32LE(index * EVENT_BYTES + DATA_AT);
  }

  eventsOf(index: number): number {
    return this.#ready.readUInt32LE(index * EVENT_BYTES);
  }

  #control(operation: number, fd: number, events: number, key: number): void {
    this.#event.writeUInt32LE(events, 0);
    this.#event.writeUInt32LE(key, DATA_AT);
    checked("epoll_ctl", calls.epoll_ctl(this.fd, operation, fd, this.#event));
  }
}

const CLOCK_MONOTONIC = 1;
const TFD_CLOEXEC = 0o2000000;
const TFD_TIMER_ABSTIME = 1;

/** A descriptor that is readable from a moment on; epoll's own time-out counts whole milliseconds. */
export class TimerFd {
  readonly fd = checked("timerfd_create", calls.timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
  // struct itimerspec: an interval of zero makes it ring once.
  readonly #value = Buffer.alloc(32);

  /** Readable from `atNs` of process.hrtime on; setting it anew takes the last ringing away. */
  set(atNs: number): void {
    this.#value.writeBigInt64LE(BigInt(Math.floor(atNs / 1e9)), 16);
    this.#value.writeBigInt64LE(BigInt(Math.max(1, Math.floor(atNs % 1e9))), 24);
    this.#settime();
  }

  clear(): void {
    this.#value.fill(0);
    this.#settime();
  }

  #settime(): void {
    const { fd } = this;
    checked("timerfd_settime", calls.timerfd_settime(fd, TFD_TIMER_ABSTIME, this.#value, null));
  }
}
