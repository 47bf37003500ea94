/** What a bridge knows of multicast groups: RTM_GETMDB, and the querier's state among the bridge's own attributes. */
import { ipText } from "../system/neighbours.ts";
import {
  addressAttribute,
  attributesOf,
  dump,
  eachAttribute,
  numberAttribute,
} from "../system/netlink-dump.ts";
import { AF_BRIDGE } from "../system/uapi.ts";
import type { Link } from "./links.ts";
import type { MdbEntry, MulticastState, Querier } from "./state.ts";

const RTM_GETMDB = 86;
/** struct br_port_msg: the family, and the ifindex of the bridge. */
const MDB_HEADER = 8;
const MDBA = { mdb: 1, router: 2 } as const;
const MDBA_MDB_ENTRY = 1;
const MDBA_MDB_ENTRY_INFO = 1;
const MDBA_MDB_EATTR_SOURCE = 4;
const MDBA_ROUTER_PORT = 1;
const ROUTER = { inetTimer: 3, inet6Timer: 4 } as const;
/** struct br_mdb_entry. */
const ENTRY_BYTES = 28;
const MDB_PERMANENT = 1;
const MDB_FLAGS_BLOCKED = 8;
const ETH_P_IP = 0x0800;
const ETH_P_IPV6 = 0x86dd;
const IFLA_BRPORT_MULTICAST_ROUTER = 25;
const ROUTER_ALWAYS = 2;
const IFLA_BR_MCAST_QUERIER_STATE = 47;
const QUERIER = {
  ip4: { address: 1, port: 2, otherTimer: 3 },
  ip6: { address: 5, port: 6, otherTimer: 7 },
} as const;

type Routers = MulticastState["routers"];

/** Members and routers of one bridge, by the ports that they are at. */
export interface Mdb {
  members: MdbEntry[];
  routers: Map<number, Routers[number]>;
}

export function multicastOf(
  bridge: Link,
  ports: readonly Link[],
  options: Record<string, string | number | boolean>,
  mdb: Mdb | undefined,
): MulticastState {
  // A kernel without snooping has no such option, and no such table.
  if (options.mcast_snooping === undefined) return { members: [], routers: [], querier: undefined };
  const routers = new Map(mdb?.routers);
  for (const { ifindex, slaveData } of ports) {
    if (numberAttribute(slaveData.get(IFLA_BRPORT_MULTICAST_ROUTER)) !== ROUTER_ALWAYS) continue;
    routers.set(ifindex, { port: ifindex, ip4: true, ip6: true });
  }
  return {
    members: mdb?.members ?? [],
    routers: [...routers.values()],
    querier: querierOf(bridge, options),
  };
}

/** Of one bridge, or of all (0), by the bridge's ifindex. */
export function dumpMdb(fd: number, bridge: number): Map<number, Mdb> {
  const found = new Map<number, Mdb>();
  dump(
    fd,
    RTM_GETMDB,
    (train) => {
      const header = Buffer.alloc(MDB_HEADER);
      header.writeUInt8(AF_BRIDGE, 0);
      header.writeUInt32LE(bridge, 4);
      train.bytesOf(header);
    },
    (_, body) => {
      // Before 6.3 the ifindex in the question is not looked at: all bridges answer.
      const of = body.readUInt32LE(4);
      const known: Mdb = found.get(of) ?? { members: [], routers: new Map() };
      found.set(of, known);
      const { members, routers } = known;
      eachAttribute(body, MDB_HEADER, (table, rows) => {
        eachAttribute(rows, 0, (kind, row) => {
          if (table === MDBA.mdb && kind === MDBA_MDB_ENTRY) members.push(...membersOf(row));
          if (table === MDBA.router && kind === MDBA_ROUTER_PORT) addRouter(routers, row);
        });
      });
    },
  );
  return found;
}

/** Of one MDBA_MDB_ENTRY: the ports of one group, each with attributes behind its struct. */
export function membersOf(entry: Buffer): MdbEntry[] {
  const members: MdbEntry[] = [];
  eachAttribute(entry, 0, (kind, info) => {
    if (kind !== MDBA_MDB_ENTRY_INFO || info.length < ENTRY_BYTES) return;
    // The port asked for this group, but not from this source.
    if ((info.readUInt8(5) & MDB_FLAGS_BLOCKED) !== 0) return;
    const group = groupOf(info.subarray(8, 24), info.readUInt16BE(24));
    if (group === null) return;
    const source = attributesOf(info, ENTRY_BYTES).get(MDBA_MDB_EATTR_SOURCE);
    members.push({
      group,
      source: source === undefined ? null : ipText(source),
      vlan: info.readUInt16LE(6),
      port: info.readUInt32LE(0),
      permanent: info.readUInt8(4) === MDB_PERMANENT,
    });
  });
  return members;
}

function groupOf(union: Buffer, protocol: number): string | null {
  if (protocol === ETH_P_IP) return ipText(union.subarray(0, 4));
  if (protocol === ETH_P_IPV6) return ipText(union);
  return addressAttribute(union.subarray(0, 6));
}

/** One MDBA_ROUTER_PORT: an ifindex and attributes; a port comes once a VLAN where these are snooped apart. */
export function addRouter(routers: Map<number, Routers[number]>, row: Buffer): void {
  const port = row.readUInt32LE(0);
  const attributes = attributesOf(row, 4);
  const [ip4, ip6] = [attributes.has(ROUTER.inetTimer), attributes.has(ROUTER.inet6Timer)];
  // Before 5.14 there are no timers by family: a router is one for both.
  const both = !ip4 && !ip6;
  const known = routers.get(port);
  routers.set(port, {
    port,
    ip4: ip4 || both || known?.ip4 === true,
    ip6: ip6 || both || known?.ip6 === true,
  });
}

/**
 * The kernel leaves the attribute out where nobody is known, and knows it since 5.15. That it does shows in the option
 * mcast_vlan_snooping, which came with the same release and is always told.
 */
function querierOf(
  { data, up }: Link,
  options: Record<string, string | number | boolean>,
): MulticastState["querier"] {
  if (options.mcast_snooping !== 1) return undefined;
  const nested = data.get(IFLA_BR_MCAST_QUERIER_STATE);
  if (nested === undefined && options.mcast_vlan_snooping === undefined) return undefined;
  const state = attributesOf(nested);
  const of = (types: (typeof QUERIER)["ip4" | "ip6"]): Querier | null => {
    const address = ipText(state.get(types.address) ?? Buffer.alloc(0));
    if (address === null) return null;
    const other = state.has(types.otherTimer);
    // It would be the querier itself, but a bridge that is down, or has no IPv6 address, sends no queries.
    if (!other && (!up || address === "::")) return null;
    return { address, port: other ? (numberAttribute(state.get(types.port)) ?? 0) : null };
  };
  return { ip4: of(QUERIER.ip4), ip6: of(QUERIER.ip6) };
}
