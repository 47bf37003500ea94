/** Which rules of nf_tables single frames meet, as the kernel tells it (`nft monitor trace`), by a table of our own that marks them. */

import { bind, close, recv, SystemCallError, send, setsockopt } from "./libc.ts";
import {
  attributesOf,
  eachMessage,
  NETLINK_NETFILTER,
  netlinkSocket,
  textAttribute,
} from "./netlink-dump.ts";
import { align, MessageTrain } from "./netlink-messages.ts";
import type { NetworkNamespace } from "./netns.ts";
import {
  bigEndian,
  META,
  NFGENMSG,
  NFPROTO,
  NFT,
  NFT_REG_VERDICT,
  NFTA_CHAIN,
  NFTA_CMP,
  NFTA_DATA,
  NFTA_EXPR,
  NFTA_HOOK,
  NFTA_IMMEDIATE,
  NFTA_LIST_ELEM,
  NFTA_META,
  NFTA_PAYLOAD,
  NFTA_RULE,
  NFTA_TABLE,
  NFTA_VERDICT,
  PAYLOAD,
} from "./nfnetlink.ts";
import { AF_NETLINK, NLMSG_ERROR, SO_RCVBUFFORCE, SOL_SOCKET } from "./uapi.ts";

/** Bytes that a frame has to have, from the beginning of a header on. */
export interface FrameBytes {
  header: keyof typeof PAYLOAD;
  offset: number;
  value: Buffer;
}

export interface TraceMessage {
  /** The same for what one frame meets at one hook. */
  id: number;
  /** NFPROTO_*. */
  family: number;
  table: string;
  chain: string;
  /** Null where it is the chain's policy that decides. */
  handle: number | null;
  /** The chain's policy where no rule has decided; `return` where a chain that was jumped to ends. */
  kind: "rule" | "return" | "policy";
  /** NF_* or NFT_* as the kernel gives it, and the chain of a jump. */
  code: number;
  target: string;
  /** The first of a frame at a hook has its headers: Ethernet with its addresses, and what stands behind. */
  link: Buffer | null;
  network: Buffer | null;
}

export interface FrameTrace {
  /** What has come since the last call. */
  read(): TraceMessage[];
  /** Takes the table away with the socket that owns it. */
  close(): void;
}

const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;
const NFNL_SUBSYS_NFTABLES = 10;
const NLM_F_ACK = 4;
const NLM_F_CREATE = 0x400;
const NLM_F_APPEND = 0x800;
/** Since Linux 5.12: the table goes with the socket that has made it, however our process ends. */
const NFT_TABLE_F_OWNER = 2;
const NF_BR = { prerouting: 0, output: 3 } as const;
/** Before whatever else there is: raw tables of bridges are at -300. */
const PRIORITY = -2_000_000_000;
const MARKING = "mark";
const NFT_GOTO = -4;
const NF_ACCEPT = 1;
const NFTA_LIMIT = { rate: 1, unit: 2, burst: 3, type: 4 } as const;
const FRAMES_PER_SECOND = 10;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NFNLGRP_NFTRACE = 9;
const NFTA_TRACE = {
  ...{ table: 1, chain: 2, handle: 3, type: 4, verdict: 5, id: 6, link: 7, network: 8 },
  policy: 16,
} as const;
const KINDS: Record<number, TraceMessage["kind"]> = { 1: "policy", 2: "return", 3: "rule" };
const BUFFER_BYTES = 8 << 20;
const NLMSG_HEADER = 16;
const REGISTER = 1;

/**
 * Adds a table of the bridge family with that name, whose rules mark ten frames a second of those that have all bytes of
 * one of the `flows` (nftrace), and listens for what the kernel tells of them. Throws a SystemCallError where the kernel
 * refuses: EPERM without CAP_NET_ADMIN, EOPNOTSUPP or EINVAL before Linux 5.12, ENOENT without the bridge family.
 */
