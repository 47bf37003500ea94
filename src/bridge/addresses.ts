/** IP addresses of devices. */
import { ipText } from "../system/neighbours.ts";
import { attributesOf, dump } from "../system/netlink-dump.ts";
import { AF_INET, IFA_ADDRESS, IFA_LOCAL } from "../system/uapi.ts";

const RTM_GETADDR = 22;
const ADDRESS_HEADER = 8;

export interface InterfaceAddress {
  ifindex: number;
  family: "ip4" | "ip6";
  ip: string;
  prefixLength: number;
}

/** Of all devices of the namespace that the socket was opened in. */
export function dumpAddresses(fd: number): InterfaceAddress[] {
  const found: InterfaceAddress[] = [];
  dump(
    fd,
    RTM_GETADDR,
    (train) => train.bytesOf(Buffer.alloc(ADDRESS_HEADER)),
    (_, body) => {
      const attributes = attributesOf(body, ADDRESS_HEADER);
      // On a point-to-point link IFA_ADDRESS is the other end's.
      const own = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
      const ip = ipText(own ?? Buffer.alloc(0));
      if (ip === null) return;
      found.push({
        ifindex: body.readUInt32LE(4),
        family: body.readUInt8(0) === AF_INET ? "ip4" : "ip6",
        ip,
        prefixLength: body.readUInt8(1),
      });
    },
  );
  return found;
}
