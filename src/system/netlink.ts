import { close, interfaceIndex, recv, SystemCallError, send, setsockopt } from "./libc.ts";
import {
  type Attributes,
  ask,
  attributesOf,
  netlinkSocket,
  numberAttribute,
  textAttribute,
} from "./netlink-dump.ts";
import { align, MessageTrain } from "./netlink-messages.ts";
import type { NetworkNamespace } from "./netns.ts";
import {
  IFLA_IFALIAS,
  IFLA_INFO_DATA,
  IFLA_LINKINFO,
  LINK_HEADER,
  NLMSG_ERROR,
  RTM_GETLINK,
} from "./uapi.ts";

const NLMSG_HEADER = 16;
const SOL_NETLINK = 270;
const NETLINK_EXT_ACK = 11;
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;

/** The kernel refused one message of a train; it went on with those behind it. */
export class RefusedMessage extends SystemCallError {
  /** Its place in the train, counted from 0. */
  readonly index: number;
  /** The kernel's own words (extended acknowledgement), often none. */
  readonly said: string;
  constructor(errno: number, index: number, said: string) {
    super("rtnetlink", errno);
    this.index = index;
    this.said = said;
  }
}

/** An rtnetlink socket: what goes through it acts in the namespace it was opened in. */
export interface RouteSocket {
  /** 0 when there is no such device. */
  ifindex(device: string): number;
  /** Sends the messages that `write` lays out as one train, and waits until all are done. */
  send(write: (train: MessageTrain) => void): void;
  alias(ifindex: number): string;
  /** A number of a bridge (IFLA_BR_*); null where the kernel does not know it. */
  bridgeNumber(ifindex: number, type: number): number | null;
  close(): void;
}

// All of this is synchronous, so one of each does for all sockets.
const train = new MessageTrain();
const answer = Buffer.alloc(32_768);
const ON = Buffer.from(Int32Array.of(1).buffer);

export function openRouteSocket(namespace: NetworkNamespace): RouteSocket {
  const fd = netlinkSocket(namespace);
  setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, ON);
  return {
    ifindex: (device) => interfaceIndex(fd, device),
    send: (write) => {
      train.clear();
      write(train);
      if (train.count === 0) return;
      send(fd, train.bytes());
      receiveAnswers(fd, namespace, train.count);
    },
    alias: (ifindex) => textAttribute(readLink(fd, namespace, ifindex).get(IFLA_IFALIAS)),
    bridgeNumber: (ifindex, type) => {
      const info = attributesOf(readLink(fd, namespace, ifindex).get(IFLA_LINKINFO));
      return numberAttribute(attributesOf(info.get(IFLA_INFO_DATA)).get(type));
    },
    close: () => close(fd),
  };
}

/** Reads until the last of `count` messages is answered; throws for the first that was refused. */
function receiveAnswers(fd: number, namespace: NetworkNamespace, count: number): void {
  let refused: RefusedMessage | null = null;
  for (let last = 0; last < count; ) {
    const length = recv(fd, answer);
    if (length < 0) throw new Error(`rtnetlink did not answer in namespace ${namespace.name}`);
    for (let at = 0; at + NLMSG_HEADER <= length; ) {
      const size = answer.readUInt32LE(at);
      if (size < NLMSG_HEADER) throw new Error("rtnetlink answered with a broken message");
      if (answer.readUInt16LE(at + 4) === NLMSG_ERROR) {
        last = answer.readUInt32LE(at + 8);
        const errno = -answer.readInt32LE(at + NLMSG_HEADER);
        if (errno !== 0) refused ??= new RefusedMessage(errno, last - 1, wordsOf(at, size));
      }
      at += align(size);
    }
  }
  if (refused !== null) throw refused;
}

function wordsOf(at: number, size: number): string {
  if ((answer.readUInt16LE(at + 6) & NLM_F_ACK_TLVS) === 0) return "";
  // The refused message itself stands between errno and attributes.
  const refused = at + NLMSG_HEADER + 4;
  const from = refused + align(answer.readUInt32LE(refused));
  return textAttribute(attributesOf(answer.subarray(0, at + size), from).get(NLMSGERR_ATTR_MSG));
}

/** The attributes of a link; valid until the next question. */
function readLink(fd: number, namespace: NetworkNamespace, ifindex: number): Attributes {
  let found: Attributes | null = null;
  const header = (of: MessageTrain) => of.linkHeader(ifindex);
  ask(fd, RTM_GETLINK, header, (_, body) => {
    found = attributesOf(body, LINK_HEADER);
  });
  if (found === null) {
    throw new Error(`rtnetlink shows no link ${ifindex} in namespace ${namespace.name}`);
  }
  return found;
}
