/**
 * Stand-ins for addresses. They are of the same family and kind as the originals, and stand to each other as those do
 * where a cause looks at that: a group's IP address and its MAC address (RFC 1112, 6.4; RFC 2464, 7), a host's IPv6
 * address and its solicited-node group (RFC 4291, 2.7.1), the addresses of one IPv6 network.
 */
import { isIPv4, isIPv6 } from "node:net";
import { ipBytes, ipText } from "../system/neighbours.ts";
import { macBytes, macText } from "../text/mac-address.ts";
import { virtualAddress } from "./causes/whereabouts.ts";

const MAC = /^[0-9a-f]{1,2}(?::[0-9a-f]{1,2}){5}$/i;
/** As ip and bridge write a bridge's id: its priority, and its address without leading zeros. */
const BRIDGE_ID = /^([0-9a-f]{4})\.([0-9a-f:]+)$/i;

/** What every host has or may use: none, loopback, broadcast, and groups that IANA has given a meaning. */
const WELL_KNOWN: ReadonlySet<string> = new Set(
  `0.0.0.0 127.0.0.0 127.0.0.1 127.255.255.255 255.255.255.255 224.0.0.0 239.255.255.250
  :: ::1 ff00:: ff02::1 ff02::2 ff02::5 ff02::6 ff02::d ff02::16 ff02::6a ff02::fb ff02::1:2 ff02::1:3
  00:00:00:00:00:00 ff:ff:ff:ff:ff:ff
  01:00:5e:00:00:01 01:00:5e:00:00:02 01:00:5e:00:00:05 01:00:5e:00:00:06 01:00:5e:00:00:0d 01:00:5e:00:00:12
  01:00:5e:00:00:16 01:00:5e:00:00:6a 01:00:5e:00:00:fb 01:00:5e:00:00:fc 01:00:5e:7f:ff:fa
  33:33:00:00:00:01 33:33:00:00:00:02 33:33:00:00:00:05 33:33:00:00:00:06 33:33:00:00:00:0d 33:33:00:00:00:16
  33:33:00:00:00:6a 33:33:00:00:00:fb 33:33:00:01:00:02 33:33:00:01:00:03`.split(/\s+/),
);
/** The local network's groups (RFC 5771, 4), and the addresses that no bridge forwards (802.1D, 7.12.6). */
const WELL_KNOWN_BLOCK = /^(?:224\.0\.0\.\d+|01:80:c2:00:00:0.)$/;

/** The network of link-local addresses: of every host's. */
const LINK_LOCAL = "fe80000000000000";
/** ff02::1:ff00:0/104. */
const SOLICITED = "ff0200000000000000000001ff";

export class AddressStandIns {
  readonly #macs = numbers();
  readonly #otherGroups = numbers();
  readonly #hosts4 = numbers();
  readonly #networks6 = numbers();
  readonly #interfaces6 = numbers();
  /** By the bits of a group's IP address that its MAC address has: 23 of IPv4, 32 of IPv6. */
  readonly #groups4 = numbers();
  readonly #groups6 = numbers();
  /** By the last three bytes of IPv6 addresses, which a host's and its solicited-node group's have in common. */
  readonly #tails = numbers();
  /** Groups that have one MAC address, told apart by the order in which they were seen. */
  readonly #twins = new Map<string, (address: string) => number>();

  /** The same for the same address, however it is written; null for what is no address. */
  of(text: string): string | null {
    const [, priority, id = ""] = BRIDGE_ID.exec(text) ?? [];
    if (priority !== undefined && MAC.test(id)) return `${priority}.${this.#mac(id)}`;
    const [, bare = "", prefix = ""] = /^(.*?)(\/\d{1,3})?$/s.exec(text) ?? [];
    const found = this.#bare(bare);
    return found === null ? null : `${found}${prefix}`;
  }

