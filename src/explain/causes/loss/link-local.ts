/** Groups that are for the next bridge alone (IEEE 802.1Q, 8.6.3): br_handle_frame() forwards them only where a mask says so. */

import type { BridgeState, Port } from "../../../bridge/state.ts";
import type { Proposal, Proposed } from "../remedy.ts";
import { ipCommand } from "../setting.ts";
import { portPhrase } from "../whereabouts.ts";
import type { LossCause } from "./cause.ts";
import { isAtIngress } from "./egress.ts";

const LINK_LOCAL = /^01:80:c2:00:00:0([0-9a-f])$/;
const [STP, PAUSE, SLOW, EAPOL, MVRP] = [0x0, 0x1, 0x2, 0x3, 0xd];
/** Bit of its group in group_fwd_mask. */
export const LLDP = 0xe;

/** Who uses a group, by its last four bits, and what may go wrong where it is forwarded. */
const PROTOCOLS: Record<number, { name: string; risk: string }> = {
  [SLOW]: { name: "LACP, and other slow protocols", risk: "" },
  [EAPOL]: {
    name: "EAPOL (802.1X)",
    risk: "whoever is behind any port hears who authenticates, and may answer as if it were the authenticator",
  },
  [MVRP]: {
    name: "MVRP",
    risk: "switches behind different ports register their VLANs with each other, whether this bridge has them or not",
  },
  [LLDP]: {
    name: "LLDP (PTP's peer delay uses it too)",
    risk: "hosts and switches behind different ports take each other for neighbours of one cable, and PTP's peer delay is wrong",
  },
};
const RESERVED = {
  name: "a group that IEEE 802.1 keeps for the next bridge",
  risk: "what it carries was meant for the next bridge, and reaches all that are beyond",
};

/** Bits that a bridge forwards where it is one of service VLANs: BR_GROUPFWD_8021AD. */
const PROVIDER_BRIDGE = 0xb801;

export const linkLocal: LossCause = (loss, { state, before }) => {
  const bit = bitOf(loss.destination);
  if (bit === null || !isAtIngress(loss)) return null;
  const port = [...state.ports, ...before.ports].find(({ ifindex }) => ifindex === loss.port);
  // The host's own go to all ports (br_dev_xmit()).
  if (port === undefined || isForwarded(state, port, bit)) return null;
  // Of pause frames nobody beyond the cable has any use, and STP is for this bridge, which takes part in it.
  if (bit === PAUSE || bit === STP) return "right";
  const { name } = PROTOCOLS[bit] ?? RESERVED;
  const mask = hex(Number(state.options.group_fwd_mask ?? 0));
  return {
    ...{ kind: "policy", cause: "link-local", basis: "observed", alternatives: [] },
    title: `${loss.destination} (${name}) ends at ${state.name}: bridges do not forward it`,
    evidence: [
      `group_fwd_mask of ${state.name} is ${mask}, without bit ${bit} (${hex(1 << bit)}); frames came in by ${portPhrase(port)}`,
    ],
    remedy: remedyFor(state, port, bit),
  };
};

/** True of all other addresses, too. */
export function isForwardedGroup(state: BridgeState, port: Port, address: string): boolean {
  const bit = bitOf(address);
  return bit === null || isForwarded(state, port, bit);
}

function bitOf(address: string): number | null {
  const digit = LINK_LOCAL.exec(address)?.[1];
  return digit === undefined ? null : Number.parseInt(digit, 16);
}

function isForwarded({ options, stp }: BridgeState, port: Port, bit: number): boolean {
  if (bit === PAUSE) return false;
  // Without a spanning tree of its own it lets others find their loops through it.
  if (bit === STP && !stp) return true;
  const required = options.vlan_protocol === "802.1ad" ? PROVIDER_BRIDGE : 0;
  const own = bit === STP ? 0 : Number(options.group_fwd_mask ?? 0);
  return ((required | own | port.groupFwdMask) & (1 << bit)) !== 0;
}

function remedyFor(state: BridgeState, port: Port, bit: number): Proposed {
  if (bit === SLOW) {
    const { name, place } = state;
    // BR_GROUPFWD_RESTRICTED, and br_setport().
    const mask = String(port.groupFwdMask | (1 << bit));
    const words = ["link", "set", "dev", port.name, "type", "bridge_slave", "group_fwd_mask", mask];
    return {
      none: `LACP is for the two ends of one cable, and the kernel refuses its bit in group_fwd_mask of a bridge; where ${name} is to be a cable between two ports, each can have it of its own (\`${ipCommand(place, ...words)}\`)`,
    };
  }
  return forwarding(state, bit);
}

/** The bridge forwards a group. */
export function forwarding({ name }: BridgeState, bit: number): Proposal {
  const { risk } = PROTOCOLS[bit] ?? RESERVED;
  return {
    change: { set: "group-forwarding", bit },
    effect: `${name} sends these frames by all other ports`,
    risk,
  };
}

function hex(bits: number): string {
  return `0x${bits.toString(16)}`;
}
