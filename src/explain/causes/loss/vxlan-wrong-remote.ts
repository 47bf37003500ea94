import type { BridgeState, Remote } from "../../../bridge/state.ts";
import type { KnownFlow } from "../../../live/collect.ts";
import type { CauseNote } from "../cause.ts";
import {
  DEFAULT,
  type Device,
  entriesFor,
  isVxlan,
  listed,
  remotePhrase,
  remotesFor,
  underlayCommand,
  vxlanPort,
  whoKnows,
} from "../overlay.ts";
import { sum } from "../peak.ts";
import type { Proposed } from "../remedy.ts";
import type { Loss, LossCause, LossContext, LossWhy } from "./cause.ts";

const NO_REASON = [null, "NOT_SPECIFIED"];
const NO_ROUTE = "IP_OUTNOROUTES";

/** The VXLAN device's own FDB says a remote for an address, and another host has it, or none can be reached there. */
export const vxlanWrongRemote: LossCause = (loss, context) => {
  const port = deviceAt(context, loss.at) ?? deviceAt(context, loss.port);
  if (port === null) return null;
  if (loss.where === null && loss.behind) return unheard(loss, context, port);
  const where = loss.where ?? "";
  if (/^vxlan_(rcv|snoop)(\.|$)/.test(where)) return refused(loss, context, port);
  if (/^(vxlan_xmit_one|encap_bypass_if_local)(\.|$)/.test(where))
    return unsent(loss, context, port);
  // Sent to itself it comes back in by the port that its destination has its entry at.
  if (loss.port === port.ifindex && loss.at === port.ifindex) return cameBack(loss, context, port);
  return null;
};

function deviceAt({ state, before }: LossContext, ifindex: number) {
  return vxlanPort(state, ifindex) ?? vxlanPort(before, ifindex);
}

/** Of either reading: an entry may have been put right meanwhile, or come. */
function entryOf({ state, before }: LossContext, { ifindex }: Device, address: string) {
  const of = (one: BridgeState) =>
    entriesFor(vxlanPort(one, ifindex)?.vxlan ?? { remotes: [] }, address)[0];
  return of(state) ?? of(before);
}

const LOSS = { kind: "loss", cause: "vxlan-wrong-remote", basis: "observed" } as const;

/** vxlan_snoop(): what comes from another remote than an entry that stays says is dropped. */
function refused({ source, reason }: Loss, context: LossContext, port: Device): LossWhy | null {
  const { name, vxlan } = port;
  if (reason === "MAC_INVALID_SOURCE" || reason === "LOCAL_MAC") {
    const own = reason === "LOCAL_MAC";
    return {
      ...LOSS,
      title: `a remote of ${name} (VNI ${vxlan.vni}) sends frames from ${source}, ${own ? `which is the address of ${name} itself` : "which no single host can have"}`,
      alternatives: own
        ? [`another host's device has the same address as ${name}`, "frames of its own come back"]
        : [],
      evidence: [
        "vxlan_rcv() drops them before the bridge sees them; `tcpdump` on the underlay shows which remote sends them",
      ],
      remedy: null,
    };
  }
  const entry = entryOf(context, port, source);
  const known = reason === "VXLAN_ENTRY_EXISTS";
  if (!known && !(NO_REASON.includes(reason) && vxlan.learning && entry?.permanent)) return null;
  const at = entry === undefined ? "another remote" : remotePhrase(entry);
  return {
    ...LOSS,
    basis: known ? "observed" : "inferred",
    title: `${name} (VNI ${vxlan.vni}) has ${source} at ${at} for good, and its frames come from another one`,
    alternatives: ["another host uses the same address"],
    evidence: [
      `vxlan_rcv() drops what ${source} sends${known ? "" : ", and such an entry is the only reason for that that can be seen"}, and frames for it go to ${at}`,
    ],
    remedy: entry === undefined ? null : forget(port, entry, source),
  };
}

/** The next frame teaches where it is, where the device learns; it is what drops them that shows that frames come. */
function forget(device: Device, remote: Remote, address: string): Proposed {
  if (!device.vxlan.learning || !remote.permanent) return null;
  return {
    change: { set: "no-remote", device, remote },
    effect: `the next frame of ${address} teaches ${device.name} the remote that it comes from`,
    risk: `whoever sends with ${address} from elsewhere gets its frames, so look first whether that is the right host; the entry that is learned ages, and frames for it are lost again where it is silent for long`,
  };
}

function unsent({ destination, reason }: Loss, context: LossContext, port: Device): LossWhy | null {
  const { name, vxlan } = port;
  const [remote] = remotesFor(vxlan, destination);
  const { state } = context;
  const at = remote === undefined ? "a remote" : remotePhrase(remote);
  const told = { ...LOSS, alternatives: [], remedy: { none: whoKnows(state, port, destination) } };
  if (reason === NO_ROUTE) {
    return {
      ...told,
      title: `${name} (VNI ${vxlan.vni}) has ${destination} at ${at}, and there is no route to that`,
      evidence: [
        `\`${underlayCommand(port, "ip", "route", "get", remote?.ip ?? "REMOTE")}\` finds none`,
      ],
    };
  }
  if (reason === "VXLAN_VNI_NOT_FOUND" || remote?.own === true) {
    return {
      ...told,
      title: `${name} has ${destination} at ${at}, which is this host itself, and no VXLAN device here has VNI ${remote?.vni ?? vxlan.vni} at that port`,
      evidence: [],
    };
  }
  return null;
}

