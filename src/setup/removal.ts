import { lstatSync } from "node:fs";
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

const BATCH = 128;
const BATCH_TIMEOUT_MS = 60_000;

/** Removes the namespaces that are provably the lab's, and says what it left and why. */
export async function removeNamespaces(state: LabState, site: Site): Promise<Removal> {
  const removal: Removal = { removed: [], left: [], held: [] };
  const inodes = inodesOf(state, site);
  const holders = holdersOf(new Set(inodes.values()));
  // Judged right before each batch, so that nothing has much time to take a name over.
  for (let at = 0; at < state.namespaces.length; at += BATCH) {
    const doomed = state.namespaces.slice(at, at + BATCH).filter((recorded) => {
      const occupant = occupantOf(site.netnsFolder, recorded.name);
      if (occupant.kind === "nothing") return false;
      const verdict = judge(state, recorded, occupant);
      if (!verdict.ours) {
        removal.left.push({ namespace: recorded.name, reason: verdict.reason, ours: false });
      }
      return verdict.ours;
    });
    await removeBatch(
      site,
      doomed.map((recorded) => recorded.name),
      removal,
    );
  }
  for (const namespace of removal.removed) {
    const processes = holders.get(inodes.get(namespace) ?? 0);
    if (processes !== undefined) removal.held.push({ namespace, processes });
  }
  return removal;
}

function inodesOf(state: LabState, site: Site): Map<string, number> {
  return new Map(
    state.namespaces.flatMap(({ name }) => {
      const stat = lstatSync(`${site.netnsFolder}/${name}`, { throwIfNoEntry: false });
      return stat === undefined ? [] : [[name, stat.ino] as const];
    }),
  );
}

async function removeBatch(site: Site, doomed: string[], removal: Removal): Promise<void> {
  if (doomed.length === 0) return;
  const { stderr } = await site.run("ip", ["-force", "-batch", "-"], {
    input: doomed.map((name) => `netns del ${name}\n`).join(""),
    timeoutMs: BATCH_TIMEOUT_MS,
  });
  for (const namespace of doomed) {
    if (occupantOf(site.netnsFolder, namespace).kind === "nothing") {
      removal.removed.push(namespace);
      continue;
    }
    const said = stderr.split("\n").find((line) => line.includes(namespace));
    const reason = `\`ip netns del ${namespace}\` did not remove it: ${printable(said ?? "no reason given")}`;
    removal.left.push({ namespace, reason, ours: true });
  }
}
