/** What the kernel's tables hold, read over netlink without a process; names come as they are. */

import { macText } from "../text/mac-address.ts";
import { close, recv, SystemCallError, send, setsockopt, socket } from "./libc.ts";
import { align, MessageTrain } from "./netlink-messages.ts";
import { inNamespace, type NetworkNamespace } from "./netns.ts";
import {
  AF_NETLINK,
  NLMSG_ERROR,
  SO_RCVBUF,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_RAW,
  SOL_SOCKET,
} from "./uapi.ts";

/**
 * The kernel has answered when send(2) returns: where it has not, we would wait for ever. No child of ours has it: what
 * belongs to a socket, as a table of nf_tables, goes when the last who has it closes it.
 */
const KIND = SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC;
/** Of netlink: its families, as socket(2) takes them. */
const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;
const NLMSG_DONE = 3;
const NLM_F_DUMP = 0x300;
const HEADER = 16;
/** The two highest bits of an attribute's type are flags (NLA_F_NESTED, NLA_F_NET_BYTEORDER). */
const TYPE_MASK = 0x3fff;

/** One message: its type (RTM_*, NFT_MSG_*) and its body, from the family's own header on. Valid until the next one. */
export type MessageReader = (type: number, body: Buffer) => void;

const train = new MessageTrain();
const answer = Buffer.alloc(1 << 17);

/** A netlink socket; it stays in the namespace that it was opened in. */
export function netlinkSocket(namespace: NetworkNamespace, protocol = NETLINK_ROUTE): number {
  return inNamespace(namespace, () => socket(AF_NETLINK, KIND, protocol));
}

/** Runs `action` with a socket for questions in the namespace; of rtnetlink where no other family is given. */
export function withDumpSocket<T>(
  namespace: NetworkNamespace,
  action: (fd: number) => T,
  protocol = NETLINK_ROUTE,
): T {
  const fd = netlinkSocket(namespace, protocol);
  try {
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, Buffer.from(Int32Array.of(1 << 20).buffer));
    return action(fd);
  } finally {
    close(fd);
  }
}

/** Asks for all of a table; `write` lays out the question's body. What changes meanwhile may be missed. */
export function dump(
  fd: number,
  type: number,
  write: (train: MessageTrain) => void,
  each: MessageReader,
): void {
  const errno = question(fd, type, NLM_F_DUMP, write, each);
  if (errno !== 0) throw new SystemCallError(`netlink dump ${type}`, errno);
}

/** Asks for one thing; false when the kernel refuses. */
export function ask(
  fd: number,
  type: number,
  write: (train: MessageTrain) => void,
  each: MessageReader,
): boolean {
  return question(fd, type, 0, write, each) === 0;
}

/** Sends a question and reads the answer to its end; the kernel's errno, or 0. */
function question(
  fd: number,
  type: number,
  flags: number,
  write: (train: MessageTrain) => void,
  each: MessageReader,
): number {
  train.clear();
  train.message(type, flags, () => write(train));
  send(fd, train.bytes());
  for (;;) {
    const length = recv(fd, answer);
    if (length < 0) throw new Error(`netlink broke off its answer to message ${type}`);
    const end = eachMessage(answer.subarray(0, length), each);
    if (end !== null) return end;
  }
}

/** Walks through messages as recv(2) gave them; the errno, or 0, where one of them ends an answer. */
export function eachMessage(messages: Buffer, each: MessageReader): number | null {
  for (let at = 0; at + HEADER <= messages.length; ) {
    const size = messages.readUInt32LE(at);
    if (size < HEADER || at + size > messages.length) throw new Error("a broken netlink message");
    const type = messages.readUInt16LE(at + 4);
    if (type === NLMSG_DONE || type === NLMSG_ERROR) {
      return size < HEADER + 4 ? 0 : -messages.readInt32LE(at + HEADER);
    }
    each(type, messages.subarray(at + HEADER, at + size));
    at += align(size);
  }
  return null;
}

export type Attributes = Map<number, Buffer>;

/** The attributes from `offset` on, or of these the `wanted`; of several of one type the last, of what is not there none. */
export function attributesOf(
  body: Buffer | undefined,
  offset = 0,
  wanted?: ReadonlySet<number>,
): Attributes {
  const found: Attributes = new Map();
  if (body === undefined) return found;
  eachAttribute(body, offset, (type, value) => found.set(type, value), wanted);
  return found;
}

/** `wanted` where few of many are: to cut out each of those of ten thousand links takes longest. */
export function eachAttribute(
  body: Buffer,
  offset: number,
  each: (type: number, value: Buffer) => void,
  wanted?: ReadonlySet<number>,
): void {
  for (let at = offset; at + 4 <= body.length; ) {
    const size = body.readUInt16LE(at);
    if (size < 4) return;
    const type = body.readUInt16LE(at + 2) & TYPE_MASK;
    if (wanted === undefined || wanted.has(type)) each(type, body.subarray(at + 4, at + size));
    at += align(size);
  }
}

export function textAttribute(value: Buffer | undefined): string {
  return value === undefined ? "" : value.toString("utf8").replace(/\0.*$/s, "");
}

/** An unsigned number of one, two, four or eight bytes; null where the attribute is missing. */
export function numberAttribute(value: Buffer | undefined): number | null {
  if (value === undefined) return null;
  if (value.length === 8) return Number(value.readBigUInt64LE());
  return value.length === 0 || value.length > 4 ? null : value.readUIntLE(0, value.length);
}

/** Six bytes as people write them. */
export function addressAttribute(value: Buffer | undefined): string | null {
  return value === undefined || value.length !== 6 ? null : macText(value);
}
