/** Why the bridge floods frames for one address: what the state of the bridge says, once the flood was seen. */

import type { BridgeState } from "../../bridge/state.ts";
import type { Collected, Flow } from "../../live/collect.ts";
import { ageingDisabled } from "./ageing-disabled.ts";
import { asymmetricPath } from "./asymmetric-path.ts";
import { inferred, peerPorts, portPhrase, staticEntry, type Why } from "./cause.ts";
import { destinationGone } from "./destination-gone.ts";
import { fdbFull } from "./fdb-full.ts";
import { learningOff } from "./learning-off.ts";
import { lockedPort } from "./locked-port.ts";
import { loop } from "./loop.ts";
import { vlanMismatch } from "./vlan-mismatch.ts";

const UNSEEN = "it lives behind a port whose other end cannot be seen, and is silent";

export function whyUnknown(state: BridgeState, deleted: Collected["deleted"], flow: Flow): Why {
  const { destination, vlan } = flow;
  const home = peerPorts(state).find(({ peer }) => peer.address === destination);
  const port = home === undefined ? [] : [home.port];
  const [configured] = [
    ...loop.notes(state),
    ...ageingDisabled.notes(state),
    ...learningOff.notes({ ...state, ports: port }),
    ...lockedPort.notes({ ...state, ports: port }),
    ...fdbFull.notes(state),
  ];
  if (configured !== undefined) return inferred(configured);
  const elsewhere = vlanMismatch(state, flow);
  if (elsewhere !== null) return elsewhere;
  const remover = deleted.find(({ address }) => address === destination);
  if (remover !== undefined) {
    return {
      cause: "entry-removed",
      title: `the entry of ${destination} was deleted by ${remover.by}`,
      basis: "observed",
      alternatives: [],
      remedy: home === undefined ? null : staticEntry(home.port, destination, vlan),
    };
  }
  const answered = asymmetricPath(state, flow);
  if (answered !== null) return answered;
  if (home === undefined) return nobody(state, destination);
  const heard = home.port.counters.rx > 0;
  const phrase = portPhrase(home.port);
  return {
    cause: heard ? "aged-out" : "never-learned",
    title: heard
      ? `${destination} behind ${phrase} has sent before, but not within the ageing time of ${state.ageingMs / 1000} s: its entry is gone`
      : `${destination} behind ${phrase} has never sent a frame since it was plugged in`,
    basis: "inferred",
    alternatives: heard
      ? [
          "its entry was deleted before this was looking",
          "its answers take another way than this bridge",
        ]
      : [],
    remedy: staticEntry(home.port, destination, vlan),
  };
}

function nobody(state: BridgeState, destination: string): Why {
  const neighbours = state.neighbours.filter(({ address }) => address === destination);
  const [gone] = destinationGone.notes({ ...state, neighbours });
  if (gone !== undefined) return inferred(gone, UNSEEN);
  return {
    cause: "never-learned",
    title: `${destination} has sent nothing while this was looking, and no host that can be seen has that address`,
    basis: "inferred",
    alternatives: [UNSEEN, "no host has it, and the sender was told a wrong address"],
    remedy: null,
  };
}
