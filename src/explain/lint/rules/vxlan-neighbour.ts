import type { Neighbour } from "../../../bridge/state.ts";
import type { Judgement, Rule } from "./rule.ts";
import { some } from "./rule.ts";
import { hasDefault } from "./vxlan-half-entry.ts";

/**
 * A VXLAN device answers for an address (a permanent neighbour, as flannel and Docker set them) for which it has no remote:
 * what is sent there is lost. Of devices that are no bridge's port too.
 */
export const vxlanNeighbour: Rule = {
  name: "vxlan-neighbour",
  judgeNamespace: ({ namespace: { overlays, neighbours, bridges } }) =>
    overlays.flatMap(({ name, ifindex, vxlan }): Judgement[] => {
      if (hasDefault(vxlan)) return [];
      const known = new Set(vxlan.remotes.map(({ address }) => address));
      // Of a port the bridge's table says first where an address is.
      const elsewhere = new Set(
        bridges
          .filter(({ ports }) => ports.some((port) => port.ifindex === ifindex))
          .flatMap(({ entries }) => entries.filter(({ port }) => port !== ifindex))
          .map(({ address }) => address),
      );
      const lost = neighbours.filter(
        (one) =>
          one.ifindex === ifindex &&
          one.state === "permanent" &&
          one.address !== null &&
          !isGroup(one.address) &&
          !known.has(one.address) &&
          !elsewhere.has(one.address),
      );
      return lost.length === 0 ? [] : [judgement(name, lost)];
    }),
};

function isGroup(address: string): boolean {
  return (Number.parseInt(address.slice(0, 2), 16) & 1) !== 0;
}

function judgement(name: string, lost: readonly Neighbour[]): Judgement {
  const who = some(lost.map(({ ip, address }) => `${ip} (${address})`));
  return {
    severity: "high",
    text: `${name} has ${who} as a permanent neighbour, but no entry that says behind which remote that is, and no default one: what is sent there is lost`,
    evidence: [
      `permanent neighbour on ${name}: ${who}`,
      `\`bridge fdb show dev ${name}\` has no \`dst\` for it`,
    ],
    remedy: {
      none: `the remote's address is known to what runs the overlay alone: \`bridge fdb replace MAC dev ${name} dst REMOTE self permanent\` sets it`,
    },
  };
}
