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
const BRPORT = {
  state: 1,
  hairpin: 4,
  learning: 8,
  flood: 9,
  proxyArp: 10,
  mcastFlood: 27,
  bcastFlood: 30,
  neighSuppress: 32,
  isolated: 33,
  locked: 39,
} as const;

/** What a kernel does not know yet is as it was before there was a flag for it. */
export function portFlags(data: Attributes): { state: PortStpState; flags: Port["flags"] } {
  const flag = (type: number, otherwise: boolean) =>
    (numberAttribute(data.get(type)) ?? Number(otherwise)) !== 0;
  return {
    state: STP_STATES[numberAttribute(data.get(BRPORT.state)) ?? 0] ?? "disabled",
    flags: {
      learning: flag(BRPORT.learning, true),
      flood: flag(BRPORT.flood, true),
      mcastFlood: flag(BRPORT.mcastFlood, true),
      bcastFlood: flag(BRPORT.bcastFlood, true),
      hairpin: flag(BRPORT.hairpin, false),
      isolated: flag(BRPORT.isolated, false),
      locked: flag(BRPORT.locked, false),
      neighSuppress: flag(BRPORT.neighSuppress, false),
      proxyArp: flag(BRPORT.proxyArp, false),
    },
  };
}
