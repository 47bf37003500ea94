import type { FillName } from "./options.ts";

/** What a lab is asked to be, whatever way it was asked: command line, YAML file or library. */
export interface TopologySpec {
  /** The topology in the words of the command line; the first half of a case's id. */
  label: string;
  kind: "netns" | "veth" | "bridge";
  hosts: HostSpec[];
  bridge: BridgeSpec | null;
  /** Bytes; null leaves the kernel's default. */
  mtu: number | null;
  /** Let IPv6 configure itself on every device (duplicate address detection, router solicitation). */
  ipv6: boolean;
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
