/** `p1`, `p2`, ... for the ports, and `host` for the bridge device itself. */
export type PortId = string;

export const HOST: PortId = "host";

export type PortState = "disabled" | "listening" | "learning" | "forwarding" | "blocking";

/** A port's flags under the names of `bridge link set`, in camel case. */
export interface PortConfig {
  /** `blocking` is accepted and becomes `forwarding` at once, as the kernel does without STP. */
  state: PortState;
  learning: boolean;
  flood: boolean;
  mcastFlood: boolean;
  bcastFlood: boolean;
  isolated: boolean;
  hairpin: boolean;
  /** BR_PORT_LOCKED: kernels from 5.18 on, iproute2 from 5.18 on. */
  locked?: boolean;
  /** A member of its PVID, VLAN 1, untagged; without it the port has no VLAN at all. Default true. */
  vlanMember?: boolean;
  /** The port device's own address, which the bridge keeps as a local FDB entry. */
  address: string;
}

/** What can change on a living port. Its address is not among it: see br_fdb_changeaddr. */
export type PortChange = Partial<Omit<PortConfig, "address" | "vlanMember">>;

export interface StaticEntry {
  address: string;
  /** A port: `bridge fdb add A dev p1 master static`. `host`: `bridge fdb add A dev BR self permanent`. */
  port: PortId;
}

/**
 * What the model knows of a bridge. The lab that is compared with it has to be built so:
 * - `forward_delay 0` before its ports come up. Otherwise br_make_forwarding arms the forward delay
 *   timer (15 s by default) although STP is off, and it moves a port that was set to listening or
 *   learning on to the next state.
 * - the bridge's address set before its ports are added, so that it is the bridge that owns the
 *   local entry of an address it shares with a port (fdb_add_local keeps the first).
 * - one port always forwarding. Without any, br_port_state_selection takes the bridge's carrier
 *   away, and what the host sends is dropped before br_dev_xmit sees it.
 */
export interface BridgeConfig {
  address: string;
  ports: Record<PortId, PortConfig>;
  promiscuous: boolean;
  up: true;
  /** 0 turns learning off altogether (br_fdb_update). */
  ageingTimeMs: number;
  stp: false;
  /** The kernel refuses bits 0, 1 and 2 (BR_GROUPFWD_RESTRICTED). */
  groupFwdMask: number;
  /**
   * Changes nothing for a frame that is neither IP nor IPv6 while there is no MDB entry:
   * br_multicast_rcv ignores it, br_mdb_entry_skb_get finds nothing, and it is flooded.
   */
  mcastSnooping: boolean;
  /** Untagged frames belong to VLAN 1, for those that are members of it. Default false. */
  vlanFiltering?: boolean;
  /** The bridge device itself is a member of VLAN 1. Default true. */
  hostVlanMember?: boolean;
  staticEntries: StaticEntry[];
}

export interface Frame {
  source: string;
  destination: string;
}

/** A frame of the host's own. The bridge neither checks nor learns its source. */
export interface HostFrame {
  source?: string;
  destination: string;
}

export type Decision =
  | "knownUnicast"
  | "unknownUnicast"
  | "broadcast"
  | "multicast"
  | "local"
  | "filtered";

export interface Outcome {
  decision: Decision;
  /** In the order of `Array.prototype.sort`: `host` first, `p10` before `p2`. */
  egress: PortId[];
  /** The frame made a new FDB entry for its source. */
  learned: boolean;
  /** The frame took an existing entry over from another port. */
  moved: boolean;
}
