/** IFLA_BR_* and IFLA_BRPORT_* of if_link.h by the names that ip(8) gives them. */
import { type Attributes, addressAttribute, numberAttribute } from "../system/netlink-dump.ts";
import type { Port, PortStpState } from "./state.ts";

const NUMBERS: Record<number, string> = {
  1: "forward_delay",
  2: "hello_time",
  3: "max_age",
  4: "ageing_time",
  5: "stp_state",
  6: "priority",
  7: "vlan_filtering",
  9: "group_fwd_mask",
  12: "root_port",
  13: "root_path_cost",
  14: "topology_change",
  15: "topology_change_detected",
  16: "hello_timer",
  17: "tcn_timer",
  18: "topology_change_timer",
  19: "gc_timer",
  22: "mcast_router",
  23: "mcast_snooping",
  24: "mcast_query_use_ifaddr",
  25: "mcast_querier",
  26: "mcast_hash_elasticity",
  27: "mcast_hash_max",
  28: "mcast_last_member_cnt",
  29: "mcast_startup_query_cnt",
  30: "mcast_last_member_intvl",
  31: "mcast_membership_intvl",
  32: "mcast_querier_intvl",
  33: "mcast_query_intvl",
  34: "mcast_query_response_intvl",
  35: "mcast_startup_query_intvl",
  36: "nf_call_iptables",
  37: "nf_call_ip6tables",
  38: "nf_call_arptables",
  39: "vlan_default_pvid",
  41: "vlan_stats_enabled",
  42: "mcast_stats_enabled",
  43: "mcast_igmp_version",
  44: "mcast_mld_version",
  45: "vlan_stats_per_port",
  48: "fdb_n_learned",
  49: "fdb_max_learned",
};

const IFLA_BR = {
  vlanProtocol: 8,
  rootId: 10,
  bridgeId: 11,
  groupAddress: 20,
  booleans: 46,
} as const;
const BOOLEANS = ["no_linklocal_learn", "mcast_vlan_snooping", "mst_enabled"];
/** ETH_P_8021Q and ETH_P_8021AD. */
const PROTOCOLS = new Map([
  [0x8100, "802.1Q"],
  [0x88a8, "802.1ad"],
]);

/** Times in hundredths of a second, as the kernel counts them; what a kernel does not know is missing. */
export function bridgeOptions(data: Attributes): Record<string, string | number> {
  const options: Record<string, string | number> = {};
  const put = (name: string, value: string | number | null | undefined) => {
    if (value !== null && value !== undefined) options[name] = value;
  };
  for (const [type, name] of Object.entries(NUMBERS)) {
    put(name, numberAttribute(data.get(Number(type))));
  }
  const protocol = data.get(IFLA_BR.vlanProtocol)?.readUInt16BE();
  if (protocol !== undefined) {
    put("vlan_protocol", PROTOCOLS.get(protocol) ?? `0x${protocol.toString(16)}`);
  }
  put("root_id", bridgeId(data.get(IFLA_BR.rootId)));
  put("bridge_id", bridgeId(data.get(IFLA_BR.bridgeId)));
  put("group_addr", addressAttribute(data.get(IFLA_BR.groupAddress)));
  // struct br_boolopt_multi: values, and which of them the kernel knows.
  const booleans = data.get(IFLA_BR.booleans);
  BOOLEANS.forEach((name, bit) => {
    if (booleans === undefined || ((booleans.readUInt32LE(4) >> bit) & 1) === 0) return;
    put(name, (booleans.readUInt32LE(0) >> bit) & 1);
  });
  return options;
}

/** Two bytes of priority, six of an address, as ip(8) writes them. */
function bridgeId(value: Buffer | undefined): string | null {
  if (value === undefined || value.length !== 8) return null;
  const address = [...value.subarray(2)].map((byte) => byte.toString(16)).join(":");
  return `${value.toString("hex", 0, 2)}.${address}`;
}

/** BR_STATE_*, in their order. */
export const STP_STATES: PortStpState[] = [
  "disabled",
  "listening",
  "learning",
  "forwarding",
  "blocking",
];
const BRPORT_NUMBERS: Record<number, string> = {
  2: "priority",
  3: "cost",
  15: "designated_port",
  16: "designated_cost",
  19: "topology_change_ack",
  20: "config_pending",
  21: "message_age_timer",
  22: "forward_delay_timer",
  23: "hold_timer",
  25: "multicast_router",
  31: "group_fwd_mask",
};
const BRPORT_SWITCHES: Record<number, string> = {
  4: "hairpin",
  5: "guard",
  6: "root_block",
  7: "fastleave",
  8: "learning",
  9: "flood",
  10: "proxy_arp",
  12: "proxy_arp_wifi",
  27: "mcast_flood",
  28: "mcast_to_unicast",
  29: "vlan_tunnel",
  30: "bcast_flood",
  32: "neigh_suppress",
  33: "isolated",
  39: "locked",
  40: "mab",
  43: "neigh_vlan_suppress",
};
const BRPORT = {
  state: 1,
  rootId: 13,
  bridgeId: 14,
  id: 17,
  number: 18,
  groupFwdMask: 31,
} as const;

/** Times in hundredths of a second, as those of a bridge; what a kernel does not know is missing. */
export function portOptions(data: Attributes): Record<string, string | number | boolean> {
  const options: Record<string, string | number | boolean> = { state: stpState(data) };
  const put = (name: string, value: string | number | boolean | null) => {
    if (value !== null) options[name] = value;
  };
  const number = (type: number | string) => numberAttribute(data.get(Number(type)));
  const hex = (value: number | null) => (value === null ? null : `0x${value.toString(16)}`);
  for (const [type, name] of Object.entries(BRPORT_NUMBERS)) put(name, number(type));
  for (const [type, name] of Object.entries(BRPORT_SWITCHES)) {
    const value = number(type);
    put(name, value === null ? null : value !== 0);
  }
  put("id", hex(number(BRPORT.id)));
  put("no", hex(number(BRPORT.number)));
  put("root_id", bridgeId(data.get(BRPORT.rootId)));
  put("bridge_id", bridgeId(data.get(BRPORT.bridgeId)));
  return options;
}

function stpState(data: Attributes): PortStpState {
  return STP_STATES[numberAttribute(data.get(BRPORT.state)) ?? 0] ?? "disabled";
}

/** By their names. */
const SWITCH_TYPES = new Map(
  Object.entries(BRPORT_SWITCHES).map(([type, name]) => [name, Number(type)]),
);

/** What a kernel does not know yet is as it was before there was a flag for it. */
export function portFlags(data: Attributes): Pick<Port, "state" | "groupFwdMask" | "flags"> {
  const flag = (name: string, otherwise: boolean) => {
    const value = numberAttribute(data.get(SWITCH_TYPES.get(name) ?? 0));
    return value === null ? otherwise : value !== 0;
  };
  return {
    state: stpState(data),
    groupFwdMask: numberAttribute(data.get(BRPORT.groupFwdMask)) ?? 0,
    flags: {
      learning: flag("learning", true),
      flood: flag("flood", true),
      mcastFlood: flag("mcast_flood", true),
      bcastFlood: flag("bcast_flood", true),
      hairpin: flag("hairpin", false),
      isolated: flag("isolated", false),
      locked: flag("locked", false),
      neighSuppress: flag("neigh_suppress", false),
      proxyArp: flag("proxy_arp", false),
    },
  };
}
