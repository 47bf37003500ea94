import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readFileSync,
  statfsSync,
} from "node:fs";
import { openRouteSocket } from "../system/netlink.ts";
import { inNamespace, type NetworkNamespace } from "../system/netns.ts";
import { aliasOf } from "./plan.ts";
import type { LabState } from "./state.ts";

/** What the kernel shows under a name of /run/netns. */
export type Occupant =
  | { kind: "nothing" }
  | { kind: "namespace"; inode: number; alias: string; untouched: boolean }
  /** What `ip netns add` leaves when it is killed before it mounts, or `del` after it unmounts. */
  | { kind: "empty file" }
  | { kind: "other"; what: string };

const NSFS_MAGIC = 0x6e736673;
const LOOPBACK = 1;

export function occupantOf(folder: string, name: string): Occupant {
  const path = `${folder}/${name}`;
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return { kind: "nothing" };
  if (!stat.isFile()) return { kind: "other", what: "it is no regular file" };
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    if (statfsSync(`/proc/self/fd/${fd}`).type !== NSFS_MAGIC) {
      return stat.size === 0
        ? { kind: "empty file" }
        : { kind: "other", what: "it is a file with something in it" };
    }
    const namespace = { name, fd, inode: fstatSync(fd).ino };
    const alias = markOf(namespace);
    const untouched = alias === "" && isUntouched(namespace);
    return { kind: "namespace", inode: namespace.inode, alias, untouched };
  } catch (error) {
    return { kind: "other", what: `it cannot be entered as a network namespace: ${String(error)}` };
  } finally {
    closeSync(fd);
  }
}

function markOf(namespace: NetworkNamespace): string {
  const socket = openRouteSocket(namespace);
  try {
    return socket.alias(LOOPBACK);
  } finally {
    socket.close();
  }
}

/** Nothing but lo is in it, as in a new one. */
function isUntouched(namespace: NetworkNamespace): boolean {
  const devices = inNamespace(namespace, () => readFileSync("/proc/thread-self/net/dev", "utf8"));
  return /^[^:]*\n[^:]*\n\s*lo:[^\n]*\n$/.test(devices);
}

export type Verdict = { ours: true } | { ours: false; reason: string };

/**
 * Whether what stands under a recorded name is the lab's. Inode numbers of namespaces are given out
 * again within milliseconds, so a matching number alone is no proof: the mark must be there as well.
 */
export function judge(
  state: Pick<LabState, "id" | "phase">,
  recorded: { inode: number | null },
  occupant: Exclude<Occupant, { kind: "nothing" }>,
): Verdict {
  switch (occupant.kind) {
    case "other":
      return { ours: false, reason: occupant.what };
    case "empty file":
      return state.phase === "kept"
        ? { ours: false, reason: "no namespace is mounted on it" }
        : { ours: true };
    case "namespace": {
      if (recorded.inode !== null && recorded.inode !== occupant.inode) {
        return {
          ours: false,
          reason: `another namespace has its name now (${occupant.inode}, and ours was ${recorded.inode})`,
        };
      }
      if (occupant.alias === aliasOf(state.id)) return { ours: true };
      // Made a moment before the end: the random id in its name says by whom.
      if (recorded.inode === null && state.phase === "building" && occupant.untouched) {
        return { ours: true };
      }
      return { ours: false, reason: `its lo does not carry our mark ${aliasOf(state.id)}` };
    }
  }
}
