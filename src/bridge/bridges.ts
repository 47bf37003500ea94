/** Which bridges there are. */
import { type Link, readLinks } from "./links.ts";
import type { KnownPlace } from "./places.ts";

export interface FoundBridge {
  place: KnownPlace;
  name: string;
  ifindex: number;
}

export interface FoundBridges {
  /** Linux bridges. */
  bridges: FoundBridge[];
  /** Devices of Open vSwitch: its datapath and the device that each of its bridges has. */
  openVswitch: FoundBridge[];
}

/** IFLA_INFO_KIND of Open vSwitch's devices; IFLA_INFO_SLAVE_KIND of what is plugged into it. */
export const OPEN_VSWITCH = "openvswitch";

export function findAllBridges(places: readonly KnownPlace[]): FoundBridges {
  const seen = places.map((place) => ({ place, links: readLinks(place) }));
  const ofKind = (kind: string) =>
    seen.flatMap(({ place, links }) =>
      links.filter((link) => link.kind === kind).map((link) => found(place, link)),
    );
  return { bridges: ofKind("bridge"), openVswitch: ofKind(OPEN_VSWITCH) };
}

function found(place: KnownPlace, { name, ifindex }: Link): FoundBridge {
  return { place, name, ifindex };
}
