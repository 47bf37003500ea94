/** VLANs of bridge ports: RTM_GETLINK of AF_BRIDGE with RTEXT_FILTER_BRVLAN_COMPRESSED. */
import { attributesOf, dump, eachAttribute } from "../system/netlink-dump.ts";
import { AF_BRIDGE, LINK_HEADER, RTM_GETLINK } from "../system/uapi.ts";
import type { Port } from "./state.ts";

const IFLA_AF_SPEC = 26;
const IFLA_EXT_MASK = 29;
const RTEXT_FILTER_BRVLAN_COMPRESSED = 4;
const IFLA_BRIDGE_VLAN_INFO = 2;
const PVID = 2;
const UNTAGGED = 4;
const RANGE_END = 16;

/** By ifindex, bridges themselves included. */
export function readVlans(fd: number): Map<number, Port["vlans"]> {
  const found = new Map<number, Port["vlans"]>();
  dump(
    fd,
    RTM_GETLINK,
    (train) => {
      const header = Buffer.alloc(LINK_HEADER);
      header.writeUInt8(AF_BRIDGE, 0);
      train.bytesOf(header);
      train.number(IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN_COMPRESSED);
    },
    (_, body) => {
      const spec = attributesOf(body, LINK_HEADER).get(IFLA_AF_SPEC);
      if (spec !== undefined) found.set(body.readInt32LE(4), vlansOf(spec));
    },
  );
  return found;
}

/** Of IFLA_AF_SPEC: struct bridge_vlan_info each; a range is its first and, marked, its last. */
export function vlansOf(spec: Buffer): Port["vlans"] {
  const vlans: Port["vlans"] = [];
  let first = 0;
  eachAttribute(spec, 0, (type, value) => {
    if (type !== IFLA_BRIDGE_VLAN_INFO) return;
    const flags = value.readUInt16LE(0);
    const last = value.readUInt16LE(2);
    const from = (flags & RANGE_END) === 0 ? last : first + 1;
    for (let vid = from; vid <= last; vid++) {
      vlans.push({ vid, pvid: (flags & PVID) !== 0, untagged: (flags & UNTAGGED) !== 0 });
    }
    first = last;
  });
  return vlans;
}
