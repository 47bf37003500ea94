/**
 * Groups that devices have joined. RTM_GETMULTICAST tells those of IPv4 on the newest kernels alone, so both families are
 * read where every kernel has them: /proc/net/igmp and /proc/net/igmp6 (igmp_mc_seq_show(), igmp6_mc_seq_show()).
 */
import { readFileSync } from "node:fs";
import { ipText } from "../system/neighbours.ts";
import { inNamespace, type NetworkNamespace } from "../system/netns.ts";

/** IP addresses of groups by ifindex: IPv4 before IPv6. Of a family that the kernel or the namespace has not there are none. */
export function readJoined(namespace: NetworkNamespace): Map<number, string[]> {
  return inNamespace(namespace, () => {
    const found = ip4Groups(textOf("igmp"));
    for (const [ifindex, groups] of ip6Groups(textOf("igmp6"))) {
      found.set(ifindex, [...(found.get(ifindex) ?? []), ...groups]);
    }
    return found;
  });
}

/** A line a device, which begins with its ifindex; below it one a group, as the number that its four bytes are in memory. */
export function ip4Groups(text: string): Map<number, string[]> {
  const found = new Map<number, string[]>();
  let groups: string[] = [];
  for (const line of text.split("\n")) {
    const device = /^(\d+)\t/.exec(line)?.[1];
    if (device !== undefined) {
      groups = [];
      found.set(Number(device), groups);
    }
    const group = /^\t+([0-9A-F]{8}) /.exec(line)?.[1];
    if (group !== undefined) groups.push(addressOf(Buffer.from(group, "hex").reverse()));
  }
  return found;
}

/** A line a group: ifindex, name of the device, 32 hexadecimal digits, and what is not needed here. */
export function ip6Groups(text: string): Map<number, string[]> {
  const found = new Map<number, string[]>();
  for (const line of text.split("\n")) {
    const [, device, group = ""] = /^(\d+) +\S+ +([0-9a-f]{32}) /.exec(line) ?? [];
    if (device === undefined) continue;
    const ifindex = Number(device);
    found.set(ifindex, [...(found.get(ifindex) ?? []), addressOf(Buffer.from(group, "hex"))]);
  }
  return found;
}

function addressOf(bytes: Buffer): string {
  return ipText(bytes) ?? "";
}

/** Of the namespace that this thread is in. */
function textOf(name: string): string {
  try {
    // A device's name may be of bytes that are no UTF-8.
    return readFileSync(`/proc/thread-self/net/${name}`, "latin1");
  } catch {
    return "";
  }
}
