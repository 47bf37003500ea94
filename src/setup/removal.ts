import { closeSync, constants, lstatSync, openSync } from "node:fs";
import { unmountName } from "../system/netns-names.ts";
import { printable } from "../system/printable.ts";
import type { Site } from "../system/site.ts";
import { type Holder, holdersOf } from "./holders.ts";
import { judge, occupantOf } from "./mark.ts";
import type { LabState } from "./state.ts";

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

/** Removes the namespaces that are provably the lab's, and says what it left and why. */
export async function removeNamespaces(state: LabState, site: Site): Promise<Removal> {
  const removal: Removal = { removed: [], left: [], held: [] };
  const inodes = inodesOf(state, site);
  const holders = holdersOf(new Set(inodes.values()));
  // Held until all names are gone: the kernel then takes the namespaces apart together, and not
  // one by one in the way of our own questions.
  const descriptors: number[] = [];
  try {
    await removeAll(state, site, removal, descriptors);
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
  site: Site,
  removal: Removal,
  descriptors: number[],
): Promise<void> {
  let turn = performance.now();
  for (const recorded of state.namespaces) {
    // Judged right before, so that nothing has time to take a name over.
    const occupant = occupantOf(site.netnsFolder, recorded.name);
    if (occupant.kind === "nothing") continue;
    const verdict = judge(state, recorded, occupant);
    if (verdict.ours) remove(site, recorded.name, removal, descriptors);
    else removal.left.push({ namespace: recorded.name, reason: verdict.reason, ours: false });
    if (performance.now() - turn < TURN_MS) continue;
    await new Promise((resolve) => setImmediate(resolve));
    turn = performance.now();
  }
}

function remove(site: Site, namespace: string, removal: Removal, descriptors: number[]): void {
  try {
    descriptors.push(openSync(`${site.netnsFolder}/${namespace}`, O_RDONLY | O_NOFOLLOW));
    unmountName(site.netnsFolder, namespace);
    removal.removed.push(namespace);
  } catch (error) {
    const reason = `it could not be removed: ${printable(String(error))}`;
    removal.left.push({ namespace, reason, ours: true });
  }
}

function inodesOf(state: LabState, site: Site): Map<string, number> {
  return new Map(
    state.namespaces.flatMap(({ name }) => {
      const stat = lstatSync(`${site.netnsFolder}/${name}`, { throwIfNoEntry: false });
      return stat === undefined ? [] : [[name, stat.ino] as const];
    }),
  );
}
