import { closeSync, constants, lstatSync, openSync, readlinkSync } from "node:fs";
import { unmountName } from "../system/netns-names.ts";
import { commandOf, processes, threadsOf } from "../system/processes.ts";
import { hostSite } from "../system/site.ts";
import { printable } from "../text/printable.ts";
import { judge, occupantOf } from "./mark.ts";
import type { LabState } from "./state.ts";
import { type Hold, removeState } from "./state-files.ts";

export interface LeftBehind {
  namespace: string;
  reason: string;
  /** It is the lab's and should have gone. */
  ours: boolean;
}

/** What became of a lab's namespaces. */
export interface Removal {
  removed: string[];
  left: LeftBehind[];
  /** Removed by name, and kept alive by processes that still run in them. */
  held: { namespace: string; processes: Holder[] }[];
}

const TURN_MS = 10;
const { O_NOFOLLOW, O_RDONLY } = constants;

/** Removes what the held state names, and the state itself when nothing of the lab remains. */
export async function finishRemoval(hold: Hold): Promise<Removal> {
  const removal = await removeNamespaces(hold.state, hostSite.netnsFolder);
  if (!removal.left.some((left) => left.ours)) removeState(hold);
  return removal;
}

/** Removes the namespaces that are provably the lab's, and says what it left and why. */
async function removeNamespaces(state: LabState, folder: string): Promise<Removal> {
  const removal: Removal = { removed: [], left: [], held: [] };
  const inodes = inodesOf(state, folder);
  const holders = holdersOf(new Set(inodes.values()));
  // Held until all names are gone: the kernel then takes the namespaces apart together, and not
  // one by one in the way of our own questions.
  const descriptors: number[] = [];
  try {
    await removeAll(state, folder, removal, descriptors);
  } finally {
    for (const fd of descriptors) closeSync(fd);
  }
  for (const namespace of removal.removed) {
    const processes = holders.get(inodes.get(namespace) ?? 0);
    if (processes !== undefined) removal.held.push({ namespace, processes });
  }
  return removal;
}

async function removeAll(
  state: LabState,
  folder: string,
  removal: Removal,
  descriptors: number[],
): Promise<void> {
  let turn = performance.now();
  for (const recorded of state.namespaces) {
    // Judged right before, so that nothing has time to take a name over.
    const occupant = occupantOf(folder, recorded.name);
    if (occupant.kind === "nothing") continue;
    const verdict = judge(state, recorded, occupant);
    if (verdict.ours) remove(folder, recorded.name, removal, descriptors);
    else removal.left.push({ namespace: recorded.name, reason: verdict.reason, ours: false });
    if (performance.now() - turn < TURN_MS) continue;
    await new Promise((resolve) => setImmediate(resolve));
    turn = performance.now();
  }
}

function remove(folder: string, namespace: string, removal: Removal, descriptors: number[]): void {
  try {
    descriptors.push(openSync(`${folder}/${namespace}`, O_RDONLY | O_NOFOLLOW));
    unmountName(folder, namespace);
    removal.removed.push(namespace);
  } catch (error) {
    const reason = `it could not be removed: ${printable(String(error))}`;
    removal.left.push({ namespace, reason, ours: true });
  }
}

function inodesOf(state: LabState, folder: string): Map<string, number> {
  return new Map(
    state.namespaces.flatMap(({ name }) => {
      const stat = lstatSync(`${folder}/${name}`, { throwIfNoEntry: false });
      return stat === undefined ? [] : [[name, stat.ino] as const];
    }),
  );
}

export interface Holder {
  pid: number;
  command: string;
}

/**
 * Processes with a thread in one of the network namespaces, by the namespace's inode. A namespace
 * also lives on through sockets and descriptors, which are not looked for.
 */
function holdersOf(inodes: ReadonlySet<number>): Map<number, Holder[]> {
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
