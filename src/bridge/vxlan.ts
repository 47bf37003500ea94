/** VXLAN devices: IFLA_VXLAN_* of if_link.h, and their own forwarding databases. */
import { ipText, type NeighbourMessage, NTF, NUD } from "../system/neighbours.ts";
import { numberAttribute } from "../system/netlink-dump.ts";
import type { Link } from "./links.ts";
import type { Vxlan } from "./state.ts";

const IFLA_VXLAN = {
  id: 1,
  group: 2,
  local: 4,
  learning: 7,
  port: 15,
  group6: 16,
  local6: 17,
  collectMetadata: 25,
} as const;

/** `entries` are those of the device's own FDB, or of more; null for a device of another kind. */
export function vxlanOf(
  { kind, data, ifindex }: Link,
  entries: readonly NeighbourMessage[],
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
    remotes: entries
      .filter((entry) => (entry.flags & NTF.self) !== 0 && entry.ifindex === ifindex)
      .map((entry) => ({
        address: entry.address ?? "",
        ip: entry.ip,
        // What an entry does not say is as the device has it.
        port: entry.remotePort ?? port,
        vni: entry.vni ?? vni,
        permanent: (entry.state & (NUD.permanent | NUD.noarp)) !== 0,
      })),
  };
}
