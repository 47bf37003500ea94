/** By which ports lost frames should have left, and what held them back there: should_deliver() and br_flood() of net/bridge/br_forward.c. */

import type { BridgeState, Port } from "../../../bridge/state.ts";
import type { Home } from "../../../live/membership.ts";
import { notFlooded } from "../reach.ts";
import { entriesOf, isOpen, onlyHome } from "../whereabouts.ts";
import type { Loss, LossContext } from "./cause.ts";

export type Hold = "down" | "stp-state" | "vlan" | "isolated" | "same-port" | "flag";

export interface HeldBack {
  hold: Hold;
  /** The port that they should have left by; of frames for everybody the first for which it is so. */
  port: Port;
  /** They were for one port alone: it has the entry of their destination, or the host. */
  alone: boolean;
  /** It has the entry. */
  known: boolean;
  /** The bridge as it was then. */
  state: BridgeState;
}

/** The functions that free what they send nowhere, or that have them inlined. */
const CHOSE_NONE =
  /^(?:br_forward|br_flood|br_multicast_flood|br_handle_frame_finish|br_dev_xmit|maybe_deliver)\b/;
const NO_REASON: readonly (string | null)[] = [null, "NOT_SPECIFIED", "NO_TX_TARGET"];

/** The kernel said nothing of why it freed them. */
export function isUnspecified({ reason }: Pick<Loss, "reason">): boolean {
  return NO_REASON.includes(reason);
}

export function isAtIngress({ at, port, behind }: Loss): boolean {
  return !behind && at === port;
}

/** veth_xmit(), and what it hands the frame to: __dev_forward_skb2() asks whether the other end takes it. */
export function isAtOtherEnd(where: string): boolean {
  return /^(?:veth_|_*dev_forward_skb)/.test(where);
}

/** The kernel found no port for them, and gave no other reason. */
export function choseNone(loss: Loss): boolean {
  return (
    isAtIngress(loss) && loss.where !== null && CHOSE_NONE.test(loss.where) && isUnspecified(loss)
  );
}

/** A frame came in, and the bridge found no port for it; by what was read last, and else by what was read first. */
export function heldBack(loss: Loss, { before, state, collected }: LossContext): HeldBack | null {
  if (!choseNone(loss) && !(loss.where === null && isAtIngress(loss))) return null;
  const entries = [state.entries, before.entries, collected.homes].flatMap((list) =>
    entriesOf<Home>(list, loss.destination, loss.vlan).filter(({ local }) => !local),
  );
  for (const one of [state, before]) {
    const found = heldBackOn(one, loss, entries[0]?.port ?? null);
    if (found !== null) return { ...found, state: one };
  }
  return null;
}

function heldBackOn(
  state: BridgeState,
  loss: Loss,
  entry: number | null,
): Omit<HeldBack, "state"> | null {
  const from = state.ports.find(({ ifindex }) => ifindex === loss.port);
  if (loss.class === "unicast") {
    const known = state.ports.find(({ ifindex }) => ifindex === entry);
    const port = entry === null ? onlyHome(state, loss.destination)?.port : known;
    if (entry !== null && port === undefined) return null;
    if (port != null) {
      const hold = holdAt(state, from, port, loss.vlan);
      return hold === null ? null : { hold, port, alone: true, known: entry !== null };
    }
  }
  return floodHeldBack(state, from, loss);
}

/** Of frames for all other ports: what is so of those that forward decides, and where none does, who waits to. */
function floodHeldBack(
  state: BridgeState,
  from: Port | undefined,
  { class: kind, vlan }: Loss,
): Omit<HeldBack, "state"> | null {
  const held = state.ports
    .filter((port) => port !== from || port.flags.hairpin)
    .map((port) => {
      const flag = notFlooded(port, kind === "unicast" ? "unknownUnicast" : kind);
      return { port, hold: holdAt(state, from, port, vlan) ?? (flag === null ? null : "flag") };
    });
  if (held.some(({ hold }) => hold === null)) return null;
  const order: readonly Hold[] = ["isolated", "vlan", "flag", "stp-state", "down"];
  for (const hold of order) {
    // Of ports that are down the one that somebody may be behind.
    const same = held.filter((one) => one.hold === hold);
    const [first] = [...same].sort((a, b) => unseen(state, b.port) - unseen(state, a.port));
    if (first !== undefined) return { hold, port: first.port, alone: false, known: false };
  }
  return null;
}

function unseen(state: BridgeState, port: Port): number {
  return Number(isOpen(state, port));
}

function holdAt(
  state: BridgeState,
  from: Port | undefined,
  port: Port,
  vlan: number,
): Exclude<Hold, "flag"> | null {
  if (port === from && !port.flags.hairpin) return "same-port";
  if (!state.up || !port.up || !port.carrier) return "down";
  // With MSTP each VLAN has a state of its own, which is not read.
  if (port.state !== "forwarding" && !usesMst(state)) return "stp-state";
  if (state.vlanFiltering && !port.vlans.some(({ vid }) => vid === vlan)) return "vlan";
  return from?.flags.isolated && port.flags.isolated ? "isolated" : null;
}

export function usesMst({ options }: BridgeState): boolean {
  return options.mst_enabled === 1;
}
