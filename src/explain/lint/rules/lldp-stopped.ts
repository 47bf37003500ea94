import { LLDP_GROUP } from "../../../bridge/lldp-listeners.ts";
import type { BridgeState, Peer, Place, Port, Upper } from "../../../bridge/state.ts";
import { forwarding, isForwardedGroup, LLDP } from "../../causes/loss/link-local.ts";
import { grouped } from "../../causes/peak.ts";
import { portPhrase } from "../../causes/whereabouts.ts";
import { type Judgement, type LintFacts, needsPeers, type Rule, some } from "./rule.ts";

/** systemd-networkd as the kernel keeps its name. It listens wherever it runs (`LLDP=`), and nobody need have asked for it. */
const NETWORKD = "systemd-network";

/** Daemons behind different ports listen for LLDP, which the bridge forwards to none of them. */
export const lldpStopped: Rule = {
  name: "lldp-stopped",
  judge: (state, facts) => {
    if (!facts.peers) return [];
    const ports = state.ports.filter((port) => isStopped(state, port));
    if (ports.length < 2) return [];
    const listening = ports.flatMap((port) => listenerBehind(port, facts) ?? []);
    return grouped(listening, ({ port }) => `${port.pvid}`).flatMap((all) => judgement(state, all));
  },
  unjudged: (state, facts) =>
    state.ports.filter((port) => !isForwardedGroup(state, port, LLDP_GROUP)).length > 1
      ? needsPeers(state, facts)
      : null,
};

/** What another namespace sends by this port goes on, but for this group. */
function isStopped(state: BridgeState, port: Port): boolean {
  const { up, carrier, peer, pvid, state: spanning } = port;
  const open = up && carrier && spanning === "forwarding" && pvid !== null;
  const away = peer !== null && peer.namespace.inode !== state.place.inode;
  return open && away && !isForwardedGroup(state, port, LLDP_GROUP);
}

interface Listener {
  port: Port;
  namespace: Place;
  evidence: string;
}

/** The first at a port: those behind one port hear each other, or not, whatever the bridge does. */
function listenerBehind(port: Port, { lldp }: LintFacts): Listener | null {
  const { peer } = port;
  if (peer === null) return null;
  // What is sent in another VLAN is not told by untagged frames, and an inner bridge has its own ports.
  const ends = [...peer.uppers.filter(({ kind }) => kind !== "vlan" && kind !== "bridge"), peer];
  for (const end of ends) {
    const { namespace } = end;
    const how = heard(end, end === peer ? peer.uppers : [], lldp);
    if (how !== null) return { port, namespace, evidence: `${how} (${portPhrase(port)})` };
  }
  return null;
}

function heard(
  end: Peer | Upper,
  uppers: readonly Upper[],
  lldp: LintFacts["lldp"],
): string | null {
  const { sockets, members } = lldp(end.namespace);
  const here = sockets.filter(({ ifindex }) => ifindex === end.ifindex || ifindex === 0);
  const at = `${end.name} of ${end.namespace.label}`;
  // Of a socket that no process there has open nobody can say whether it is networkd's.
  const daemon = here.find(({ holder }) => holder !== null && holder.command !== NETWORKD)?.holder;
  if (daemon != null) {
    return `${daemon.command} (pid ${daemon.pid}) has a packet socket for LLDP (0x88cc) at ${at}`;
  }
  // A socket joins once, and so does the kernel for each link on top that has joined.
  const joined = members.get(end.ifindex) ?? 0;
  const ofUppers = uppers.filter(
    ({ ifindex, namespace }) => lldp(namespace).members.get(ifindex) !== undefined,
  );
  return joined > here.length + ofUppers.length ? `${at} has joined ${LLDP_GROUP}` : null;
}

function judgement(state: BridgeState, all: readonly Listener[]): Judgement[] {
  const { name } = state;
  const [first] = all;
  const namespaces = new Set(all.map(({ namespace }) => namespace.inode));
  const apart = all.every(({ port }) => port.flags.isolated);
  if (first === undefined || namespaces.size < 2 || apart) return [];
  const where = some(all.map(({ port }) => portPhrase(port)));
  return [
    {
      severity: "low",
      text: `somebody listens for LLDP behind ${where}, and ${name} stops its frames (${LLDP_GROUP}), as bridges do: none of them ever hears of another`,
      evidence: [
        ...all.slice(0, MOST_TOLD).map(({ evidence }) => evidence),
        `group_fwd_mask of ${name}: ${Number(state.options.group_fwd_mask ?? 0)}, without bit ${LLDP} (${1 << LLDP})`,
      ],
      remedy: forwarding(state, LLDP),
    },
  ];
}

const MOST_TOLD = 4;
