import { lstatSync } from "node:fs";
import { requireLabPrivileges } from "../system/capabilities.ts";
import { BridgescopeError } from "../system/errors.ts";
import { hostSite, type Site } from "../system/site.ts";
import type { ApplyOptions } from "./apply.ts";
import { type BuiltLab, buildLab, newLabId } from "./lab.ts";
import { checkLabName, labNames } from "./lab-name.ts";
import { currentOwner } from "./ownership.ts";
import { namespacesOf } from "./plan.ts";
import { finishRemoval } from "./removal.ts";
import type { TopologySpec } from "./spec.ts";
import type { LabState } from "./state.ts";
import { claimState, type Hold, nameTaken, releaseState, replaceState } from "./state-files.ts";
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
      schema: "bridgescope.lab/1",
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
