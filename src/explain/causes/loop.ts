import type { BridgeState, Port } from "../../bridge/state.ts";
import type { Collected, Flow } from "../../live/collect.ts";
import type { Cause, CauseNote, Why } from "./cause.ts";
import type { Proposal, Proposed } from "./remedy.ts";
import { homePhrase, homesOf, isOpen, isOwn, portPhrase, virtualAddress } from "./whereabouts.ts";

/** Ports of this bridge that all forward and lead to one place, so that what leaves by one comes back by another. */
export interface Loop {
  /** In order of their ifindex. */
  ports: Port[];
  /** The bridge that they lead to; null where they are the two ends of one cable. */
  beyond: string | null;
}

/** Two ends of one veth pair, or several cables to one other bridge: the spanning tree wants those, and sees to them. */
export const loop: Cause = {
  notes: (state) => suspectedLoops(state).map(({ note }) => note),
};

/** Each with what is said of it, and what opens it once it is known to be one. */
export function suspectedLoops(
  state: BridgeState,
): { loop: Loop; note: CauseNote; opening: Proposal }[] {
  return loopsOf(state)
    .filter(({ beyond }) => beyond === null || !state.stp)
    .map((one) => ({ loop: one, note: noteOf(state, one), opening: openingOf(state, one) }));
}

/** Ports that are part of a loop, as far as the state tells. */
export function loopPorts(state: BridgeState): Set<Port> {
  return new Set(loopsOf(state).flatMap(({ ports }) => ports));
}

/** Fewer may be of a host that has moved. */
const ENOUGH = 5;

/**
 * The loop that brought a flow's frames here, where frames show one: they came in by two of its ports, or most of them by a
 * port behind which their source does not live.
 */
export function whyLooped(state: BridgeState, collected: Collected, flow: Flow): Why | null {
  const same = collected.flows.filter(
    (one) =>
      one.class === flow.class &&
      one.source === flow.source &&
      one.destination === flow.destination &&
      one.vlan === flow.vlan,
  );
  const many = same.filter(({ frames }) => frames >= ENOUGH);
  return (
    seenLoop(state, new Set(many.map(({ port }) => port))) ??
    returned(state, same) ??
    suspected(state, flow)
  );
}

/** The same of an address that moved between these ports, or from where it lives to one of a loop's. */
export function whyMovedInLoop(
  state: BridgeState,
  address: string,
  to: ReadonlySet<number>,
): Why | null {
  const between = seenLoop(state, to);
  if (between !== null) return between;
  const homes = homesOf(state, address);
  if (homes.length === 0 && !isOwn(state, address)) return null;
  const away = state.ports.filter(
    (port) => to.has(port.ifindex) && homes.every((home) => home.port !== port),
  );
  for (const found of loopsOf(state)) {
    const back = away.find((port) => found.ports.includes(port));
    if (back === undefined) continue;
    const from = homes[0] === undefined ? `${state.name} itself` : homePhrase(state, homes[0]);
    return observed(state, found, cameBack(address, from, back));
  }
  return null;
}

function cameBack(address: string, from: string, { name }: Port): string {
  return `frames of ${address}, which is behind ${from}, come back by ${name}`;
}

function seenLoop(state: BridgeState, by: ReadonlySet<number>): Why | null {
  const found = loopsOf(state).find(
    ({ ports }) => ports.filter(({ ifindex }) => by.has(ifindex)).length > 1,
  );
  if (found === undefined) return null;
  const by2 = found.ports.length === 2 ? "both" : "several of them";
  return observed(state, found, `the same frames come in by ${by2}`);
}

function observed(state: BridgeState, found: Loop, seen: string): Why {
  return {
    cause: "loop",
    title: `${textOf(state, found)}${found.beyond === null ? "" : `: they are a loop, and ${seen}`}`,
    basis: "observed",
    alternatives: [],
    remedy: openingOf(state, found),
  };
}

/** What goes round in one direction alone comes in by one port; of what somebody beyond sent first that is all to be seen. */
function suspected(state: BridgeState, { class: kind, port, source }: Flow): Why | null {
  if (kind === "unknownUnicast" || state.stp) return null;
  const found = loopsOf(state).find(({ ports }) => ports.some(({ ifindex }) => ifindex === port));
  if (found === undefined) return null;
  const at = found.ports.find(({ ifindex }) => ifindex === port);
  const why = observed(state, found, `a storm comes in by ${at?.name}`);
  if (found.beyond === null) return why;
  const opening = openingOf(state, found);
  return {
    ...why,
    basis: "inferred",
    alternatives: [
      `a spanning tree of ${found.beyond} blocks one of them, and ${source} beyond sends a storm`,
    ],
    remedy: {
      ...opening,
      risk: `${opening.risk}; where a spanning tree there has blocked the other one, hosts beyond are cut off until it lets that forward`,
    },
  };
}

