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

/** The other end of a veth port. */
export interface Peer {
  namespace: Place;
  name: string;
  ifindex: number;
  address: string;
  /** Master of the peer, where it is enslaved itself: an ifindex in its namespace. */
  master: number | null;
  addresses: string[];
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
  owner: Owner | null;
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

export interface BridgeState {
  name: string;
  ifindex: number;
  place: Place;
  address: string;
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
  ports: Port[];
  entries: FdbEntry[];
  /** Of the bridge's namespace, and of those of its peers. */
  neighbours: Neighbour[];
}
