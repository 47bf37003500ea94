import { UsageError } from "../system/errors.ts";
import { parseDuration } from "../text/duration.ts";

/** Options that a person may put behind a topology, in iproute2's spelling. */
interface OptionKind {
  expects: string;
  /** The value as `ip link … type bridge` takes it; null when it is not one. */
  toIp(value: string): string | null;
  /** Kernel configuration that the option needs. */
  config?: string;
}

const onOff = (config?: string): OptionKind => ({
  expects: "0 or 1",
  toIp: (value) => (value === "0" || value === "1" ? value : null),
  ...(config === undefined ? {} : { config }),
});

/** iproute2 takes a port's switches as words where the bridge's are numbers. */
const portOnOff: OptionKind = {
  expects: "0 or 1",
  toIp: (value) => (value === "0" ? "off" : value === "1" ? "on" : null),
};

const integer = (low: number, high: number): OptionKind => ({
  expects: `a whole number from ${low} to ${high}`,
  toIp: (value) =>
    /^\d+$/.test(value) && Number(value) >= low && Number(value) <= high ? value : null,
});

/** iproute2 takes and prints bridge times in hundredths of a second (USER_HZ). */
const time: OptionKind = {
  expects: "a duration such as 5s or 500ms, in steps of 10ms",
  toIp: (value) => {
    const ns = parseDuration(value);
    return ns !== null && ns % 1e7 === 0 ? String(ns / 1e7) : null;
  },
};

export const BRIDGE_OPTIONS: Record<string, OptionKind> = {
  ageing_time: time,
  forward_delay: time,
  hello_time: time,
  max_age: time,
  priority: integer(0, 65535),
  stp_state: onOff(),
  group_fwd_mask: integer(0, 65535),
  mcast_snooping: onOff("CONFIG_BRIDGE_IGMP_SNOOPING"),
  mcast_querier: onOff("CONFIG_BRIDGE_IGMP_SNOOPING"),
  mcast_router: integer(0, 2),
  vlan_filtering: onOff("CONFIG_BRIDGE_VLAN_FILTERING"),
  fdb_max_learned: integer(0, 4294967295),
};

export const PORT_OPTIONS: Record<string, OptionKind> = {
  state: integer(0, 4),
  learning: portOnOff,
  flood: portOnOff,
  mcast_flood: portOnOff,
  bcast_flood: portOnOff,
  isolated: portOnOff,
  hairpin: portOnOff,
  locked: portOnOff,
  neigh_suppress: portOnOff,
  priority: integer(0, 63),
  cost: integer(1, 65535),
};

/** What a bridge can be filled with, to see what one more of it costs; none where it is absent. */
export const FILL_OPTIONS = {
  /** Static FDB entries of made-up addresses at the last port. */
  fdb_entries: integer(1, 1 << 20),
  /** Rules of nftables' bridge family on the way of every forwarded frame, of which none matches. */
  nft_rules: integer(1, 100_000),
  /** VLANs that every port is a member of, from 2 on. */
  vlans: integer(1, 4093),
} as const;
export type FillName = keyof typeof FILL_OPTIONS;

export const FILL_NAMES = Object.keys(FILL_OPTIONS) as FillName[];

/** Options of the lab rather than of the bridge. */
export const LAB_OPTIONS = ["mtu", "nf_call", "ipv6", ...FILL_NAMES] as const;

export function bridgeOption(name: string, value: string): string {
  return checked(BRIDGE_OPTIONS, "bridge option", name, value);
}

export function fillOption(name: string, value: string): number {
  return Number(checked(FILL_OPTIONS, "topology option", name, value));
}

export function portOption(name: string, value: string): string {
  return checked(PORT_OPTIONS, "port option", name, value);
}

export function flag(name: string, value: string): boolean {
  if (value !== "0" && value !== "1")
    throw new UsageError(`${name} expects 0 or 1, not "${value}"`);
  return value === "1";
}

function checked(
  table: Record<string, OptionKind>,
  what: string,
  name: string,
  value: string,
): string {
  const kind = Object.hasOwn(table, name) ? table[name] : undefined;
  if (kind === undefined) {
    throw new UsageError(`unknown ${what} "${name}"; known are ${Object.keys(table).join(", ")}`);
  }
  const words = kind.toIp(value);
  if (words === null) throw new UsageError(`${name} expects ${kind.expects}, not "${value}"`);
  return words;
}
