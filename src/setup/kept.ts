import { requireLabPrivileges } from "../system/capabilities.ts";
import { BridgescopeError, UsageError } from "../system/errors.ts";
import { hostSite } from "../system/site.ts";
import { printable } from "../text/printable.ts";
import { type BuiltLab, openLab } from "./lab.ts";
import { labNames } from "./lab-name.ts";
import { judge, occupantOf } from "./mark.ts";
import { currentOwner, fateOf } from "./ownership.ts";
import { namespacesOf, SWITCH } from "./plan.ts";
import { finishRemoval, type Removal } from "./removal.ts";
import type { LabState } from "./state.ts";
import { releaseState, replaceState } from "./state-files.ts";
import { stateNames } from "./state-folder.ts";
import { readState, takeState } from "./state-read.ts";

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

/** The path of the namespace that a lab's bridge is in, shown to be its own; null where no lab is called so. */
export function bridgeNamespace(name: string): string | null {
  const state = readState(name);
  if (state === null) return null;
  if (state.spec.bridge === null) {
    const named = state.namespaces.map((namespace) => namespace.name);
    throw new UsageError(`lab "${name}" has no bridge; its namespaces are ${listed(named)}`);
  }
  return `${hostSite.netnsFolder}/${keptNamespace(name, SWITCH)}`;
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

/** The state of a lab that a person named; an unknown one is a UsageError that lists the known. */
export function requireLab(name: string): LabState {
  const state = readState(name);
  if (state === null) throw unknownLab(name);
  return state;
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
