import { lstatSync } from "node:fs";
import { requireLabPrivileges } from "../system/capabilities.ts";
import { hostSite } from "../system/site.ts";
import { fateOf } from "./ownership.ts";
import { finishRemoval, type Removal } from "./removal.ts";
import { CorruptStateError, type LabState } from "./state.ts";
import { releaseState, removeState } from "./state-files.ts";
import { removeStaleTemporaries, stateNames } from "./state-folder.ts";
import { readState, takeState } from "./state-read.ts";

/** What garbage collection made of one lab. */
export type Collected =
  | ({ lab: string; outcome: "removed"; reason: string } & Removal)
  | { lab: string; outcome: "left"; reason: string }
  /** Nothing was touched, and a person must look: the command then fails. */
  | { lab: string; outcome: "failed"; reason: string };

export interface Collection {
  labs: Collected[];
  /** Half-written state files of processes that are gone. */
  files: string[];
}

/** `ip` may still be at work for a run that was killed; one call of it takes well under a second. */
const WORK_MS = 30_000;

/** Removes what dead runs left of their labs, and nothing else. A kept lab stays until it is dropped. */
export async function collectGarbage(): Promise<Collection> {
  requireLabPrivileges();
  const labs: Collected[] = [];
  for (const name of stateNames()) {
    const collected = await collect(name);
    if (collected !== null) labs.push(collected);
  }
  return { labs, files: removeStaleTemporaries() };
}

async function collect(lab: string): Promise<Collected | null> {
  try {
    const state = readState(lab);
    if (state === null) return null;
    const spared = reasonToSpare(state);
    if (spared !== null) return { lab, outcome: "left", reason: spared };
    return await collectDead(lab);
  } catch (error) {
    if (!(error instanceof CorruptStateError)) throw error;
    return { lab, outcome: "failed", reason: error.message };
  }
}

async function collectDead(lab: string): Promise<Collected | null> {
  const hold = await takeState(lab, WORK_MS);
  if (hold === null) return null;
  if (hold === "busy") {
    const reason = `a tool of its dead run is still at work after ${WORK_MS / 1000} s`;
    return { lab, outcome: "failed", reason };
  }
  try {
    // What was read before the lock may have changed until we had it.
    const spared = reasonToSpare(hold.state);
    if (spared !== null) return { lab, outcome: "left", reason: spared };
    const { phase, owner } = hold.state;
    if (fateOf(owner) === "of another boot") {
      removeState(hold);
      const reason = "it was of another boot and its namespaces are gone";
      return { lab, outcome: "removed", reason, removed: [], left: [], held: [] };
    }
    const removal = await finishRemoval(hold);
    const reason = `it was ${phase} when its process ${owner.pid} ended`;
    const resisted = removal.left.find((left) => left.ours);
    return resisted === undefined
      ? { lab, outcome: "removed", reason, ...removal }
      : { lab, outcome: "failed", reason: resisted.reason };
  } finally {
    releaseState(hold);
  }
}

/** Why this lab is none of garbage collection's business; null when its owner is gone. */
function reasonToSpare(state: LabState): string | null {
  const fate = fateOf(state.owner);
  if (fate === "of another boot") {
    // Inode numbers mean nothing after a boot: what bears the name now is not known to be ours.
    const present = state.namespaces.find(({ name }) => exists(name));
    return present === undefined
      ? null
      : `it is of another boot, and yet there is a namespace ${present.name}`;
  }
  if (state.phase === "kept") return "it is kept until `bridgescope lab down`";
  return fate === "alive" ? `process ${state.owner.pid} is ${state.phase} it` : null;
}

function exists(namespace: string): boolean {
  const path = `${hostSite.netnsFolder}/${namespace}`;
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
