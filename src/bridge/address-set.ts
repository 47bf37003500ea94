/** Whether somebody has set a device's address (NET_ADDR_SET): netlink does not tell, sysfs does. */
import { closeSync, readFileSync } from "node:fs";
import { SystemCallError } from "../system/libc.ts";
import { openFileSystem } from "../system/mount.ts";
import { inNamespace } from "../system/netns.ts";
import { atPlace } from "./places.ts";
import type { Place } from "./state.ts";

/** NET_ADDR_SET of linux/netdevice.h: br_stp_recalculate_bridge_id() keeps such an address, whichever ports there are. */
const SET = 3;

/** By ifindex; null where sysfs of that namespace cannot be seen. */
export function addressesSet(
  place: Place,
  devices: readonly { name: string; ifindex: number }[],
): Map<number, boolean | null> {
  const here = new Map(devices.map((one) => [one.ifindex, place.own ? setIn("/sys", one) : null]));
  if (![...here.values()].includes(null)) return here;
  const root = sysfsOf(place);
  if (root === null) return here;
  try {
    const at = `/proc/self/fd/${root}`;
    return new Map(devices.map((one) => [one.ifindex, here.get(one.ifindex) ?? setIn(at, one)]));
  } finally {
    closeSync(root);
  }
}

/** What is mounted at /sys may be of another namespace: then it has no such device, or another one of that name. */
function setIn(root: string, { name, ifindex }: { name: string; ifindex: number }): boolean | null {
  try {
    const read = (file: string) =>
      Number(readFileSync(`${root}/class/net/${name}/${file}`, "utf8"));
    return read("ifindex") === ifindex ? read("addr_assign_type") === SET : null;
  } catch {
    return null;
  }
}

/** A sysfs of that namespace, mounted nowhere; null where that takes a privilege that we do not have. */
function sysfsOf(place: Place): number | null {
  try {
    return atPlace(place, (namespace) => inNamespace(namespace, () => openFileSystem("sysfs")));
  } catch (error) {
    if (error instanceof SystemCallError) return null;
    throw error;
  }
}
