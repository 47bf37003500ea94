import { readdirSync, readFileSync, readlinkSync } from "node:fs";

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
  for (const pid of numericEntries("/proc")) {
    const entered = new Set(
      numericEntries(`/proc/${pid}/task`).map((task) => networkOf(`/proc/${pid}/task/${task}`)),
    );
    for (const inode of entered) {
      if (inode === null || !inodes.has(inode)) continue;
      holders.set(inode, [...(holders.get(inode) ?? []), { pid, command: commandOf(pid) }]);
    }
  }
  return holders;
}

function numericEntries(folder: string): number[] {
  try {
    return readdirSync(folder)
      .filter((entry) => /^\d+$/.test(entry))
      .map(Number);
  } catch {
    return []; // it ended while we looked
  }
}

function networkOf(folder: string): number | null {
  try {
    const inode = /^net:\[(\d+)\]$/.exec(readlinkSync(`${folder}/ns/net`))?.[1];
    return inode === undefined ? null : Number(inode);
  } catch {
    return null;
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trimEnd();
  } catch {
    return "";
  }
}
