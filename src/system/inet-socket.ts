import koffi from "koffi";
import {
  bind,
  checked,
  checkedOrAgain,
  close,
  connect,
  libc,
  SystemCallError,
  sendto,
  setsockopt,
  socket,
} from "./libc.ts";
import {
  AF_INET,
  SO_RCVBUF,
  SO_RCVBUFFORCE,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOL_SOCKET,
} from "./uapi.ts";

/**
 * TCP and UDP sockets as plain descriptors, for threads that hold thousands of them and wait with
 * epoll. Each belongs to the namespace in which its thread was when it made it. None ever blocks.
 */
export interface InetAddress {
  /** Dotted IPv4. */
  address: string;
  port: number;
}

const calls = {
  listen: libc.func("int listen(int fd, int backlog)"),
  accept4: libc.func("int accept4(int fd, void *addr, void *addrlen, int flags)"),
  getsockopt: libc.func("int getsockopt(int fd, int level, int name, void *value, void *len)"),
  send: libc.func("long send(int fd, const void *buf, size_t len, int flags)"),
  recv: libc.func("long recv(int fd, void *buf, size_t len, int flags)"),
  recvfrom: libc.func(
    "long recvfrom(int fd, void *buf, size_t len, int flags, void *addr, void *addrlen)",
  ),
  recvmmsg: libc.func(
    "int recvmmsg(int fd, void *msgvec, unsigned int vlen, int flags, void *timeout)",
  ),
  poll: libc.func("int poll(void *fds, unsigned long nfds, int timeout)"),
} as const;

const SOCK_STREAM = 1;
const MSG_NOSIGNAL = 0x4000;
const SO_REUSEADDR = 2;
const SO_ERROR = 4;
const SO_LINGER = 13;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
/** More than net.core.somaxconn allows is cut to it. */
const BACKLOG = 65_535;

/** A UDP socket with both ends fixed, so that the kernel keeps other people's datagrams away. */
export function udpSocket(local: InetAddress, remote: InetAddress): number {
  return opened(SOCK_DGRAM, (fd) => {
    bind(fd, socketAddress(local));
    connect(fd, socketAddress(remote));
  });
}

/** A UDP socket that takes datagrams from anybody. */
export function udpListener(local: InetAddress): number {
  return opened(SOCK_DGRAM, (fd) => bind(fd, socketAddress(local)));
}

export function tcpListener(local: InetAddress): number {
  return opened(SOCK_STREAM, (fd) => {
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, int32(1));
    bind(fd, socketAddress(local));
    checked("listen", calls.listen(fd, BACKLOG));
  });
}

/**
 * A TCP connection on its way: writable once it stands. With `reset`, close(2) sends RST instead of FIN,
 * so that neither side keeps the port in TIME_WAIT (tcp_close in net/ipv4/tcp.c).
 */
export function tcpConnecting(remote: InetAddress, reset = false): number {
  return opened(SOCK_STREAM, (fd) => {
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, int32(1));
    if (reset) setsockopt(fd, SOL_SOCKET, SO_LINGER, Buffer.concat([int32(1), int32(0)]));
    try {
      connect(fd, socketAddress(remote));
    } catch (error) {
      if (!(error instanceof SystemCallError) || error.code !== "EINPROGRESS") throw error;
    }
  });
}

/** The next connection that waits at a listener, or -1 when none does (any more). */
export function accept(listener: number): number {
  const flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
  const fd = calls.accept4(listener, null, null, flags);
  // A client that left while it waited (ECONNABORTED) is none.
  if (fd < 0 && koffi.errno() !== koffi.os.errno.ECONNABORTED) checkedOrAgain("accept", fd);
  if (fd >= 0) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, int32(1));
  return fd;
}

/** Throws what has befallen the socket meanwhile, a refused connection for one. */
export function throwSocketError(fd: number): void {
  const value = int32(0);
  checked("getsockopt", calls.getsockopt(fd, SOL_SOCKET, SO_ERROR, value, int32(4)));
  const errno = value.readInt32LE();
  if (errno !== 0) throw new SystemCallError("connect", errno);
}

/** Bytes that the kernel took of the first `length`, or -1 when its buffer is full. */
export function sendBytes(fd: number, data: Buffer, length: number): number {
  return checkedOrAgain("send", Number(calls.send(fd, data, length, MSG_NOSIGNAL)));
}

/** Bytes received, 0 at the peer's end of a stream, or -1 when nothing is there. */
export function receiveBytes(fd: number, buffer: Buffer): number {
  return checkedOrAgain("recv", Number(calls.recv(fd, buffer, buffer.length, 0)));
}

export function sendDatagram(fd: number, data: Buffer, to: InetAddress): void {
  sendto(fd, data, socketAddress(to));
}

/** Takes one datagram and says who sent it; null when none is there. */
export function receiveDatagram(fd: number, buffer: Buffer): InetAddress | null {
  const from = Buffer.alloc(SOCKET_ADDRESS);
  const length = int32(SOCKET_ADDRESS);
  const call = calls.recvfrom(fd, buffer, buffer.length, 0, from, length);
  if (checkedOrAgain("recvfrom", Number(call)) < 0) return null;
  return { address: from.subarray(4, 8).join("."), port: from.readUInt16BE(2) };
}

/** Datagrams received into the prepared messages, or -1 when none is there. */
export function receiveMessages(fd: number, messages: Buffer, count: number): number {
  return checkedOrAgain("recvmmsg", calls.recvmmsg(fd, messages, count, 0, null));
}

/** Room for datagrams that wait while the reader has no CPU; takes CAP_NET_ADMIN. */
export function growReceiveBuffer(fd: number, bytes: number): void {
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, int32(bytes));
}

/** As little room as the kernel allows: a few datagrams, and all that come later are dropped. */
export function shrinkReceiveBuffer(fd: number): void {
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, int32(0));
}

const POLLIN = 1;
const POLLOUT = 4;

/** True once the socket can be read (written), false after `timeoutMs`. An error counts as ready. */
export function pollSocket(fd: number, what: "read" | "write", timeoutMs: number): boolean {
  const one = Buffer.alloc(8);
  one.writeInt32LE(fd, 0);
  one.writeInt16LE(what === "read" ? POLLIN : POLLOUT, 4);
  return checkedOrAgain("poll", calls.poll(one, 1, timeoutMs)) > 0;
}

function opened(type: number, prepare: (fd: number) => void): number {
  const fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  try {
    prepare(fd);
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

const SOCKET_ADDRESS = 16;

function socketAddress({ address, port }: InetAddress): Buffer {
  const buffer = Buffer.alloc(SOCKET_ADDRESS);
  buffer.writeUInt16LE(AF_INET, 0);
  buffer.writeUInt16BE(port, 2);
  Buffer.from(address.split(".").map(Number)).copy(buffer, 4);
  return buffer;
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32LE(value);
  return buffer;
}
