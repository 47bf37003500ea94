const ADDRESS = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/;
const ZERO = "00:00:00:00:00:00";
const BROADCAST = "ff:ff:ff:ff:ff:ff";
const RESERVED_PREFIX = "01:80:c2:00:00:0";

/** The address in lower case, or an error that shows what came instead of one. */
export function parseAddress(text: string): string {
  const address = text.toLowerCase();
  if (!ADDRESS.test(address)) {
    throw new Error(`expected an address like 02:ab:cd:00:00:01, found ${JSON.stringify(text)}`);
  }
  return address;
}

export function isBroadcast(address: string): boolean {
  return address === BROADCAST;
}

/** is_multicast_ether_addr: the group bit, so broadcast counts too. */
export function isGroup(address: string): boolean {
  return (Number.parseInt(address.slice(0, 2), 16) & 1) === 1;
}

/** is_valid_ether_addr: neither a group address nor zero. */
export function isValidSource(address: string): boolean {
  return !isGroup(address) && address !== ZERO;
}

/** is_link_local_ether_addr: X of 01:80:c2:00:00:0X (IEEE 802.1D table 7-10), else undefined. */
export function reservedGroup(address: string): number | undefined {
  return address.startsWith(RESERVED_PREFIX)
    ? Number.parseInt(address.slice(RESERVED_PREFIX.length), 16)
    : undefined;
}