  #bare(text: string): string | null {
    if (MAC.test(text)) return this.#mac(text);
    if (isIPv4(text)) return this.#ip(Buffer.from(text.split(".").map(Number)));
    return isIPv6(text) && !text.includes("%") ? this.#ip(ipBytes(text)) : null;
  }

  #mac(text: string): string {
    const address = macText(text.split(":").map((byte) => Number.parseInt(byte, 16)));
    if (isWellKnown(address)) return address;
    const bytes = macBytes(address);
    if ((bytes.readUInt8() & 1) === 0) return macText([2, 0, ...big(this.#macs(address))]);
    if (/^01:00:5e:[0-7]/.test(address)) {
      return macText([1, 0, 0x5e, ...this.#low4(bytes.subarray(3))]);
    }
    if (address.startsWith("33:33:")) {
      return macText([0x33, 0x33, ...this.#low6(bytes.subarray(2))]);
    }
    return macText([3, 0, ...big(this.#otherGroups(address))]);
  }

  #ip(bytes: Buffer): string {
    const address = ipText(bytes) ?? "";
    if (isWellKnown(address)) return address;
    return ipText(bytes.length === 4 ? this.#ipv4(bytes) : this.#ipv6(bytes)) ?? "";
  }

  #ipv4(bytes: Buffer): Buffer {
    // 198.18.0.0/15 (RFC 2544, C.2.2), and what comes behind it.
    if (bytes.readUInt8() >> 4 !== 14) return big(0xc6120000 + this.#hosts4(bytes.toString("hex")));
    const low = this.#low4(bytes.subarray(1));
    const twin = this.#twin(low, bytes);
    // Of the administrative scope (RFC 2365), as long as no two have one MAC address.
    return Buffer.from([
      239 - (twin & 15),
      low.readUInt8() | (twin < 16 ? 0x80 : 0),
      ...low.subarray(1),
    ]);
  }

  #ipv6(bytes: Buffer): Buffer {
    const standIn = Buffer.alloc(16);
    if (bytes.readUInt8() === 0xff) {
      // How far it reaches.
      bytes.copy(standIn, 0, 0, 2);
      this.#low6(bytes.subarray(12)).copy(standIn, 12);
      if (bytes.toString("hex", 0, 13) === SOLICITED) standIn.writeUInt8(1, 11);
      else standIn.writeUInt32BE(this.#twin(standIn, bytes), 4);
      return standIn;
    }
    const network = bytes.toString("hex", 0, 8);
    if (network === LINK_LOCAL) {
      bytes.copy(standIn, 0, 0, 8);
    } else {
      // 2001:db8::/32 (RFC 3849).
      standIn.writeUInt32BE(0x20010db8);
      standIn.writeUInt32BE(this.#networks6(network), 4);
    }
    const above = bytes.toString("hex", 8, 13);
    if (above !== "0000000000") standIn.writeUInt32BE(this.#interfaces6(above), 9);
    this.#tail(bytes.subarray(13)).copy(standIn, 13);
    return standIn;
  }

  /** The 23 bits that an IPv4 group and its MAC address have in common. */
  #low4(bytes: Buffer): Buffer {
    const bits = bytes.readUIntBE(0, 3) & 0x7fffff;
    return big(0x400000 | this.#groups4(String(bits))).subarray(1);
  }

  /** The 32 bits that an IPv6 group and its MAC address have in common. */
  #low6(bytes: Buffer): Buffer {
    if (bytes.readUInt8() === 0xff) {
      return Buffer.concat([Buffer.of(0xff), this.#tail(bytes.subarray(1))]);
    }
    return big(0x0db80000 + this.#groups6(bytes.toString("hex")));
  }

  /** A network's own address ends in zeros, and so does its stand-in. */
  #tail(bytes: Buffer): Buffer {
    const tail = bytes.toString("hex");
    return big(tail === "000000" ? 0 : this.#tails(tail)).subarray(1);
  }

  /** 0 for the first group that has this much of its stand-in, 1 for the next. */
  #twin(shared: Buffer, group: Buffer): number {
    const key = shared.toString("hex");
    const number = this.#twins.get(key) ?? numbers();
    this.#twins.set(key, number);
    return number(group.toString("hex")) - 1;
  }
}

/** One after the other, counted from 1. */
function numbers(): (original: string) => number {
  const known = new Map<string, number>();
  return (original) => {
    const number = known.get(original) ?? known.size + 1;
    known.set(original, number);
    return number;
  };
}

/** Addresses of virtual routers are made of a group's number, and are whoever's is the master. */
function isWellKnown(address: string): boolean {
  return (
    WELL_KNOWN.has(address) || WELL_KNOWN_BLOCK.test(address) || virtualAddress(address) !== null
  );
}

/** Four bytes. */
function big(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
