import type { FillName } from "./options.ts";

/** What a lab is asked to be, whatever way it was asked: command line, YAML file or library. */
export interface TopologySpec {
  /** The topology in the words of the command line; the first half of a case's id. */
  label: string;
  kind: "netns" | "veth" | "bridge" | "chain";
  hosts: HostSpec[];
  bridge: BridgeSpec | null;
  /** Bytes; null leaves the kernel's default. */
  mtu: number | null;
  /** Let IPv6 configure itself on every device (duplicate address detection, router solicitation). */
  ipv6: boolean;
}

/** A network that others make, of which we know two namespaces. */
interface ForeignSpec extends Pick<TopologySpec, "label" | "hosts" | "mtu" | "ipv6"> {
  bridge: null;
}

/** Two namespaces of ours that a command of the user's connects. */
export interface ExternalSpec extends ForeignSpec {
  kind: "external";
  commands: ExternalCommands;
}

/** Commands with their arguments; each gets the paths of the two namespaces as two more. */
export interface ExternalCommands {
  setup: readonly string[];
  /** Takes back what `setup` made; null where nothing has to be. */
  teardown: readonly string[] | null;
  /** Milliseconds after which one of them counts as hanging; 60 s unless told. */
  limitMs?: number | undefined;
}

/** Two namespaces that exist already. */
export interface AttachSpec extends ForeignSpec {
  kind: "attach";
  /** Each a path, a PID, a name of `ip netns`, or a container's name or id. */
  ends: readonly [string, string];
}

/** Whatever can be measured: a lab of ours, or a network of somebody else's. */
export type Topology = TopologySpec | ExternalSpec | AttachSpec;

export function isForeign(topology: Topology): topology is ExternalSpec | AttachSpec {
  return topology.kind === "external" || topology.kind === "attach";
}

export interface HostSpec {
  name: string;
  device: string;
  /** IPv4 address with prefix length, or null for a host without one. */
  address: string | null;
  /** Bridge port options as `ip link set … type bridge_slave` takes them. */
  port: Record<string, string>;
}

export interface BridgeSpec {
  name: string;
  /**
   * Bridges one after the other, all set alike, joined by veth pairs: the first host is behind the first, all others
   * behind the last. More than 1 in a chain alone.
   */
  inSeries: number;
  /** Bridge options as `ip link set … type bridge` takes them. */
  options: Record<string, string>;
  /** br_netfilter's hooks (bridge-nf-call-*) on for this bridge's namespace. */
  nfCall: boolean;
  /** IPv4 address of the bridge device itself, for workloads in which the host takes part. */
  address: string | null;
  /** How many of what it is filled with. */
  fill: { [Name in FillName]?: number };
  /** Static FDB entries: `bridge fdb add ADDRESS dev PORT master static`. */
  fdb: { address: string; host: string }[];
}

/** RFC 2544 appendix C.2.2: the block set aside for benchmarking. */
export const DEFAULT_NETWORK = "198.18.0.0/15";
export const MAX_PORTS = 1023;
/** Sixty-four hops are what one poll of a CPU's backlog takes (net.core.dev_weight); half of them are left alone. */
export const MAX_CHAIN = 32;