/** Most frames of a source come in by a port that it is not behind, as the links say: entries move with such frames. */
function returned(state: BridgeState, flows: readonly Flow[]): Why | null {
  const [first] = flows;
  if (first === undefined || virtualAddress(first.source) !== null) return null;
  const { source } = first;
  const homes = homesOf(state, source);
  const own = isOwn(state, source);
  const [home] = homes;
  if (home === undefined && !own) return null;
  const portOf = (flow: Flow) => state.ports.find(({ ifindex }) => ifindex === flow.port);
  const round = flows.filter((flow) => {
    const port = portOf(flow);
    return port !== undefined && homes.every((one) => one.port !== port);
  });
  const frames = (some: readonly Flow[]) => some.reduce((all, one) => all + one.frames, 0);
  const most = [...round].sort((a, b) => b.frames - a.frames)[0];
  const back = most && portOf(most);
  if (back === undefined || 2 * frames(round) <= frames(flows)) return null;
  const open = isOpen(state, back);
  const from = home === undefined ? `${state.name} itself` : homePhrase(state, home);
  const known = loopsOf(state).find(({ ports }) => ports.includes(back));
  if (known !== undefined) {
    return observed(state, known, cameBack(source, from, back));
  }
  return {
    cause: "loop",
    title: `frames of ${source}, which is behind ${from}, come in by ${portPhrase(back)}: they came round${open ? `, by a loop behind ${back.name}` : ""}`,
    basis: "inferred",
    alternatives: [
      `somebody behind ${back.name} sends with the address ${source}`,
      ...(open
        ? []
        : [`the host behind ${back.name} forwards between this bridge and another way`]),
    ],
    remedy: {
      change: { set: "opened", cut: [back], left: [] },
      effect: `${back.name} is down: what comes round no longer reaches ${state.name}`,
      risk: `whoever is behind ${back.name} is cut off until this is taken back`,
    },
  };
}

function loopsOf(state: BridgeState): Loop[] {
  const forwarding = state.ports.filter((port) => port.up && port.state === "forwarding");
  const cables = forwarding.flatMap((port): Loop[] => {
    const { peer } = port;
    if (peer === null || peer.namespace.inode !== state.place.inode) return [];
    const other = forwarding.find(({ ifindex }) => ifindex === peer.ifindex);
    // Each pair once.
    if (other === undefined || other.ifindex < port.ifindex) return [];
    return [{ ports: [port, other], beyond: null }];
  });
  const byBridge = new Map<string, Loop>();
  for (const port of forwarding) {
    const beyond = bridgeBehind(state, port);
    if (beyond === null) continue;
    const known = byBridge.get(beyond.key) ?? { ports: [], beyond: beyond.words };
    known.ports.push(port);
    byBridge.set(beyond.key, known);
  }
  return [...cables, ...byBridge.values()]
    .map(({ ports, beyond }) => ({ ports: ports.sort((a, b) => a.ifindex - b.ifindex), beyond }))
    .filter(({ ports }) => ports.length > 1 && shareVlan(state, ports));
}

function bridgeBehind(
  { place, ifindex }: BridgeState,
  { peer }: Port,
): { key: string; words: string } | null {
  if (peer === null || peer.master === null) return null;
  const { inode } = peer.namespace;
  if (inode === place.inode && peer.master === ifindex) return null;
  const master = peer.uppers.find(
    (one) => one.namespace.inode === inode && one.ifindex === peer.master,
  );
  if (master?.kind !== "bridge") return null;
  return { key: `${inode} ${peer.master}`, words: `${master.name} of ${peer.namespace.label}` };
}

function shareVlan({ vlanFiltering }: BridgeState, [first, ...others]: readonly Port[]): boolean {
  if (!vlanFiltering) return true;
  return others.some(({ vlans }) =>
    vlans.some(({ vid }) => first?.vlans.some((one) => one.vid === vid)),
  );
}

function noteOf(state: BridgeState, one: Loop): CauseNote {
  // Whether the spanning tree of the other bridge blocks a port of its own is not read: frames show it.
  const remedy: Proposed =
    one.beyond === null
      ? openingOf(state, one)
      : {
          none: `whether a spanning tree of ${one.beyond} blocks one of them is not seen without looking at frames`,
        };
  const unless =
    one.beyond === null ? "" : ": they are a loop, unless a spanning tree there blocks one of them";
  return { cause: "loop", text: `${textOf(state, one)}${unless}`, remedy };
}

function textOf({ name }: BridgeState, { ports, beyond }: Loop): string {
  const names = namesOf(ports);
  return beyond === null
    ? `${names} are the two ends of one cable and both are ports of ${name}: every flooded frame comes back and is flooded again`
    : `${names} ${ports.length === 2 ? "both" : "all"} lead to ${beyond} and forward`;
}

/** All but one of the ports are cut, and what is left forgets where the loop has put addresses. */
function openingOf({ place, entries }: BridgeState, { ports, beyond }: Loop): Proposal {
  const set = (port: Port) =>
    entries.filter((entry) => entry.port === port.ifindex && entry.static && !entry.local).length;
  const sorted = [...ports].sort((a, b) => set(b) - set(a) || a.ifindex - b.ifindex);
  const [kept, ...cut] = beyond === null ? ports : sorted;
  const names = namesOf(cut);
  const byHand = cut.filter((port) => beyond !== null && set(port) > 0);
  const stuck =
    byHand.length === 0
      ? ""
      : `; entries that were set by hand at ${namesOf(byHand)} stay and lead nowhere`;
  const far = kept?.peer;
  return {
    change: {
      ...{ set: "opened", cut },
      // The two ends of one cable go down together.
      left:
        beyond === null || kept === undefined
          ? []
          : [
              { place, name: kept.name },
              ...(far ? [{ place: far.namespace, name: far.name }] : []),
            ],
    },
    effect:
      beyond === null
        ? `${names} is down, and with it the other end of the cable, which opens the loop`
        : `${names} ${cut.length === 1 ? "is" : "are"} down, which opens the loop; what was learned at ${kept?.name} is forgotten at both ends`,
    risk:
      beyond === null
        ? "none for hosts on other ports; the pair itself carries nothing more"
        : `frames for hosts beyond ${kept?.name} are flooded until these are learned anew, by the first frame of each; the second way is missing if the first one fails${stuck}`,
  };
}

function namesOf(ports: readonly Port[]): string {
  return ports.map(({ name }) => name).join(" and ");
}