/**
 * For each flow the ifindex of the VXLAN port by which it left for a remote that nobody is on the wire, if nothing of its
 * destination came in: the kernel drops such packets while it asks for the remote's address (neigh_invalidate()), where they
 * are no frames of the bridge any more. Null for any other flow.
 */
export function whoseNobody(
  context: LossContext,
): (flow: Pick<KnownFlow, "destination" | "vlan">) => number | null {
  const { state, collected } = context;
  const ports = new Map(state.ports.filter(isVxlan).map((port) => [port.ifindex, port]));
  if (ports.size === 0) return () => null;
  const heard = new Set([...collected.known, ...collected.flows].map(({ source }) => source));
  const at = new Map(
    state.entries.flatMap(({ address, vlan, port: ifindex }) => {
      const port = ports.get(ifindex);
      return port === undefined ? [] : [[`${address} ${vlan}`, port] as const];
    }),
  );
  return ({ destination, vlan }) => {
    const port = at.get(`${destination} ${vlan}`);
    if (port === undefined || heard.has(destination)) return null;
    return nobody(context, port, destination) === null ? null : port.ifindex;
  };
}

/**
 * Frames for addresses whose entries stay, to a remote that is there, while nothing of the addresses came in: this end cannot
 * tell what goes one way from what goes to the wrong host. `least` is the fewest frames that are worth a word.
 */
export function unanswered({ state, collected }: LossContext, least: number): CauseNote[] {
  const heard = new Set(
    [...collected.known, ...collected.flows, ...collected.lost].map(({ source }) => source),
  );
  // Of these it is known what became of them.
  const lost = new Set(collected.lost.map(({ destination }) => destination));
  return state.ports.filter(isVxlan).flatMap((port) => {
    const at = new Map<string, KnownFlow[]>();
    for (const flow of collected.known) {
      const { destination, vlan } = flow;
      const remote = entriesFor(port.vxlan, destination).find(({ permanent }) => permanent);
      const ip = remote?.own || remote?.answers === false ? null : (remote?.ip ?? null);
      if (ip === null || heard.has(destination) || lost.has(destination)) continue;
      if (!isAt(state, port, destination, vlan)) continue;
      at.set(ip, [...(at.get(ip) ?? []), flow]);
    }
    return [...at].flatMap(([ip, flows]) => unansweredBy(port, ip, flows, least));
  });
}

function isAt({ entries }: BridgeState, { ifindex }: Device, address: string, vlan: number) {
  return entries.some(
    (one) => one.port === ifindex && one.address === address && one.vlan === vlan,
  );
}

function unansweredBy(
  { name, vxlan }: Device,
  ip: string,
  flows: readonly KnownFlow[],
  least: number,
): CauseNote[] {
  const frames = Math.round(sum(flows, (flow) => flow.frames));
  const addresses = [...new Set(flows.map(({ destination }) => destination))];
  const [first = ""] = addresses;
  if (frames < least) return [];
  const them = addresses.length === 1 ? "it" : "them";
  return [
    {
      cause: "vxlan-wrong-remote",
      text: `${frames} frames for ${listed(addresses, "more")} left by ${name} (VNI ${vxlan.vni}) for the remote ${ip}, and none of ${them} came back: right where traffic goes one way, else that host does not have ${them}, or the answers are lost on their way`,
      remedy: {
        none: `only ${ip} can tell: \`bridge fdb show | grep ${first}\` there has it at a port that is no VXLAN if that is where it lives, and \`bridgescope explain\` of its bridge says what becomes of these frames`,
      },
    },
  ];
}

/** Its only remote, where one reading has it unanswered and none has an answer. */
function nobody({ before, state }: LossContext, { ifindex }: Device, address: string) {
  const [now, ...more] = remotesIn(state, ifindex, address);
  const then = remotesIn(before, ifindex, address).find(({ ip }) => ip === now?.ip);
  if (now === undefined || more.length > 0) return null;
  const said = [now.answers, then?.answers ?? null];
  return said.includes(false) && !said.includes(true) ? now : null;
}

function remotesIn(state: BridgeState, ifindex: number, address: string): Remote[] {
  return remotesFor(vxlanPort(state, ifindex)?.vxlan ?? { remotes: [] }, address);
}

function unheard({ destination }: Loss, context: LossContext, port: Device): LossWhy | null {
  const remote = nobody(context, port, destination);
  if (remote === null) return null;
  const { name, vxlan } = port;
  const { address, ip } = remote;
  const whose = address === DEFAULT ? "what it has no entry for" : address;
  return {
    ...LOSS,
    basis: "inferred",
    title: `${name} (VNI ${vxlan.vni}) has ${whose} at ${remotePhrase(remote)}, and nobody has that address on the wire`,
    alternatives: [`the host ${ip} is down, or not reached by the underlay's network`],
    evidence: [
      `the host's stack asks who has ${ip} and gets no answer: \`${underlayCommand(port, "ip", "neigh", "show", ip ?? "")}\``,
    ],
    remedy: { none: `whether ${ip} is to come back or the entry is out of date is not known here` },
  };
}

function cameBack({ destination }: Loss, context: LossContext, port: Device): LossWhy | null {
  const entry = entryOf(context, port, destination);
  if (entry?.own !== true) return null;
  const { name, vxlan } = port;
  return {
    ...LOSS,
    title: `${name} (VNI ${vxlan.vni}) has ${destination} at ${remotePhrase(entry)}, which is this host itself: its frames come back and are dropped`,
    alternatives: [],
    evidence: [
      `frames for ${destination} came in by ${name}, the port that the bridge has it at; their sources move there with them`,
    ],
    remedy: { none: whoKnows(context.state, port, destination) },
  };
}
