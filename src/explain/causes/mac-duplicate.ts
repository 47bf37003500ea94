import type { BridgeState } from "../../bridge/state.ts";
import type { Collected } from "../../live/collect.ts";
import { type Cause, type CauseNote, staticEntry, type Why } from "./cause.ts";
import { whyMovedInLoop } from "./loop.ts";
import type { Proposed } from "./remedy.ts";
import { echoedBy } from "./vxlan-stale-remote.ts";
import { type Home, homesByAddress, homesOf, portPhrase, virtualAddress } from "./whereabouts.ts";

/** An address that was learned at one port after the other. */
export interface MovingAddress {
  address: string;
  vlan: number;
  to: Collected["moves"];
  perSecond: number;
}

/** Two hosts with one address: its entry moves with every frame that either sends. */
export const macDuplicate: Cause = {
  notes: (state) =>
    [...homesByAddress(state)].flatMap(([address, homes]): CauseNote[] => {
      if (!severalHosts(homes) || virtualAddress(address) !== null) return [];
      const names = homes.map(({ port }) => (port ? portPhrase(port) : state.name)).join(" and ");
      return [
        {
          cause: "mac-flapping",
          text: `${address} is the address of several hosts, behind ${names}: its entry moves to whichever sent last, and frames go to the wrong one; give each an address of its own`,
          remedy: null,
        },
      ];
    }),
};

/** A bond has one address behind several ports, and is one host. */
function severalHosts(homes: readonly Home[]): boolean {
  return homes.length > 1 && new Set(homes.map(({ namespace }) => namespace?.inode)).size > 1;
}

/** Why an address moves between ports, once it was seen to; `of` tells the names of ports that are gone, too. */
export function whyMoving(
  state: BridgeState,
  { address, vlan, to, perSecond }: MovingAddress,
  of: (ifindex: number) => { name: string },
): Why {
  const at = new Set(to.map(({ port }) => port));
  const looped = whyMovedInLoop(state, address, at);
  if (looped !== null) return looped;
  const homes = homesOf(state, address);
  const names = [...at].map((ifindex) => of(ifindex).name);
  const between = names.length > 1 ? `between ${names.join(" and ")}` : `to ${names.join()}`;
  const why: Omit<Why, "title" | "alternatives" | "remedy"> = {
    ...{ cause: "mac-flapping", basis: "observed" },
  };
  const title = `${address} moves ${between}, ${perSecond.toFixed(1)} times a second`;
  const echo = echoedBy(state, at);
  if (echo !== null) return { ...why, ...echo, title: `${title}: ${echo.title}` };
  const virtual = virtualAddress(address);
  if (virtual !== null) {
    return {
      ...why,
      title: `${title}: it is the address of ${virtual}, and several routers think they are its master`,
      alternatives: ["routers that take over from each other again and again"],
      remedy: null,
    };
  }
  if (homes.length > 1) {
    return {
      ...why,
      title: severalHosts(homes)
        ? `${title}: several hosts have it, behind ${phrases(homes)}; give each an address of its own`
        : `${title}: one host sends by ${phrases(homes)} at once`,
      alternatives: [],
      remedy: null,
    };
  }
  return {
    ...why,
    title,
    alternatives: ["two hosts with one address", "a loop", "a host that sends by two ways at once"],
    remedy: held(homes[0], { address, vlan, at }, of),
  };
}

/** An address that moves is held where its one host is. */
function held(
  home: Home | undefined,
  { address, vlan, at }: { address: string; vlan: number; at: ReadonlySet<number> },
  of: (ifindex: number) => { name: string },
): Proposed {
  const port = home?.port;
  if (!port) return null;
  const names = [...at]
    .filter((ifindex) => ifindex !== port.ifindex)
    .map((ifindex) => of(ifindex).name)
    .join(" and ");
  const entry = staticEntry(port, address, vlan);
  return (
    entry && {
      effect: entry.effect,
      risk: "the entry neither ages nor moves: once the host has moved or gone, its frames still go there until this is taken back",
      change: {
        ...{ set: "entry", port, address, vlan, kind: "sticky" },
        others: names === "" ? "another port" : names,
      },
    }
  );
}

function phrases(homes: readonly Home[]): string {
  return homes.flatMap(({ port }) => (port ? portPhrase(port) : [])).join(" and ");
}
