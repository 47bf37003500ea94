import type { BridgeState } from "../../bridge/state.ts";
import { believers, type Cause, type CauseNote, entryAt, hasEntry, lifetime } from "./cause.ts";
import { allHomes, type Home, homePhrase, virtualAddress } from "./whereabouts.ts";

/** Somebody is about to send to the address; the bridge does not know where it is. */
export const silent: Cause = {
  notes: (state) =>
    state.ageingMs === 0
      ? []
      : allHomes(state)
          .filter(({ port }) => port === null || (port.flags.learning && !port.flags.locked))
          .filter(({ address }) => !hasEntry(state, address) && virtualAddress(address) === null)
          .flatMap((home) => note(state, home)),
};

/** What is silent for long stays stale in the tables of all that it ever talked to. */
const IN_USE = ["reachable", "delay", "probe", "permanent"];

function note(state: BridgeState, home: Home): CauseNote[] {
  const [first] = believers(state, home.address).filter(
    (entry) => IN_USE.includes(entry.state) && entry.namespace.inode !== home.namespace?.inode,
  );
  if (first === undefined) return [];
  const who = `${first.namespace.label} has it as the neighbour ${first.ip}`;
  const { cause, why } = silence(state, home);
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
  const alone =
    allHomes(state).filter((one) => one.port?.ifindex === port.ifindex).length === 1 &&
    home.what === null;
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
