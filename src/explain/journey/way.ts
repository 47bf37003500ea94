/** The hops of a flow's way over a bridge: where its frames can be seen, from one end to the other. */
import type { BridgeState, Place } from "../../bridge/state.ts";
import type { JourneyHop } from "../../document/journey.ts";
import type { End } from "./ends.ts";

/** Where frames are listened for. */
export interface TapPoint {
  place: Place;
  /** 0 for every device of the namespace: VXLAN packets, whichever way they go. */
  ifindex: number;
  /** UDP port that encapsulated frames go to; null for a device that has the frames themselves. */
  vxlan: number | null;
}

/** A hop, and which of a tap's frames are at it. */
export interface Hop extends Pick<JourneyHop, "role" | "device" | "place"> {
  /** Index of its tap. */
  tap: number;
  outgoing: boolean;
  /** Of the bridge's port, or of the bridge itself; null for what is no part of the bridge. */
  ifindex: number | null;
}

export interface Way {
  from: End;
  to: End;
  hops: Hop[];
}

/** Both directions, A to B first, and the taps that they need. */
export function waysOf(state: BridgeState, a: End, b: End): { ways: [Way, Way]; taps: TapPoint[] } {
  const taps: TapPoint[] = [];
  const tapAt = (place: Place, ifindex: number, vxlan: number | null = null) => {
    const known = taps.findIndex(
      (tap) => tap.place.inode === place.inode && tap.ifindex === ifindex && tap.vxlan === vxlan,
    );
    return known >= 0 ? known : taps.push({ place, ifindex, vxlan }) - 1;
  };
  const way = (from: End, to: End): Way => ({
    from,
    to,
    hops: [...leaving(state, from, tapAt), ...arriving(state, to, tapAt)],
  });
  return { ways: [way(a, b), way(b, a)], taps };
}

type TapAt = (place: Place, ifindex: number, vxlan?: number | null) => number;

function leaving(state: BridgeState, { port, devices }: End, tapAt: TapAt): Hop[] {
  const source = [...devices].reverse().map(
    ({ name, ifindex, place }): Hop => ({
      ...{ role: "source", device: name, place: placeOf(place), tap: tapAt(place, ifindex) },
      ...{ outgoing: true, ifindex: port === null ? state.ifindex : null },
    }),
  );
  if (!port) return source;
  return [
    ...underlay(state, port, false, tapAt),
    ...source,
    {
      ...{ role: "ingress", device: port.name, place: placeOf(state.place) },
      ...{ tap: tapAt(state.place, port.ifindex), outgoing: false, ifindex: port.ifindex },
    },
  ];
}

function arriving(state: BridgeState, { port, devices }: End, tapAt: TapAt): Hop[] {
  const destination = devices.map(
    ({ name, ifindex, place }): Hop => ({
      ...{ role: "destination", device: name, place: placeOf(place), tap: tapAt(place, ifindex) },
      ...{ outgoing: false, ifindex: port === null ? state.ifindex : null },
    }),
  );
  if (!port) return destination;
  return [
    {
      ...{ role: "egress", device: port.name, place: placeOf(state.place) },
      ...{ tap: tapAt(state.place, port.ifindex), outgoing: true, ifindex: port.ifindex },
    },
    ...underlay(state, port, true, tapAt),
    ...destination,
  ];
}

/** Where the frames of a VXLAN port travel as UDP, in the namespace that it was made in: by which device the routes say. */
function underlay(
  state: BridgeState,
  { vxlan }: NonNullable<End["port"]>,
  outgoing: boolean,
  tapAt: TapAt,
): Hop[] {
  if (vxlan === null) return [];
  const place = vxlan.underlay ?? state.place;
  const tap = tapAt(place, 0, vxlan.port);
  return [{ role: "underlay", device: null, place: placeOf(place), tap, outgoing, ifindex: null }];
}

function placeOf({ inode, label }: Place): JourneyHop["place"] {
  return { inode, label };
}
