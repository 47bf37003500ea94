import type { BridgeState } from "../../bridge/state.ts";
import {
  believers,
  type Cause,
  type CauseNote,
  hasEntry,
  type PeerPort,
  peerPorts,
  portPhrase,
  staticEntry,
} from "./cause.ts";

/** Somebody knows the address and may send to it; the bridge does not know where it is. */
export const silent: Cause = {
  notes: (state) =>
    state.ageingMs === 0
      ? []
      : peerPorts(state)
          .filter(({ port }) => port.flags.learning && !port.flags.locked)
          .filter(({ peer }) => !hasEntry(state, peer.address))
          .flatMap((one) => note(state, one)),
};

function note(state: BridgeState, { port, peer }: PeerPort): CauseNote[] {
  const known = believers(state, peer.address).filter(
    (entry) => entry.namespace.inode !== peer.namespace.inode,
  );
  const [first] = known;
  if (first === undefined) return [];
  const who = `${first.namespace.label} has it as the neighbour ${first.ip}`;
  const heard = port.counters.rx > 0;
  const why = heard
    ? `it has been silent for longer than the ageing time of ${state.ageingMs / 1000} s, or its entry was deleted`
    : "it has never sent a frame since it was plugged in";
  return [
    {
      cause: heard ? "aged-out" : "never-learned",
      text: `${peer.address} behind ${portPhrase(port)} has no entry: ${why}; frames for it would be flooded (${who})`,
      remedy: staticEntry(port, peer.address),
    },
  ];
}
