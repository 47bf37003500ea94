import type { Rule } from "./rule.ts";
import { some } from "./rule.ts";

/** What the kernel takes at least (BR_MIN_FORWARD_DELAY), and what libvirt's bridges have. */
const LEAST_S = 2;
/** Ports that come with a container or a guest, which wants to send at once. */
const BORN = new Set(["veth", "tun"]);

/** br_stp_enable_port(): a new port listens and learns for forward_delay each before it forwards. */
export const stpDelay: Rule = {
  name: "stp-delay",
  judge: (state) => {
    const { name, stp, forwardDelayS, ports, place } = state;
    const born = ports.filter(
      ({ kind, peer }) => BORN.has(kind) && peer?.namespace.inode !== place.inode,
    );
    if (!stp || forwardDelayS <= LEAST_S || born.length === 0) return [];
    return [
      {
        severity: "medium",
        text: `the spanning tree of ${name} keeps every new port from forwarding for ${2 * forwardDelayS} s: what starts there (a container, a guest that asks for an address) loses all it sends until then`,
        evidence: [
          `stp_state 1, forward_delay ${forwardDelayS} s, twice`,
          `ports of containers or guests: ${some(born.map((port) => port.name))}`,
        ],
        remedy:
          state.options.root_id === state.options.bridge_id
            ? {
                change: { set: "forward-delay", seconds: LEAST_S, waiting: [] },
                effect: `a new port forwards after ${2 * LEAST_S} s, the least that the kernel takes while the spanning tree is on`,
                risk: "where the bridge has more than one cable to others, a loop is noticed later than a port forwards; other bridges of its spanning tree take the time from the root",
              }
            : {
                none: "another bridge is the root of the spanning tree, and its forward_delay is in force",
              },
      },
    ];
  },
};
