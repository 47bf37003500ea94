/** What a bridge is, as the kernel tells it over netlink: nothing here needs probes, and nothing changes it. */

/** How a process of ours acts in a namespace, and how a person would. */
export interface Place {
  /** `ns.inum`, unique among the living. */
  inode: number;
  /** A path of the host that leads into it: /proc/<pid>/ns/net or /run/netns/<name>. */
  path: string;
  /** The namespace of this process. */
  own: boolean;
  /** As people call it: `host`, a name of `ip netns`, a container, or `pid 123 (redis)`. */
  label: string;
}

/** Who is behind a port: the namespace of its other end, and whoever lives there. */
export interface Owner {
  /** In one phrase: `container web`, `pod default/web-1`, `netns red`, `pid 4711 (redis)`, `vm guest1 (pid 3)`. */
  label: string;
  namespace: Place | null;
  pid: number | null;
  /** As the kernel names it (comm). */
  command: string | null;
  cgroup: string | null;
  container: string | null;
  pod: string | null;
}

/**
 * A link that sits on another, or on what sits there, and so on: macvlan, macvtap, ipvlan, vlan (IFLA_LINK), bond, team, an
 * inner bridge (IFLA_MASTER). Frames for its address go the way of the link below.
 */
export interface Upper {
  namespace: Place;
  name: string;
  ifindex: number;
  /** IFLA_INFO_KIND. */
  kind: string;
  address: string;
  /** Bytes of a frame's payload. */
  mtu: number;
  /** IP addresses. */
  addresses: string[];
  /** IP addresses of the groups that it has joined. */
  joined: string[];
}

/** The other end of a veth port. */
export interface Peer {
  namespace: Place;
  name: string;
  ifindex: number;
  address: string;
  mtu: number;
  up: boolean;
  /** Master of the peer, where it is enslaved itself: an ifindex in its namespace. */
  master: number | null;
  addresses: string[];
  /** IP addresses of the groups that it has joined, its own solicited-node groups among them. */
  joined: string[];
  /** All links that sit on it, in its namespace and in others. */
  uppers: Upper[];
  /** Unicast addresses that it takes besides its own (`bridge fdb show dev … self`): of macvlan children, virtual routers. */
  filter: string[];
}

/** A VXLAN device, and what its own FDB says (`bridge fdb show dev … self`). */
export interface Vxlan {
  /** 0 where it is external: then frames bring the number along (collect metadata), and whoever sends them says where to. */
  vni: number;
  external: boolean;
  /** Where frames go for which it has no entry: a group or a single remote; null where they go nowhere. */
  group: string | null;
  local: string | null;
  port: number;
  learning: boolean;
  /** It answers ARP and neighbour solicitations itself, by its neighbour entries, and carries none of them. */
  proxy: boolean;
  /** The namespace whose IP stack its packets leave by, which it was made in; null where that was not found. */
  underlay: Place | null;
  /** 00:00:00:00:00:00 is the default remote, of which there may be many. */
  remotes: Remote[];
}

/** An entry of a VXLAN device's own FDB: which host has an address. */
export interface Remote {
  address: string;
  /** Null for one that a nexthop object says. */
  ip: string | null;
  port: number;
  vni: number;
  /** It does not age. */
  permanent: boolean;
  /** It is an address of the underlay's own namespace, at the device's own VNI and port: the device itself. */
  own: boolean;
  /**
   * Whether somebody has its address on the underlay's wire: false where the neighbour entry failed, or has waited for a
   * second; null where nothing tells, as behind a gateway.
   */
  answers: boolean | null;
}

/** A VXLAN device of the bridge's namespace that is no port of a bridge: what is routed from the bridge may leave by it. */
export interface VxlanDevice {
  name: string;
  ifindex: number;
  up: boolean;
  counters: Port["counters"];
  vxlan: Vxlan;
}

export type PortStpState = "disabled" | "listening" | "learning" | "forwarding" | "blocking";

