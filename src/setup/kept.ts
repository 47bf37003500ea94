import { lstatSync } from "node:fs";
import { BridgescopeError, UsageError } from "../system/errors.ts";
import { printable } from "../system/printable.ts";
import { hostSite, type Site } from "../system/site.ts";
import type { ApplyOptions } from "./apply.ts";
import { type BuiltLab, buildLab, newLabId, openLab } from "./lab.ts";
import { judge, occupantOf } from "./mark.ts";
import { currentOwner, fateOf } from "./ownership.ts";
import { namespacesOf } from "./plan.ts";
import { requireLabPrivileges } from "./privileges.ts";
import { type Removal, removeNamespaces } from "./removal.ts";
import type { TopologySpec } from "./spec.ts";
import { checkLabName, LAB_SCHEMA, type LabState, labNames } from "./state.ts";
import {
  claimState,
  type Hold,
  nameTaken,
  readState,
  releaseState,
  removeState,
  replaceState,
  takeState,
} from "./state-files.ts";
import { stateNames } from "./state-folder.ts";

/** A build failed and its remains resisted removal; the books still name them. */
export class LeftoverError extends BridgescopeError {}

/**
 * Builds a lab that outlives this process, under a name of the user's. The books are written first;
 * when the build fails or is interrupted, what was made is removed before the error is thrown.
 */
export async function keepLab(
  spec: TopologySpec,
  name: string,
  options: ApplyOptions = {},
): Promise<BuiltLab> {
  options.signal?.throwIfAborted();
  checkLabName(name);
  if (stateNames().includes(name)) throw nameTaken(name);
  requireLabPrivileges();
  const state = firstState(spec, name);
  const names = labNames(name, state.id);
  const hold = claimState(state);
  try {
    const built = await buildLab(spec, heldSite(hold), names, options);
    try {
      options.signal?.throwIfAborted();
      replaceState(hold, { ...state, phase: "kept", namespaces: withInodes(state) });
    } catch (error) {
      await built.close();
      throw error;
    }
    return { ...built, site: hostSite };
  } catch (error) {
    throw await undo(hold, error);
  } finally {
    releaseState(hold);
  }
}

/** Opens a lab that was kept, after making sure that all of it is still there. */
export function openKeptLab(name: string): BuiltLab {
  requireLabPrivileges();
  const state = requireLab(name);
  if (state.phase !== "kept") throw unfinished(state);
  for (const recorded of state.namespaces) requireNamespace(state, recorded);
  return openLab(state.spec, hostSite, labNames(name, state.id));
}

/** The name of one part's namespace (a host's, or the bridge's `sw`), shown to be the lab's own. */
export function keptNamespace(name: string, part: string): string {
  requireLabPrivileges();
  const state = requireLab(name);
  const parts = namespacesOf(state.spec);
  if (!parts.includes(part)) {
    throw new UsageError(`lab "${name}" has no host "${printable(part)}"; it has ${listed(parts)}`);
  }
  if (state.phase !== "kept") throw unfinished(state);
  const wanted = labNames(name, state.id).namespace(part);
  const recorded = state.namespaces.find((namespace) => namespace.name === wanted);
  if (recorded === undefined) throw new Error(`${wanted} is not in the books`);
  requireNamespace(state, recorded);
  return wanted;
}

/**
 * Removes a kept lab, or what an unfinished one left. Processes in its namespaces are not touched.
 * Its name is free again unless something of its own resisted.
 */
export async function dropLab(name: string): Promise<Removal> {
  requireLab(name);
  requireLabPrivileges();
  const hold = await takeState(name, 0);
  if (hold === null) throw unknownLab(name);
  if (hold === "busy") {
    throw new BridgescopeError(
      `lab "${name}" is being built or removed by another process at this moment: wait for it, or stop it first`,
    );
  }
  try {
    // A lab that was never finished stays `building`: what its builder left half made counts as ours.
    if (hold.state.phase === "kept") {
      replaceState(hold, { ...hold.state, phase: "dropping", owner: currentOwner() });
    }
    return await finishRemoval(hold);
  } finally {
    releaseState(hold);
  }
}

