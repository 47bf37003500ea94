/** Why the bridge flooded frames: what its state and all that was counted say, once the flood was seen. */

import type { BridgeState, Port } from "../../bridge/state.ts";
import type { Collected, Flow } from "../../live/collect.ts";
import { ageingDisabled } from "./ageing-disabled.ts";
import { asymmetricPath } from "./asymmetric-path.ts";
import { changing, entryAt, inferred, type Why } from "./cause.ts";
import { goneNotes } from "./destination-gone.ts";
import { fdbFull } from "./fdb-full.ts";
import { learningNote } from "./learning-off.ts";
import { lockedNote } from "./locked-port.ts";
import { whyLooped } from "./loop.ts";
import { whyGroup } from "./multicast.ts";
import { downPhrase, isDown, notFlooded, raising, whyClosed } from "./reach.ts";
import type { Proposed } from "./remedy.ts";
import { silence } from "./silent.ts";
import { topologyChange } from "./topology-change.ts";
import { vlanMismatch } from "./vlan-mismatch.ts";
import { whyStale } from "./vxlan-stale-remote.ts";
import {
  type Home,
  heardAt,
  homePhrase,
  homesOf,
  isOpen,
  isOwn,
  openPorts,
  othersBehind,
  portPhrase,
  virtualAddress,
} from "./whereabouts.ts";

/** Of the flow that a flood is told by, and who sends it, in words. */
export function whyFlooded(
  state: BridgeState,
  collected: Collected,
  flow: Flow,
  sender: string,
): Why {
  const looped = whyLooped(state, collected, flow);
  if (looped !== null) return looped;
  switch (flow.class) {
    case "unknownUnicast":
      return withReach(state, flow, whyUnknown(state, collected, flow));
    case "broadcast":
      return whyStorm(state, flow, sender);
    case "multicast":
      return whyGroup(state, collected, flow);
  }
}

function whyStorm(state: BridgeState, { port: ifindex, addresses }: Flow, sender: string): Why {
  const port = state.ports.find((one) => one.ifindex === ifindex);
  const kind = addresses.protocol === null ? "broadcast" : `${addresses.protocol} broadcast`;
  const storm = `sends a storm of ${kind}`;
  const maybeLoop = port !== undefined && isOpen(state, port);
  return {
    cause: "broadcast-storm",
    title: `${sender} ${storm}`,
    basis: "observed",
    alternatives: maybeLoop ? ["a loop that cannot be seen from here, behind that port"] : [],
    remedy: port === undefined ? null : cutOff(port),
  };
}

function cutOff(port: Port): Proposed {
  return {
    change: { set: "disabled", port },
    effect: `nothing comes in by ${port.name} any more`,
    // br_port_carrier_check() enables it again.
    risk: `whoever is behind ${port.name} is cut off from the network until this is taken back, or the link of ${port.name} changes`,
  };
}

function whyUnknown(state: BridgeState, collected: Collected, flow: Flow): Why {
  const { destination, vlan } = flow;
  if (isOwn(state, destination)) return whyOwn(state, flow);
  const heard = heardAt(state, collected, destination) ?? learnedAt(state, collected, flow);
  const homes = homesOf(state, destination);
  if (homes.length === 0 && heard !== null) {
    homes.push({ address: destination, port: heard, namespace: null, ifindex: null, what: null });
  }
  const [home] = homes;
  const port = heard ?? home?.port ?? null;
  const configured =
    ageingDisabled.notes(state)[0] ??
    (port === null || port.flags.learning || port.flags.locked ? undefined : learningNote(port)) ??
    (port?.flags.locked
      ? lockedNote(state, port, home === undefined ? null : destination)
      : undefined);
  if (configured !== undefined) return inferred(configured);
  const elsewhere = vlanMismatch(state, flow);
  if (elsewhere !== null) return elsewhere;
  const stale = heard === null ? whyStale(state, collected, homes) : null;
  if (stale !== null) return stale;
  const down = whyDown(state, destination, homes);
  if (down !== null) return down;
  const remedy = remedyFor(homes, vlan);
  const remover = collected.deleted.find(({ address }) => address === destination);
  if (remover !== undefined) {
    return {
      cause: "entry-removed",
      title: `the entry of ${destination} was deleted by ${remover.by}`,
      basis: "observed",
      alternatives: [],
      remedy,
    };
  }
  const answered = asymmetricPath(state, flow);
  if (answered !== null) return answered;
  if (home === undefined) return whyNobody(state, flow);
  const virtual = virtualAddress(destination);
  if (virtual !== null) {
    return {
      cause: "never-learned",
      title: `${destination} is the address of ${virtual}, and no router has sent with it for longer than entries live`,
      basis: "inferred",
      alternatives: [],
      remedy,
    };
  }
  const { cause, why, alternatives } = silence(state, home);
  const where = `${destination} behind ${homes.map((one) => homePhrase(state, one)).join(" and ")}`;
  if (cause === "aged-out" || heard !== null) {
    const [full] = fdbFull.notes(state);
    if (full !== undefined) return inferred({ ...full, remedy });
    const [change] = topologyChange.notes(state);
    if (changing(state) && change !== undefined) {
      return inferred(change, `${where} has been silent for longer than its ageing time`);
    }
  }
  if (learnedAt(state, collected, flow) !== null) {
    const again = 1000 * collected.seconds > state.ageingMs;
    return {
      cause: again ? "aged-out" : "never-learned",
      title: again
        ? `${where} had no entry for a while: it is silent for longer than entries live, again and again`
        : `${where} had no entry for a part of the time`,
      basis: "inferred",
      alternatives: [again ? "it had never sent a frame before" : "its entry had aged out"],
      remedy,
    };
  }
  return { cause, title: `${where} has no entry: ${why}`, basis: "inferred", alternatives, remedy };
}

