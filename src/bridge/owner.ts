/** Who is behind a port. */

import {
  cgroupOf,
  commandOf,
  containerId,
  processes,
  tunDevices,
  wordsOf,
} from "../system/processes.ts";
import { type NameCache, nameContainers } from "./containers.ts";
import { type KnownPlace, plainPlace } from "./places.ts";
import type { Owner } from "./state.ts";

/** The owners of namespaces, by inode: the first process of each, and the container that this is in. */
export async function ownersOf(
  places: readonly KnownPlace[],
  cache: NameCache,
): Promise<Map<number, Owner>> {
  const cgroups = new Map(
    places.map(({ inode, pid }) => [inode, pid === null ? null : cgroupOf(pid)]),
  );
  await nameContainers(
    [...cgroups.values()].filter((cgroup) => cgroup !== null),
    cache,
  );
  return new Map(
    places.map((place) => [place.inode, owner(place, cgroups.get(place.inode) ?? null, cache)]),
  );
}

function owner(place: KnownPlace, cgroup: string | null, cache: NameCache): Owner {
  const { pid } = place;
  const id = containerId(cgroup ?? "");
  const named = id === null ? null : (cache.get(id) ?? null);
  const container = named?.container ?? id?.slice(0, 12) ?? null;
  const pod = named?.pod ?? null;
  return {
    label: labelOf(place, container, pod),
    namespace: plainPlace(place),
    pid,
    command: pid === null ? null : commandOf(pid),
    cgroup,
    container,
    pod,
  };
}

function labelOf(place: KnownPlace, container: string | null, pod: string | null): string {
  if (pod !== null) return `pod ${pod}`;
  if (container !== null) return `container ${container}`;
  return place.netns === null ? place.label : `netns ${place.netns}`;
}

/** The processes that hold tun and tap devices open, by the device's name: virtual machines, mostly. */
export function tapOwners(names: ReadonlySet<string>): Map<string, Owner> {
  const owners = new Map<string, Owner>();
  if (names.size === 0) return owners;
  for (const pid of processes()) {
    for (const name of tunDevices(pid)) {
      if (names.has(name) && !owners.has(name)) owners.set(name, holder(pid));
    }
  }
  return owners;
}

function holder(pid: number): Owner {
  const command = commandOf(pid);
  const guest = /^(qemu|kvm)/.test(command) ? guestName(wordsOf(pid)) : null;
  const cgroup = cgroupOf(pid);
  const container = containerId(cgroup ?? "")?.slice(0, 12) ?? null;
  const label = guest === null ? `pid ${pid} (${command})` : `vm ${guest} (pid ${pid})`;
  return { label, namespace: null, pid, command, cgroup, container, pod: null };
}

/** `-name guest=web,debug-threads=on` or `-name web` of a qemu. */
export function guestName(words: readonly string[]): string | null {
  const at = words.indexOf("-name");
  const value = at < 0 ? undefined : words[at + 1];
  if (value === undefined) return null;
  // A comma of the name's own is doubled.
  const parts = value.split(/(?<!,),(?!,)/).map((part) => part.replaceAll(",,", ","));
  const guest = parts.find((part) => part.startsWith("guest="))?.slice("guest=".length);
  return guest ?? (parts[0]?.includes("=") ? null : parts[0] || null);
}
