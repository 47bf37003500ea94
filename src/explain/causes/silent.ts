import type { BridgeState, Neighbour } from "../../bridge/state.ts";
import { type Cause, type CauseNote, entryAt, lifetime, users } from "./cause.ts";
import { allHomes, type Home, homePhrase, virtualAddress } from "./whereabouts.ts";

/** Somebody is about to send to the address; the bridge does not know where it is. */
export const silent: Cause = {
  notes: (state) => {
    if (state.ageingMs === 0) return [];
    const known = new Set(state.entries.map(({ address }) => address));
    const inUse = new Map<string | null, Neighbour[]>();
    for (const entry of users(state)) {
      if (!IN_USE.includes(entry.state)) continue;
      inUse.set(entry.address, [...(inUse.get(entry.address) ?? []), entry]);
    }
    const homes = allHomes(state);
    return homes
      .filter(({ port }) => port === null || (port.flags.learning && !port.flags.locked))
      .filter(({ address }) => !known.has(address) && virtualAddress(address) === null)
      .flatMap((home) => note(state, home, homes, inUse.get(home.address) ?? []));
  },
};

/** What is silent for long stays stale in the tables of all that it ever talked to. */
const IN_USE = ["reachable", "delay", "probe", "permanent"];

function note(
  state: BridgeState,
  home: Home,
  homes: readonly Home[],
  believers: readonly Neighbour[],
): CauseNote[] {
  const first = believers.find((entry) => entry.namespace.inode !== home.namespace?.inode);
  if (first === undefined) return [];
  const who = `${first.namespace.label} has it as the neighbour ${first.ip}`;
  const { cause, why } = silence(state, home, homes);
  return [
    {
      cause,
      text: `${home.address} behind ${homePhrase(state, home)} has no entry: ${why}; frames for it would be flooded (${who})`,
      remedy: entryAt(home),
    },
  ];
}

/** Why the bridge does not know who is there: what its counters tell. */
export function silence(
  state: BridgeState,
  home: Home,
  homes: readonly Home[] = allHomes(state),
): { cause: "never-learned" | "aged-out"; why: string; alternatives: string[] } {
  const { port } = home;
  if (port === null) {
    return {
      cause: "never-learned",
      why: "a bridge learns no address of what its own device sends",
      alternatives: [],
    };
  }
  if (port.counters.rx === 0) {
    return {
      cause: "never-learned",
      why: "nothing has ever come in there since it was plugged in",
      alternatives: [],
    };
  }
  const deleted = "its entry was deleted before this was looking";
  const asymmetric = "its answers take another way than this bridge";
  const alone = homes.filter((one) => one.port === port).length === 1 && home.what === null;
  return alone
    ? {
        cause: "aged-out",
        why: `it has been silent for longer than ${lifetime(state)}, or its entry was deleted`,
        alternatives: [deleted, asymmetric],
      }
    : {
        cause: "never-learned",
        why: `it has sent nothing for longer than ${lifetime(state)}, if it ever did`,
        alternatives: ["it has sent before, and its entry has aged out", deleted, asymmetric],
      };
}
