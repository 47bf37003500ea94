/** nf_tables over netlink: its numbers by the names of linux/netfilter/nf_tables.h, and its questions. */

import { dump, NETLINK_NETFILTER, withDumpSocket } from "./netlink-dump.ts";
import type { MessageTrain } from "./netlink-messages.ts";
import type { NetworkNamespace } from "./netns.ts";

const NFNL_SUBSYS_NFTABLES = 10;
/** Bytes of struct nfgenmsg, which every body begins with. */
export const NFGENMSG = 4;

/** NFPROTO_*. */
export const NFPROTO = { all: 0, inet: 1, ip: 2, arp: 3, netdev: 5, bridge: 7, ip6: 10 } as const;

/** NFT_MSG_* as the type of a message. */
export const NFT = messageTypes({
  ...{ newTable: 0, getTable: 1, newChain: 3, getChain: 4, newRule: 6, getRule: 7 },
  ...{ getSetElements: 13, trace: 17 },
});

export const NFTA_LIST_ELEM = 1;
export const NFTA_TABLE = { name: 1, flags: 2 } as const;
export const NFTA_CHAIN = {
  ...{ table: 1, handle: 2, name: 3, hook: 4, policy: 5, use: 6, type: 7, counters: 8 },
} as const;
export const NFTA_HOOK = { number: 1, priority: 2, device: 3, devices: 4 } as const;
export const NFTA_RULE = { table: 1, chain: 2, handle: 3, expressions: 4, userData: 7 } as const;
export const NFTA_EXPR = { name: 1, data: 2 } as const;
export const NFTA_COUNTER_PACKETS = 2;
export const NFTA_IMMEDIATE = { register: 1, data: 2 } as const;
export const NFTA_DATA = { value: 1, verdict: 2 } as const;
export const NFTA_VERDICT = { code: 1, chain: 2 } as const;
export const NFTA_META = { target: 1, key: 2, source: 3 } as const;
export const NFTA_PAYLOAD = { target: 1, base: 2, offset: 3, length: 4 } as const;
export const NFTA_CMP = { source: 1, operation: 2, data: 3 } as const;

export const NFT_REG_VERDICT = 0;
/** NFT_META_*. */
export const META = {
  ...{ protocol: 1, mark: 3, iif: 4, oif: 5, iifname: 6, oifname: 7, nftrace: 12 },
  ...{ nfproto: 15, l4proto: 16, bridgeIn: 17, bridgeOut: 18 },
} as const;
/** NFT_PAYLOAD_*_HEADER. */
export const PAYLOAD = { link: 0, network: 1, transport: 2 } as const;

function messageTypes<K extends string>(messages: Record<K, number>): Record<K, number> {
  return Object.fromEntries(
    Object.entries<number>(messages).map(([name, type]) => [
      name,
      (NFNL_SUBSYS_NFTABLES << 8) | type,
    ]),
  ) as Record<K, number>;
}

/** Runs `action` with a socket for questions about netfilter. Throws a SystemCallError (EPERM) without CAP_NET_ADMIN there. */
export function withNetfilterSocket<T>(namespace: NetworkNamespace, action: (fd: number) => T): T {
  return withDumpSocket(namespace, action, NETLINK_NETFILTER);
}

/** Asks for all of a family (NFPROTO_*) that `write` narrows down; `each` gets a body from its struct nfgenmsg on. */
export function dumpNetfilter(
  fd: number,
  type: number,
  family: number,
  each: (body: Buffer) => void,
  write: (train: MessageTrain) => void = () => {},
): void {
  dump(
    fd,
    type,
    (train) => {
      train.bytesOf(Uint8Array.of(family, 0, 0, 0));
      write(train);
    },
    (_, body) => each(body),
  );
}

/** What nf_tables says in numbers is in the network's byte order; null where the attribute is missing. */
export function bigEndian(value: Buffer | undefined): number | null {
  if (value === undefined) return null;
  if (value.length === 8) return Number(value.readBigUInt64BE());
  return value.length === 0 || value.length > 4 ? null : value.readUIntBE(0, value.length);
}