/** The entries at a port go when it goes down (br_stp_disable_port()), and what was for them goes to all others. */
function whyDown(state: BridgeState, destination: string, homes: readonly Home[]): Why | null {
  const [port, ...more] = new Set(homes.map((home) => home.port));
  if (port == null || more.length > 0 || !isDown(port)) return null;
  return {
    cause: "entry-removed",
    title: `${destination} is behind ${portPhrase(port)}, which ${downPhrase(port)}: its entry went with the link, and its frames go to all other ports`,
    basis: "inferred",
    alternatives: ["it had no entry before that"],
    remedy: raising(state, port),
  };
}

/** An entry does not help frames that the bridge sends by no port to where they are to go, whatever it knows. */
function withReach(state: BridgeState, flow: Flow, why: Why): Why {
  const { title, remedy } = why;
  if (remedy === null || "none" in remedy || remedy.change.set !== "entry") return why;
  const { port } = remedy.change;
  const from = state.ports.find(({ ifindex }) => ifindex === flow.port);
  const closed = whyClosed(from, port);
  if (closed !== null) {
    const effect = `frames for ${flow.destination} are dropped and no longer flooded; they still do not get there, since ${closed}`;
    return {
      ...why,
      title: `${title}; none of these frames gets there: ${closed}`,
      remedy: { ...remedy, effect },
    };
  }
  const held = notFlooded(port, flow.class);
  return held === null
    ? why
    : { ...why, title: `${title}; none of these frames gets there: ${held} at ${port.name}` };
}

/** Where it is known to be by now, or was meanwhile. */
function learnedAt(
  { entries, ports }: BridgeState,
  collected: Collected,
  { destination, vlan }: Flow,
): Port | null {
  const known = [...entries, ...collected.homes].find(
    (one) => one.address === destination && one.vlan === vlan,
  );
  return ports.find(({ ifindex }) => ifindex === known?.port) ?? null;
}

/** The bridge has an entry for each of its own addresses, in each VLAN that it is in, until somebody deletes it. */
function whyOwn(state: BridgeState, { destination: address, vlan, source }: Flow): Why {
  const { name } = state;
  const whose = address === state.address ? `${name} itself` : `a port of ${name}`;
  if (state.vlanFiltering && state.entries.some((one) => one.address === address && one.local)) {
    return {
      cause: "vlan-mismatch",
      title: `${address} is the address of ${whose}, which is not in VLAN ${vlan}, but ${source} sends to it there`,
      basis: "inferred",
      alternatives: [],
      remedy: null,
    };
  }
  return {
    cause: "entry-removed",
    title: `${address} is the address of ${whose}, and its permanent entry is gone: \`bridge fdb flush dev ${name}\` takes it along`,
    basis: "inferred",
    alternatives: ["it was the address of another link until now"],
    remedy:
      address === state.address
        ? {
            change: { set: "host-entry", address, vlan },
            effect: `frames for ${address} go to the host alone`,
            risk: "none: the bridge sets such an entry itself when it is made",
          }
        : null,
  };
}

function remedyFor(homes: readonly Home[], vlan: number): Proposed {
  const [home, ...more] = homes;
  if (home === undefined) return null;
  return more.length === 0
    ? entryAt(home, vlan)
    : { none: "the address is at several ports: an entry at one takes it from the others" };
}

function livesBehind(ports: readonly Port[], which: string): string[] {
  const names = ports.slice(0, 4).map(({ name }) => name);
  return names.length === 0
    ? []
    : [`it lives behind ${names.join(" or ")}, ${which}, and is silent`];
}

/** No link that is seen has the address. */
function whyNobody(state: BridgeState, { source, destination }: Flow): Why {
  const open = openPorts(state);
  const unseen = [
    ...livesBehind(
      open.filter(({ peer }) => peer === null),
      "whose other end cannot be seen",
    ),
    ...livesBehind(
      open.filter(({ peer }) => peer !== null),
      "on whose other end is a bridge",
    ),
  ];
  const virtual = virtualAddress(destination);
  if (virtual !== null) {
    return {
      cause: "never-learned",
      title: `${destination} is the address of ${virtual}, and nobody sends with it: no master is alive here${othersBehind(state)}`,
      basis: "inferred",
      alternatives: unseen,
      remedy: null,
    };
  }
  const believing = state.neighbours.filter(({ address }) => address === destination);
  const of = (address: string) =>
    new Set(homesOf(state, address).map(({ namespace }) => namespace?.inode));
  const senders = of(source);
  const [first, ...others] = [...believing].sort(
    (a, b) => Number(senders.has(b.namespace.inode)) - Number(senders.has(a.namespace.inode)),
  );
  const [gone] = goneNotes(state, first === undefined ? [] : [first, ...others]);
  if (gone !== undefined) return inferred(gone, ...unseen);
  if (state.formerAddresses.includes(destination)) {
    return {
      cause: "destination-gone",
      title: `${destination} was an address of ${state.name} itself, which has ${state.address} now; ${source} still sends to the old one`,
      basis: "inferred",
      alternatives: unseen,
      remedy: null,
    };
  }
  return {
    cause: "never-learned",
    title: `${destination} has sent nothing while this was looking, and no host that can be seen has that address${othersBehind(state)}`,
    basis: "inferred",
    alternatives: [...unseen, "no host has it, and the sender was told a wrong address"],
    remedy: null,
  };
}