export function openFrameTrace(
  namespace: NetworkNamespace,
  table: string,
  flows: readonly (readonly FrameBytes[])[],
): FrameTrace {
  const fd = netlinkSocket(namespace, NETLINK_NETFILTER);
  try {
    // Its number has to be there before the table is made: it is the owner's.
    const address = Buffer.alloc(12);
    address.writeUInt16LE(AF_NETLINK, 0);
    bind(fd, address);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, int(BUFFER_BYTES));
    addTable(fd, table, flows);
    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, int(NFNLGRP_NFTRACE));
  } catch (error) {
    close(fd);
    throw error;
  }
  const answer = Buffer.alloc(65_536);
  return {
    read: () => readTrace(fd, answer),
    close: () => close(fd),
  };
}

function int(value: number): Buffer {
  return Buffer.from(Int32Array.of(value).buffer);
}

function addTable(fd: number, table: string, flows: readonly (readonly FrameBytes[])[]): void {
  const train = new MessageTrain();
  let asked = 0;
  const batch = (type: number) =>
    train.message(type, 0, () =>
      train.bytesOf(Uint8Array.of(0, 0, NFNL_SUBSYS_NFTABLES >> 8, NFNL_SUBSYS_NFTABLES & 0xff)),
    );
  const message = (type: number, flags: number, body: () => void) => {
    asked++;
    train.message(type, NLM_F_ACK | NLM_F_CREATE | flags, () => {
      train.bytesOf(Uint8Array.of(NFPROTO.bridge, 0, 0, 0));
      body();
    });
  };
  const chain = (name: string, hook: number | null) =>
    message(NFT.newChain, 0, () => {
      train.text(NFTA_CHAIN.table, table);
      train.text(NFTA_CHAIN.name, name);
      if (hook === null) return;
      train.nested(NFTA_CHAIN.hook, () => {
        train.attribute(NFTA_HOOK.number, be32(hook));
        train.attribute(NFTA_HOOK.priority, be32(PRIORITY));
      });
      train.attribute(NFTA_CHAIN.policy, be32(NF_ACCEPT));
      train.text(NFTA_CHAIN.type, "filter");
    });
  const rule = (name: string, expressions: () => void) =>
    message(NFT.newRule, NLM_F_APPEND, () => {
      train.text(NFTA_RULE.table, table);
      train.text(NFTA_RULE.chain, name);
      train.nested(NFTA_RULE.expressions, expressions);
    });
  batch(NFNL_MSG_BATCH_BEGIN);
  message(NFT.newTable, 0, () => {
    train.text(NFTA_TABLE.name, table);
    train.attribute(NFTA_TABLE.flags, be32(NFT_TABLE_F_OWNER));
  });
  chain(MARKING, null);
  rule(MARKING, () => writeMarking(train));
  for (const [name, hook] of Object.entries(NF_BR)) {
    chain(name, hook);
    for (const flow of flows) rule(name, () => writeFlow(train, flow));
  }
  batch(NFNL_MSG_BATCH_END);
  send(fd, train.bytes());
  awaitAnswers(fd, asked);
}

/** Kernels before 6.10 acknowledge no batch's end: it is no message of those that are waited for. */
function awaitAnswers(fd: number, asked: number): void {
  const answer = Buffer.alloc(65_536);
  for (let left = asked; left > 0; ) {
    const length = recv(fd, answer);
    if (length < 0) throw new Error("nf_tables did not answer");
    for (let at = 0; at + NLMSG_HEADER + 4 <= length; ) {
      const size = answer.readUInt32LE(at);
      const errno = -answer.readInt32LE(at + NLMSG_HEADER);
      if (answer.readUInt16LE(at + 4) === NLMSG_ERROR) {
        if (errno !== 0) throw new SystemCallError("a table of nf_tables", errno);
        left--;
      }
      at += align(Math.max(size, NLMSG_HEADER));
    }
  }
}