export interface Port {
  name: string;
  ifindex: number;
  address: string;
  /** IFLA_INFO_KIND: veth, tun, vxlan, …; `device` for a physical one. */
  kind: string;
  mtu: number;
  up: boolean;
  /** It has a carrier. */
  carrier: boolean;
  state: PortStpState;
  promiscuity: number;
  /** Its own group_fwd_mask: link-local groups that it lets in besides those of the bridge's. */
  groupFwdMask: number;
  flags: {
    learning: boolean;
    flood: boolean;
    mcastFlood: boolean;
    bcastFlood: boolean;
    hairpin: boolean;
    isolated: boolean;
    locked: boolean;
    neighSuppress: boolean;
    proxyArp: boolean;
  };
  /** VLAN of untagged ingress frames; 0 where VLANs are not filtered, null where none is set. */
  pvid: number | null;
  vlans: { vid: number; pvid: boolean; untagged: boolean }[];
  /** Interface counters, in skbs and bytes. */
  counters: { rx: number; tx: number; rxBytes: number; txBytes: number; txDropped: number };
  peer: Peer | null;
  vxlan: Vxlan | null;
  owner: Owner | null;
}

/** A member of a group as the bridge knows it. */
export interface MdbEntry {
  /** IP address of the group; MAC address of one that is not IP. */
  group: string;
  /** Of (S,G); null for any source. */
  source: string | null;
  vlan: number;
  /** Ifindex of the port; of the bridge itself where the host has joined. */
  port: number;
  permanent: boolean;
}

export interface Querier {
  /** Its IP address. */
  address: string;
  /** Ifindex of the port that it is heard on, 0 where that is gone; null for the bridge itself. */
  port: number | null;
}

/** What the bridge knows of groups (RTM_GETMDB, IFLA_BR_MCAST_QUERIER_STATE). */
export interface MulticastState {
  members: MdbEntry[];
  /** Ports that every group goes to because a router is behind them, by address family. */
  routers: { port: number; ip4: boolean; ip6: boolean }[];
  /**
   * Who sends the queries, by address family; null where nobody is known; undefined where the kernel does not tell
   * (before 5.15, or while snooping is off).
   */
  querier: { ip4: Querier | null; ip6: Querier | null } | undefined;
}

export interface FdbEntry {
  /** Lower-case, with colons. */
  address: string;
  /** 0 where VLANs are not filtered. */
  vlan: number;
  /** Ifindex of the port, or of the bridge itself. */
  port: number;
  /** The bridge's own or a port's own address (NUD_PERMANENT). */
  local: boolean;
  /** Added by a person or a program and never ages (NUD_NOARP). */
  static: boolean;
  /** It does not move to another port, whoever sends there with its address (NTF_STICKY). */
  sticky: boolean;
  /** Seconds since it was last seen as a source, and last used as a destination. */
  updatedS: number | null;
  usedS: number | null;
}

/** An IP neighbour: who believes that an address is behind which link-layer address. */
export interface Neighbour {
  /** Of the namespace whose table this is. */
  namespace: Place;
  device: string;
  ifindex: number;
  ip: string;
  /** Null while it is being asked for, or where it failed. */
  address: string | null;
  state:
    | "incomplete"
    | "reachable"
    | "stale"
    | "delay"
    | "probe"
    | "failed"
    | "noarp"
    | "permanent";
}

/** A base chain of nf_tables that frames of a bridge can pass, or one that such a chain leads to. */
export interface FilterChain {
  /** `inet` chains see IPv4 and IPv6; `bridge` and `netdev` chains see every frame, `ip` and `ip6` what bridge-nf-call-* hands them. */
  family: "ip" | "ip6" | "inet" | "bridge" | "netdev";
  table: string;
  name: string;
  /** Null for one that is only jumped to. */
  hook: "prerouting" | "input" | "forward" | "output" | "postrouting" | "ingress" | "egress" | null;
  priority: number | null;
  policy: "accept" | "drop" | null;
  /** Frames that its policy has decided, where that is counted (iptables counts, nft does not). */
  policyFrames: number | null;
  /** Ifindexes of ports, or of the bridge, that a chain at the hooks ingress and egress is for. */
  ports: number[];
  /** Those that decide something and that frames of this bridge can fit, in their order. */
  rules: FilterRule[];
  /** How many behind these were not read, since there are too many. */
  unread: number;
}

