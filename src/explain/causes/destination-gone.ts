import type { BridgeState, Neighbour } from "../../bridge/state.ts";
import { type Cause, type CauseNote, hasEntry, users } from "./cause.ts";
import { ipCommand } from "./setting.ts";
import { allHomes, isOwn, othersBehind, portPhrase, virtualAddress } from "./whereabouts.ts";

/** A neighbour entry outlives the host that it points to. What is stale is asked for again before long, if anybody uses it. */
export const destinationGone: Cause = {
  notes: (state) =>
    goneNotes(
      state,
      users(state).filter((entry) => entry.state === "permanent"),
    ),
};

/** Of these neighbour entries those that point to an address that no host has, as far as can be seen. */
export function goneNotes(state: BridgeState, entries: readonly Neighbour[]): CauseNote[] {
  const living = new Set(allHomes(state).map(({ address }) => address));
  return entries.flatMap((entry) => {
    const { address, namespace: at, ip } = entry;
    if (address === null || living.has(address) || isOwn(state, address)) return [];
    if (hasEntry(state, address) || virtualAddress(address) !== null) return [];
    return [
      {
        cause: "destination-gone",
        text: `${at.label} has ${ip} at ${address} (${entry.state}), but ${whatHappened(state, entry)}: what is sent there is for every port`,
        remedy: {
          change: { set: "no-neighbour", neighbour: entry },
          effect: `${at.label} asks anew who has ${ip} before it sends to it`,
          risk:
            entry.state === "permanent"
              ? "somebody has set the entry for good: what asked for it may set it again"
              : "one ARP or neighbour solicitation; nothing if the host is gone",
        },
      },
    ];
  });
}

function whatHappened(state: BridgeState, { ip, address }: Neighbour): string {
  const { name, formerAddresses } = state;
  const others = othersBehind(state);
  const pin = `a bridge takes the lowest address of its ports unless one is set (\`${ipCommand(state.place, "link", "set", "dev", name, "address", state.address)}\` pins it)`;
  if (address !== null && formerAddresses.includes(address)) {
    return `that was an address of ${name} itself, which has ${state.address} now; ${pin}`;
  }
  if (state.addresses.includes(ip)) {
    return `${ip} is an address of ${name} itself, which has ${state.address}, and no host that can be seen has ${address}${others}; ${pin}`;
  }
  const owner = state.ports.find(
    ({ peer }) =>
      peer?.addresses.includes(ip) || peer?.uppers.some(({ addresses }) => addresses.includes(ip)),
  );
  if (owner !== undefined) {
    return `the host with ${ip} behind ${portPhrase(owner)} has another address now, and no host that can be seen has that one${others}`;
  }
  return others === ""
    ? "the bridge has no entry for that address and no port has a host with it"
    : `the bridge has no entry for that address and no host that can be seen has it${others}`;
}
