import type { MessageTrain } from "./netlink-messages.ts";
import {
  AF_INET,
  IFA_ADDRESS,
  IFA_LOCAL,
  IFLA_IFALIAS,
  IFLA_INFO_DATA,
  IFLA_LINKINFO,
  IFLA_MASTER,
  RTM_NEWLINK,
} from "./uapi.ts";

/** What a lab asks of rtnetlink; devices and namespaces by name. */
export type RouteRequest =
  | { kind: "bridge"; device: string; address: string; mtu: number | null }
  | { kind: "veth"; device: string; address: string; mtu: number | null; peer: VethPeer }
  | { kind: "set"; device: string; alias?: string; master?: string; to?: string; up?: true }
  /** Most addresses that a bridge learns; 0 for no limit. */
  | { kind: "limit"; device: string; learned: number }
  | { kind: "address"; device: string; address: string }
  | { kind: "neighbours"; device: string; reachableMs: number; delayProbeMs: number };

export interface VethPeer {
  device: string;
  address: string;
  /** The namespace it is made in; null for that of the other end. */
  namespace: string | null;
}

/** Numbers that the kernel wants in the place of names. */
export interface Numbers {
  ifindex(device: string): number;
  /** A descriptor of the namespace. */
  namespace(name: string): number;
}

const RTM_NEWADDR = 20;
const RTM_SETNEIGHTBL = 67;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
const IFF_UP = 1;
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_NET_NS_FD = 28;
const IFLA_NUM_TX_QUEUES = 31;
const IFLA_NUM_RX_QUEUES = 32;
const IFLA_INFO_KIND = 1;
const VETH_INFO_PEER = 1;
/** Since Linux 6.7; older kernels take the request and do nothing. */
export const IFLA_BR_FDB_MAX_LEARNED = 49;
const IFA_BROADCAST = 4;
const NDTA_NAME = 1;
const NDTA_PARMS = 6;
const NDTPA_IFINDEX = 1;
const NDTPA_BASE_REACHABLE_TIME = 4;
const NDTPA_DELAY_PROBE_TIME = 7;

/** Appends the request as one message. */
export function writeRequest(train: MessageTrain, request: RouteRequest, numbers: Numbers): void {
  const make = NLM_F_CREATE | NLM_F_EXCL;
  switch (request.kind) {
    case "bridge":
      train.message(RTM_NEWLINK, make, () => {
        writeLink(train, request);
        train.nested(IFLA_LINKINFO, () => train.text(IFLA_INFO_KIND, "bridge"));
      });
      break;
    case "veth":
      train.message(RTM_NEWLINK, make, () => writeVeth(train, request, numbers));
      break;
    case "set":
      train.message(RTM_NEWLINK, 0, () => writeSet(train, request, numbers));
      break;
    case "limit":
      train.message(RTM_NEWLINK, 0, () => {
        train.linkHeader(numbers.ifindex(request.device));
        train.nested(IFLA_LINKINFO, () => {
          train.text(IFLA_INFO_KIND, "bridge");
          train.nested(IFLA_INFO_DATA, () =>
            train.number(IFLA_BR_FDB_MAX_LEARNED, request.learned),
          );
        });
      });
      break;
    case "address":
      train.message(RTM_NEWADDR, make, () =>
        writeAddress(train, request.address, numbers.ifindex(request.device)),
      );
      break;
    case "neighbours":
      train.message(RTM_SETNEIGHTBL, 0, () => writeNeighbours(train, request, numbers));
  }
}

type Request<K extends RouteRequest["kind"]> = Extract<RouteRequest, { kind: K }>;

function writeVeth(train: MessageTrain, request: Request<"veth">, numbers: Numbers): void {
  const { peer, mtu } = request;
  writeLink(train, request);
  writeQueues(train);
  train.nested(IFLA_LINKINFO, () => {
    train.text(IFLA_INFO_KIND, "veth");
    train.nested(IFLA_INFO_DATA, () =>
      train.nested(VETH_INFO_PEER, () => {
        writeLink(train, { ...peer, mtu });
        writeQueues(train);
        if (peer.namespace !== null) {
          train.number(IFLA_NET_NS_FD, numbers.namespace(peer.namespace));
        }
      }),
    );
  });
}

function writeLink(
  train: MessageTrain,
  link: { device: string; address: string; mtu: number | null },
): void {
  train.linkHeader(0);
  train.text(IFLA_IFNAME, link.device);
  train.attribute(IFLA_ADDRESS, Buffer.from(link.address.replaceAll(":", ""), "hex"));
  if (link.mtu !== null) train.number(IFLA_MTU, link.mtu);
}

/**
 * A veth uses one queue each way unless told otherwise, and yet is made with one a CPU since Linux
 * 5.14: to make all and give the rest up again is half the time that a pair takes.
 */
function writeQueues(train: MessageTrain): void {
  train.number(IFLA_NUM_TX_QUEUES, 1);
  train.number(IFLA_NUM_RX_QUEUES, 1);
}

function writeSet(train: MessageTrain, request: Request<"set">, numbers: Numbers): void {
  const { device, alias, master, to, up } = request;
  train.linkHeader(0, up ? IFF_UP : 0);
  train.text(IFLA_IFNAME, device);
  if (alias !== undefined) train.text(IFLA_IFALIAS, alias);
  if (master !== undefined) train.number(IFLA_MASTER, numbers.ifindex(master));
  if (to !== undefined) train.number(IFLA_NET_NS_FD, numbers.namespace(to));
}

function writeAddress(train: MessageTrain, cidr: string, ifindex: number): void {
  const [text = "", prefix = ""] = cidr.split("/");
  const address = Buffer.from(text.split(".").map(Number));
  const hostBits = Number(prefix) === 32 ? 0 : 0xffffffff >>> Number(prefix);
  const broadcast = Buffer.alloc(4);
  broadcast.writeUInt32BE((address.readUInt32BE(0) | hostBits) >>> 0);
  const header = Buffer.alloc(8);
  header.writeUInt8(AF_INET, 0);
  header.writeUInt8(Number(prefix), 1);
  header.writeUInt32LE(ifindex, 4);
  train.bytesOf(header);
  train.attribute(IFA_LOCAL, address);
  train.attribute(IFA_ADDRESS, address);
  train.attribute(IFA_BROADCAST, broadcast);
}

function writeNeighbours(
  train: MessageTrain,
  request: Request<"neighbours">,
  numbers: Numbers,
): void {
  train.bytesOf(Uint8Array.of(AF_INET, 0, 0, 0));
  train.text(NDTA_NAME, "arp_cache");
  train.nested(NDTA_PARMS, () => {
    train.number(NDTPA_IFINDEX, numbers.ifindex(request.device));
    train.long(NDTPA_BASE_REACHABLE_TIME, BigInt(request.reachableMs));
    train.long(NDTPA_DELAY_PROBE_TIME, BigInt(request.delayProbeMs));
  });
}
