import { readlinkSync } from "node:fs";
import { commandOf, processes, threadsOf } from "../system/processes.ts";

export interface Holder {
  pid: number;
  command: string;
}

/**
 * Processes with a thread in one of the network namespaces, by the namespace's inode. A namespace
 * also lives on through sockets and descriptors, which are not looked for.
 */
export function holdersOf(inodes: ReadonlySet<number>): Map<number, Holder[]> {
  const holders = new Map<number, Holder[]>();
  if (inodes.size === 0) return holders;
  for (const pid of processes()) {
    const entered = new Set(threadsOf(pid).map((task) => networkOf(`/proc/${pid}/task/${task}`)));
    for (const inode of entered) {
      if (inode === null || !inodes.has(inode)) continue;
      holders.set(inode, [...(holders.get(inode) ?? []), { pid, command: commandOf(pid) }]);
    }
  }
  return holders;
}

function networkOf(folder: string): number | null {
  try {
    const inode = /^net:\[(\d+)\]$/.exec(readlinkSync(`${folder}/ns/net`))?.[1];
    return inode === undefined ? null : Number(inode);
  } catch {
    return null;
  }
}