export interface FilterRule {
  handle: number;
  /** Frames that have fitted it; null where that is not counted. */
  frames: number | null;
  /**
   * `drop`, `accept`, `reject`, `queue`, `return`, `jump CHAIN`, `goto CHAIN`; `vmap` where a map decides, which says
   * one of `drop`, `accept` or the chains of `leadsTo`.
   */
  verdict: string;
  /** Chains of its table. */
  leadsTo: string[];
  /** Frames can end here: `drop`, `reject`, `queue`, or a map that has one of these. */
  drops: boolean;
  /** EtherType of the frames that can fit, and the number of the protocol within IP; null for any. */
  etherType: number | null;
  protocol: number | null;
  /** Of `bridge` and `netdev` chains: ifindexes of ports by which frames that fit come in and leave; null for any. */
  in: number[] | null;
  out: number[] | null;
  /** Single MAC or IP addresses that it asks for. */
  addresses: { side: "source" | "destination"; address: string }[];
  /** It asks for this bridge on both sides, or for a bridge or port at all (physdev, ibrname): whoever wrote it meant bridged frames. */
  aboutBridges: boolean;
  /** It asks for MAC or IP addresses: whoever wrote it meant somebody. */
  aboutAddresses: boolean;
  /** What it asks for besides the devices, which fit, by nft's words: `ct state`, `fib`, `ip saddr`; none where every frame fits. */
  asks: string[];
  comment: string | null;
}

/** What filters frames in a bridge's namespace. */
export interface Filters {
  /** The base chains first, in the order in which a hook has them. */
  chains: FilterChain[];
  /** Tables of legacy iptables (/proc/net/ip_tables_names and the like), whose rules are not read. */
  legacy: { family: "ip" | "ip6" | "arp"; table: string }[];
  /** Programs that keep rules there, by their chains: Docker, Kubernetes, … */
  keepers: string[];
  /** Other bridges of the namespace, to which bridge-nf-call-* applies as well. */
  otherBridges: string[];
}

/** Which bridged frames iptables and nftables of the IP families see: the namespace says so, or the bridge's own nf_call_*. */
export interface NetfilterCalls {
  ip: boolean;
  ip6: boolean;
  arp: boolean;
  /** Of these, what the namespace says (net.bridge.bridge-nf-call-*tables); `options` of a bridge has its own nf_call_*. */
  sysctls: { ip: boolean; ip6: boolean; arp: boolean };
}

export interface BridgeState {
  name: string;
  ifindex: number;
  place: Place;
  address: string;
  mtu: number;
  up: boolean;
  promiscuity: number;
  /** Milliseconds; 0 learns nothing. */
  ageingMs: number;
  stp: boolean;
  /** Seconds that entries live while a topology change is on. */
  forwardDelayS: number;
  topologyChange: boolean;
  mcastSnooping: boolean;
  mcastQuerier: boolean;
  vlanFiltering: boolean;
  /** Of the bridge device; see Port.pvid. */
  pvid: number | null;
  /** Learned entries and their limit (0: none); null where the kernel does not know them. */
  learned: number | null;
  maxLearned: number | null;
  /** IFLA_INFO_DATA as ip names it. */
  options: Record<string, string | number | boolean>;
  counters: Port["counters"];
  /** IP addresses of the bridge device. */
  addresses: string[];
  /** Links that sit on the bridge device. */
  uppers: Upper[];
  /** Addresses that it had in earlier readings: it takes the lowest of its ports' unless one is set. */
  formerAddresses: string[];
  multicast: MulticastState;
  ports: Port[];
  /** As flannel's: where what hosts send to the bridge for other machines goes. */
  vxlans: VxlanDevice[];
  entries: FdbEntry[];
  /** Of the bridge's namespace, and of those of its peers and of what sits on these. */
  neighbours: Neighbour[];
  /** Null where br_netfilter is not there. */
  netfilterCalls: NetfilterCalls | null;
  /** Null where they were not read, as by whom does not look for what is lost or may not. */
  filters: Filters | null;
  /** Frames that wait for a CPU at most (net.core.netdev_max_backlog); null where it may not be read. */
  maxBacklog: number | null;
}
