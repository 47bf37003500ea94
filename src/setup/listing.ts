import { lstatSync } from "node:fs";
import { hostSite } from "../system/site.ts";
import { fateOf } from "./ownership.ts";
import { CorruptStateError, type LabState } from "./state.ts";
import { stateNames } from "./state-folder.ts";
import { readState } from "./state-read.ts";

/** One lab as the list shows it. */
export type LabListing =
  | {
      name: string;
      id: string;
      topology: string;
      hosts: number;
      /** `incomplete`: some of its namespaces are gone or replaced; `dead`: its builder died, gc removes it. */
      state: "kept" | "incomplete" | "building" | "dropping" | "dead";
      createdAt: string;
    }
  | { name: string; state: "unreadable"; reason: string };

/** All labs that the books know, by name. Needs no privileges. */
export function listLabs(): LabListing[] {
  return stateNames().flatMap((name) => {
    try {
      const state = readState(name);
      return state === null ? [] : [listing(state)];
    } catch (error) {
      if (!(error instanceof CorruptStateError)) throw error;
      return [{ name, state: "unreadable" as const, reason: error.message }];
    }
  });
}

function listing(state: LabState): LabListing {
  const { name, id, spec, createdAt } = state;
  const common = { name, id, topology: spec.label, hosts: spec.hosts.length, createdAt };
  if (state.phase === "kept") {
    return { ...common, state: state.namespaces.every(stands) ? "kept" : "incomplete" };
  }
  return { ...common, state: fateOf(state.owner) === "alive" ? state.phase : "dead" };
}

function stands(recorded: LabState["namespaces"][number]): boolean {
  const path = `${hostSite.netnsFolder}/${recorded.name}`;
  return lstatSync(path, { throwIfNoEntry: false })?.ino === recorded.inode;
}
