import type { BridgeState, Remote } from "../../bridge/state.ts";
import type { Collected } from "../../live/collect.ts";
import { plural } from "../../text/units.ts";
import type { Cause, CauseNote, Why } from "./cause.ts";
import { DEFAULT, type Device, entriesFor, isVxlan, remotePhrase, whoKnows } from "./overlay.ts";
import type { Proposal, Proposed } from "./remedy.ts";
import type { Home } from "./whereabouts.ts";

/**
 * A remote that is nobody's any more, and in the narrowest sense: the underlay has asked for its address and got no answer
 * (its neighbour entry failed), or it is this very host. Behind a gateway nobody can tell, and nothing is said.
 *
 * Of default remotes, which get a copy of every flooded frame, the state tells that. Those of single addresses are told
 * where a flood is for one: nobody with that address answers, so that the bridge never learns it.
 */
export const vxlanStaleRemote: Cause = {
  notes: (state) =>
    state.ports
      .filter(isVxlan)
      .flatMap((port) => entriesFor(port.vxlan, DEFAULT).flatMap((remote) => note(port, remote))),
};

function dropDefault(device: Device, remote: Remote): Proposal {
  const { name, vxlan } = device;
  const many = entriesFor(vxlan, DEFAULT).length;
  return {
    change: { set: "no-remote", device, remote },
    effect: `${name} sends ${many === 1 ? "no flooded frame to anybody" : `${plural(many - 1, "packet")} for each flooded frame instead of ${many}`}`,
    risk: remote.own
      ? "none that can be seen: what it sends there comes back"
      : "if that host comes back it gets no broadcasts from here, ARP with them, until this is taken back",
  };
}

function note(device: Device, remote: Remote): CauseNote[] {
  const { name, vxlan } = device;
  const stale = isStale(remote);
  if (stale === null) return [];
  const many = entriesFor(vxlan, DEFAULT).length;
  return [
    {
      cause: "vxlan-stale-remote",
      text: `${name} (VNI ${vxlan.vni}) sends a copy of every flooded frame to ${remotePhrase(remote)} (one of ${plural(many, "default remote")}), ${stale}`,
      remedy: dropDefault(device, remote),
    },
  ];
}

/** An address moves to a VXLAN port that sends frames to itself, with which they come back (vxlan_encap_bypass()). */
export function echoedBy(
  state: BridgeState,
  at: ReadonlySet<number>,
): Pick<Why, "title" | "alternatives" | "remedy"> | null {
  const [port] = state.ports
    .filter(isVxlan)
    .filter(({ ifindex, vxlan }) => at.has(ifindex) && vxlan.remotes.some(({ own }) => own));
  const remote = port?.vxlan.remotes.find(({ own }) => own);
  if (port === undefined || remote === undefined) return null;
  const whose = remote.address === DEFAULT ? "a default remote" : `${remote.address} at a remote`;
  return {
    title: `${port.name} (VNI ${port.vxlan.vni}) has ${whose} that is this host itself (${remote.ip}), and what it sends there comes back`,
    alternatives: [],
    remedy:
      remote.address === DEFAULT
        ? dropDefault(port, remote)
        : { none: whoKnows(state, port, remote.address) },
  };
}

/** Of the flood of frames for an address that lives at a remote by what the VXLAN device says. */
export function whyStale(
  state: BridgeState,
  { known }: Collected,
  homes: readonly Home[],
): Why | null {
  const [home, ...more] = homes;
  if (home?.port == null || !isVxlan(home.port) || more.length > 0) return null;
  const { address, port } = home;
  const [remote] = entriesFor(port.vxlan, address);
  const stale = remote === undefined ? null : isStale(remote);
  if (remote === undefined || stale === null) return null;
  if (known.some(({ source }) => source === address)) return null;
  return {
    cause: "vxlan-stale-remote",
    title: `${port.name} (VNI ${port.vxlan.vni}) has ${address} at ${remotePhrase(remote)}, ${stale}: nobody with that address answers, so the bridge never learns it`,
    basis: "inferred",
    alternatives: ["it lives at another remote, and is silent"],
    remedy: stopSending(state, address),
  };
}

function isStale({ own, answers }: Remote): string | null {
  if (own) return "which is this host itself";
  return answers === false ? "which nobody has on the wire (its neighbour entry failed)" : null;
}

/** Frames are sent because somebody believes in the address; an entry of the bridge's would only send them to nobody. */
function stopSending({ neighbours }: BridgeState, address: string): Proposed {
  const [neighbour, ...more] = neighbours.filter((one) => one.address === address);
  if (neighbour === undefined) return null;
  if (more.length > 0 || neighbour.state !== "permanent") {
    return { none: "whoever sends to it stops when its own neighbour entry is out of date" };
  }
  const { ip, device, namespace } = neighbour;
  return {
    change: { set: "no-neighbour", neighbour },
    effect: `nobody is told any more by ${device} (${namespace.label}) that ${ip} is there: who sends to it stops when its own neighbour entry is out of date`,
    risk: "if that host comes back it is not reached from here until whoever has set the entry sets it again",
  };
}