/** Removes what the held state names, and the state itself when nothing of the lab remains. */
export async function finishRemoval(hold: Hold): Promise<Removal> {
  const removal = await removeNamespaces(hold.state, heldSite(hold));
  if (!removal.left.some((left) => left.ours)) removeState(hold);
  return removal;
}

/** The state of a lab that a person named; an unknown one is a UsageError that lists the known. */
export function requireLab(name: string): LabState {
  const state = readState(name);
  if (state === null) throw unknownLab(name);
  return state;
}

/** The host's site, whose tools keep hold of the lab until they end, even when we are killed. */
function heldSite(hold: Hold): Site {
  return {
    ...hostSite,
    run: (file, args, options) => hostSite.run(file, args, { ...options, holds: [hold.fd] }),
    runOk: (file, args, options) => hostSite.runOk(file, args, { ...options, holds: [hold.fd] }),
  };
}

function firstState(spec: TopologySpec, name: string): LabState {
  for (;;) {
    const id = newLabId();
    const names = namespacesOf(spec).map((part) => labNames(name, id).namespace(part));
    if (names.some(isTaken)) continue;
    return {
      schema: LAB_SCHEMA,
      id,
      name,
      spec,
      owner: currentOwner(),
      phase: "building",
      namespaces: names.map((namespace) => ({ name: namespace, inode: null })),
      createdAt: new Date().toISOString(),
    };
  }
}

function isTaken(namespace: string): boolean {
  const path = `${hostSite.netnsFolder}/${namespace}`;
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function withInodes(state: LabState): LabState["namespaces"] {
  return state.namespaces.map(({ name }) => ({
    name,
    inode: lstatSync(`${hostSite.netnsFolder}/${name}`).ino,
  }));
}

/** The error to throw once the half-made lab is gone. */
async function undo(hold: Hold, cause: unknown): Promise<unknown> {
  let remains: string;
  try {
    const left = (await finishRemoval(hold)).left.filter((rest) => rest.ours);
    if (left.length === 0) return cause;
    remains = left.map(({ namespace, reason }) => `${namespace}: ${reason}`).join("; ");
  } catch (error) {
    remains = error instanceof Error ? error.message : String(error);
  }
  const message = cause instanceof Error ? cause.message : String(cause);
  const name = hold.state.name;
  return new LeftoverError(
    `${message}; and what had been made is not all gone (${remains}): run \`bridgescope lab down ${name}\``,
    cause instanceof BridgescopeError ? cause.exitCode : 1,
    { cause },
  );
}

function requireNamespace(state: LabState, recorded: LabState["namespaces"][number]): void {
  const occupant = occupantOf(hostSite.netnsFolder, recorded.name);
  const verdict =
    occupant.kind === "nothing"
      ? { ours: false as const, reason: "it is gone" }
      : judge(state, recorded, occupant);
  if (verdict.ours) return;
  throw new BridgescopeError(
    `lab "${state.name}" is not whole any more: ${recorded.name}: ${verdict.reason}; \`bridgescope lab down ${state.name}\` removes the rest`,
  );
}

function unfinished(state: LabState): BridgescopeError {
  const { name, phase, owner } = state;
  return new BridgescopeError(
    fateOf(owner) === "alive"
      ? `lab "${name}" is still ${phase} (process ${owner.pid})`
      : `lab "${name}" was never finished (${phase}, and its process ${owner.pid} is gone): \`bridgescope lab gc\` removes it`,
  );
}

function unknownLab(name: string): UsageError {
  const known = stateNames();
  return new UsageError(
    known.length === 0
      ? `unknown lab "${printable(name)}"; there are none: \`bridgescope lab up\` makes one`
      : `unknown lab "${printable(name)}"; known are ${listed(known)}`,
  );
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 20).join(", ");
  return names.length > 20 ? `${shown} and ${names.length - 20} more` : shown;
}
