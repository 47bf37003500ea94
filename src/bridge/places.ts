/** The network namespaces of this host that anybody can be found in: by process, or by a name. */
import { statSync } from "node:fs";
import { closeNamespace, inNamespace, type NetworkNamespace, openPath } from "../system/netns.ts";
import { cgroupOf, commandOf, containerId, entries, processes } from "../system/processes.ts";
import { hostSite } from "../system/site.ts";
import type { Place } from "./state.ts";

const NETNS_FOLDER = hostSite.netnsFolder;
const DOCKER_FOLDER = "/run/docker/netns";
const OWN = "/proc/thread-self/ns/net";

export interface KnownPlace extends Place {
  /** The first process in it by number; null where only a name holds it. */
  pid: number | null;
  /** As `ip netns` calls it; null where it does not. */
  netns: string | null;
}

/** All of them, our own first. What comes and goes meanwhile may be missed. */
export function listPlaces(): KnownPlace[] {
  const own = statOf(OWN);
  const host = hostInode();
  const places = new Map<number, KnownPlace>();
  for (const pid of processes()) {
    const at = `/proc/${pid}/ns/net`;
    const inode = statOf(at)?.inode;
    if (inode === undefined || places.has(inode)) continue;
    const label =
      inode === host ? "host" : labelOf(pid, host === undefined && inode === own?.inode);
    places.set(inode, { inode, path: at, own: inode === own?.inode, label, pid, netns: null });
  }
  for (const folder of [NETNS_FOLDER, DOCKER_FOLDER]) {
    for (const name of entries(folder)) {
      const at = `${folder}/${name}`;
      const found = statOf(at);
      // A name whose mount is gone is a plain file.
      if (found === null || found.device !== own?.device) continue;
      const { inode } = found;
      const known = places.get(inode);
      if (inode === host || typeof known?.netns === "string") continue;
      if (folder === DOCKER_FOLDER && known !== undefined) continue;
      if (known === undefined && !isNetwork(at)) continue;
      places.set(inode, {
        inode,
        path: at,
        own: inode === own?.inode,
        label: folder === NETNS_FOLDER ? name : `docker namespace ${name}`,
        pid: known?.pid ?? null,
        netns: folder === NETNS_FOLDER ? name : null,
      });
    }
  }
  return [...places.values()].sort((a, b) => Number(b.own) - Number(a.own) || a.inode - b.inode);
}

/** The namespace of this process. */
export function ownPlace(): KnownPlace | undefined {
  return listPlaces().find(({ own }) => own);
}

/** Runs `action` with the namespace of the place open; null where that is gone. */
export function atPlace<T>(place: Place, action: (namespace: NetworkNamespace) => T): T | null {
  let namespace: NetworkNamespace;
  try {
    namespace = openPath(place.label, place.own ? OWN : place.path);
  } catch {
    return null;
  }
  try {
    return namespace.inode === place.inode ? action(namespace) : null;
  } finally {
    closeNamespace(namespace);
  }
}

/** Without what only we know of it. */
export function plainPlace({ inode, path: at, own, label }: Place): Place {
  return { inode, path: at, own, label };
}

/** Of the first process; some machines let nobody look at that, but kernel threads are where it is. */
function hostInode(): number | undefined {
  const first =
    statOf("/proc/1/ns/net") ?? (commandOf(2) === "kthreadd" ? statOf("/proc/2/ns/net") : null);
  return first?.inode;
}

/** Where nobody may look at the host's first process our own may be the host's or not. */
function labelOf(pid: number, ours: boolean): string {
  return ours ? "this network namespace" : processLabel(pid);
}

function processLabel(pid: number): string {
  const container = containerId(cgroupOf(pid) ?? "");
  return container === null
    ? `pid ${pid} (${commandOf(pid)})`
    : `container ${container.slice(0, 12)}`;
}

function statOf(at: string): { inode: number; device: number } | null {
  try {
    const { ino, dev } = statSync(at);
    return { inode: ino, device: dev };
  } catch {
    return null;
  }
}

/** Namespaces of other kinds can be mounted on names too. */
function isNetwork(at: string): boolean {
  try {
    const namespace = openPath(at, at);
    try {
      inNamespace(namespace, () => {});
      return true;
    } finally {
      closeNamespace(namespace);
    }
  } catch {
    return false;
  }
}
