import { isIPv4 } from "node:net";
import { UsageError } from "../system/errors.ts";

export interface Network {
  base: number;
  prefix: number;
}

/** An IPv4 network such as 198.18.0.0/15. */
export function parseNetwork(text: string): Network {
  const [address = "", bits = "", ...rest] = text.split("/");
  const prefix = Number(bits);
  if (!isIPv4(address) || rest.length > 0 || !/^\d+$/.test(bits) || prefix > 30) {
    throw new UsageError(`expected an IPv4 network such as 198.18.0.0/15, not "${text}"`);
  }
  const mask = prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0;
  return { base: (toNumber(address) & mask) >>> 0, prefix };
}

/** The network's `index`th address with its prefix length; 1 is the first host. */
export function addressAt(network: Network, index: number): string {
  const size = 2 ** (32 - network.prefix);
  if (index < 1 || index > size - 2) {
    throw new UsageError(
      `${toText(network.base)}/${network.prefix} holds ${size - 2} hosts, too few for number ${index}`,
    );
  }
  return `${toText(network.base + index)}/${network.prefix}`;
}

/** The address of `10.0.0.1/8` without its prefix length. */
export function withoutPrefix(address: string): string {
  return address.split("/")[0] ?? address;
}

function toNumber(address: string): number {
  return address.split(".").reduce((value, byte) => value * 256 + Number(byte), 0);
}

function toText(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
}