function writeFlow(train: MessageTrain, flow: readonly FrameBytes[]): void {
  for (const { header, offset, value } of flow) {
    expression(train, "payload", () => {
      train.attribute(NFTA_PAYLOAD.target, be32(REGISTER));
      train.attribute(NFTA_PAYLOAD.base, be32(PAYLOAD[header]));
      train.attribute(NFTA_PAYLOAD.offset, be32(offset));
      train.attribute(NFTA_PAYLOAD.length, be32(value.length));
    });
    expression(train, "cmp", () => {
      train.attribute(NFTA_CMP.source, be32(REGISTER));
      train.attribute(NFTA_CMP.operation, be32(0));
      train.nested(NFTA_CMP.data, () => train.attribute(NFTA_DATA.value, value));
    });
  }
  expression(train, "immediate", () => {
    train.attribute(NFTA_IMMEDIATE.register, be32(NFT_REG_VERDICT));
    train.nested(NFTA_IMMEDIATE.data, () =>
      train.nested(NFTA_DATA.verdict, () => {
        train.attribute(NFTA_VERDICT.code, be32(NFT_GOTO));
        train.text(NFTA_VERDICT.chain, MARKING);
      }),
    );
  });
}

/** `limit rate 10/second meta nftrace set 1` */
function writeMarking(train: MessageTrain): void {
  expression(train, "limit", () => {
    train.attribute(NFTA_LIMIT.rate, be64(FRAMES_PER_SECOND));
    train.attribute(NFTA_LIMIT.unit, be64(1));
    train.attribute(NFTA_LIMIT.burst, be32(FRAMES_PER_SECOND));
    train.attribute(NFTA_LIMIT.type, be32(0));
  });
  expression(train, "immediate", () => {
    train.attribute(NFTA_IMMEDIATE.register, be32(REGISTER));
    train.nested(NFTA_IMMEDIATE.data, () =>
      train.attribute(NFTA_DATA.value, Uint8Array.of(1, 0, 0, 0)),
    );
  });
  expression(train, "meta", () => {
    train.attribute(NFTA_META.key, be32(META.nftrace));
    train.attribute(NFTA_META.source, be32(REGISTER));
  });
}

function expression(train: MessageTrain, name: string, data: () => void): void {
  train.nested(NFTA_LIST_ELEM, () => {
    train.text(NFTA_EXPR.name, name);
    train.nested(NFTA_EXPR.data, data);
  });
}

function be32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function be64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

function readTrace(fd: number, answer: Buffer): TraceMessage[] {
  const messages: TraceMessage[] = [];
  for (;;) {
    let length: number;
    try {
      length = recv(fd, answer);
    } catch (error) {
      // There were more than the buffer holds; of a limited rate those that are there say enough.
      if (error instanceof SystemCallError && error.code === "ENOBUFS") continue;
      throw error;
    }
    if (length < 0) return messages;
    eachMessage(answer.subarray(0, length), (type, body) => {
      if (type === NFT.trace) messages.push(parseTrace(body));
    });
  }
}

/** `body` is of a NFT_MSG_TRACE. */
function parseTrace(body: Buffer): TraceMessage {
  const trace = attributesOf(body, NFGENMSG);
  const kind = KINDS[bigEndian(trace.get(NFTA_TRACE.type)) ?? 0] ?? "rule";
  const verdict = attributesOf(trace.get(NFTA_TRACE.verdict));
  const code = kind === "policy" ? trace.get(NFTA_TRACE.policy) : verdict.get(NFTA_VERDICT.code);
  const copy = (value: Buffer | undefined) => (value === undefined ? null : Buffer.from(value));
  return {
    id: bigEndian(trace.get(NFTA_TRACE.id)) ?? 0,
    family: body.readUInt8(),
    table: textAttribute(trace.get(NFTA_TRACE.table)),
    chain: textAttribute(trace.get(NFTA_TRACE.chain)),
    handle: bigEndian(trace.get(NFTA_TRACE.handle)),
    kind,
    code: code?.readInt32BE() ?? NF_ACCEPT,
    target: textAttribute(verdict.get(NFTA_VERDICT.chain)),
    ...{ link: copy(trace.get(NFTA_TRACE.link)), network: copy(trace.get(NFTA_TRACE.network)) },
  };
}
