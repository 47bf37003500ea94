/** Who believes which link-layer address behind an IP address. */
import { NUD } from "../system/neighbours.ts";
import type { NamespaceView } from "./peers.ts";
import { plainPlace } from "./places.ts";
import type { Neighbour } from "./state.ts";

const STATES = [
  "permanent",
  "noarp",
  "failed",
  "reachable",
  "delay",
  "probe",
  "stale",
  "incomplete",
] as const satisfies (Neighbour["state"] & keyof typeof NUD)[];

export function neighboursOf(view: NamespaceView): Neighbour[] {
  const namespace = plainPlace(view.place);
  const names = new Map(view.links.map((link) => [link.ifindex, link.name]));
  return view.neighbours.flatMap(({ ifindex, ip, address, state: bits }): Neighbour[] => {
    const state = STATES.find((name) => (bits & NUD[name]) !== 0);
    if (ip === null || state === undefined) return [];
    const device = names.get(ifindex) ?? `ifindex ${ifindex}`;
    return [{ namespace, device, ifindex, ip, address, state }];
  });
}
