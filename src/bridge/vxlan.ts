/** VXLAN devices: IFLA_VXLAN_* of if_link.h, their own forwarding databases, and the underlay that their packets leave by. */
import { ipText, type NeighbourMessage, NTF, NUD } from "../system/neighbours.ts";
import { numberAttribute } from "../system/netlink-dump.ts";
import type { Link } from "./links.ts";
import type { NamespaceView } from "./peers.ts";
import { plainPlace } from "./places.ts";
import type { Vxlan, VxlanDevice } from "./state.ts";

const IFLA_VXLAN = {
  id: 1,
  group: 2,
  local: 4,
  learning: 7,
  proxy: 11,
  port: 15,
  group6: 16,
  local6: 17,
  collectMetadata: 25,
} as const;
/** A neighbour that is asked for once a second (retrans_time) answers within this, if it is there: hundredths of a second. */
const WAITED = 100;

/**
 * `entries` are those of the device's own FDB, or of more; `underlay` is the namespace that it was made in, null where that
 * was not found. Null for a device of another kind.
 */
export function vxlanOf(
  { kind, data, ifindex }: Link,
  entries: readonly NeighbourMessage[],
  underlay: NamespaceView | null,
): Vxlan | null {
  if (kind !== "vxlan") return null;
  const number = (type: number) => numberAttribute(data.get(type)) ?? 0;
  const address = (...types: number[]) =>
    types.map((type) => ipText(data.get(type) ?? Buffer.alloc(0))).find((text) => text !== null);
  const vni = number(IFLA_VXLAN.id);
  const port = data.get(IFLA_VXLAN.port)?.readUInt16BE() ?? 0;
  return {
    vni,
    external: number(IFLA_VXLAN.collectMetadata) !== 0,
    group: address(IFLA_VXLAN.group, IFLA_VXLAN.group6) ?? null,
    local: address(IFLA_VXLAN.local, IFLA_VXLAN.local6) ?? null,
    port,
    learning: number(IFLA_VXLAN.learning) !== 0,
    proxy: number(IFLA_VXLAN.proxy) !== 0,
    underlay: underlay === null ? null : plainPlace(underlay.place),
    remotes: entries
      .filter((entry) => (entry.flags & NTF.self) !== 0 && entry.ifindex === ifindex)
      .map((entry) => ({
        address: entry.address ?? "",
        ip: entry.ip,
        // What an entry does not say is as the device has it.
        port: entry.remotePort ?? port,
        vni: entry.vni ?? vni,
        permanent: (entry.state & (NUD.permanent | NUD.noarp)) !== 0,
        own: isOwn(entry, underlay),
        answers: entry.ip === null ? null : answers(underlay, entry.ip),
      })),
  };
}

/** Those of a namespace that are nobody's port, with the entries of each: what is routed there may leave by them. */
export function routedVxlans(
  links: readonly Link[],
  entriesOf: (link: Link) => NeighbourMessage[],
): { link: Link; entries: NeighbourMessage[] }[] {
  return links
    .filter(({ kind, master }) => kind === "vxlan" && master === null)
    .map((link) => ({ link, entries: entriesOf(link) }));
}

/** Null for a device of another kind. */
export function vxlanDeviceOf(
  link: Link,
  entries: readonly NeighbourMessage[],
  underlay: NamespaceView | null,
): VxlanDevice | null {
  const vxlan = vxlanOf(link, entries, underlay);
  const { name, ifindex, up, counters } = link;
  return vxlan && { name, ifindex, up, counters, vxlan };
}

/** With another VNI or UDP port it is another device's, which may well be here. */
function isOwn({ ip, vni, remotePort }: NeighbourMessage, underlay: NamespaceView | null): boolean {
  if (ip === null || vni !== null || remotePort !== null) return false;
  return [...(underlay?.addresses.values() ?? [])].some((all) => all.includes(ip));
}

/** By the neighbour table of the underlay, which has nothing of a remote behind a gateway. */
function answers(view: NamespaceView | null, ip: string): boolean | null {
  const known = view?.neighbours.filter((entry) => entry.ip === ip) ?? [];
  if (known.some(({ state }) => (state & (NUD.failed | NUD.incomplete)) === 0)) return true;
  const waited = ({ state, updated }: NeighbourMessage) =>
    (state & NUD.failed) !== 0 || (updated ?? 0) >= WAITED;
  return known.some(waited) ? false : null;
}
