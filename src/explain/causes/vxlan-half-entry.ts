import type { BridgeState } from "../../bridge/state.ts";
import { plural } from "../../text/units.ts";
import type { Cause, CauseNote } from "./cause.ts";
import { type Device, fixedNeighbours, isVxlan, listed, remotesFor, whoKnows } from "./overlay.ts";

/**
 * Half an overlay entry: the bridge, or a permanent neighbour, says that an address is behind a VXLAN device, and that
 * device's own FDB has no remote for it. What is learned comes and goes; what somebody has set does not.
 */
export const vxlanHalfEntry: Cause = {
  notes: (state) => [
    ...state.ports.filter(isVxlan).flatMap((port) => {
      const set = state.entries.filter((one) => one.static && one.port === port.ifindex);
      return note(state, port, [
        ...set.map(({ address }) => ({ address, ip: null })),
        ...fixedNeighbours(state, port),
      ]);
    }),
    // What is routed from the bridge needs an address there that hosts can send it to.
    ...(state.addresses.length === 0 ? [] : state.vxlans).flatMap((device) =>
      note(state, device, fixedNeighbours(state, device)),
    ),
  ],
};

function note(
  state: BridgeState,
  device: Device,
  said: readonly { address: string; ip: string | null }[],
): CauseNote[] {
  const { name, vxlan } = device;
  if (vxlan.external) return [];
  const lacking = new Map<string, string | null>();
  for (const { address, ip } of said) {
    if (remotesFor(vxlan, address).length > 0) continue;
    lacking.set(address, ip ?? lacking.get(address) ?? null);
  }
  const [first] = lacking.keys();
  if (first === undefined) return [];
  const names = [...lacking].map(([address, ip]) =>
    ip === null ? address : `${ip} at ${address}`,
  );
  const by = isPort(state, device)
    ? `the bridge sends frames for ${listed(names, "more")} by ${name}`
    : `the host routes to ${listed(names, "more")} by ${name}, which is no port of ${state.name}`;
  const them = lacking.size === 1 ? "it" : "them";
  const lost = dropped(state, device);
  return [
    {
      cause: "vxlan-no-remote",
      text: `${by}, whose own FDB (VNI ${vxlan.vni}) has no remote for ${them}: they end there${lost}`,
      remedy: { none: whoKnows(state, device, first) },
    },
  ];
}

function isPort({ ports }: BridgeState, { ifindex }: Device): boolean {
  return ports.some((port) => port.ifindex === ifindex);
}

function dropped({ ports, vxlans }: BridgeState, { ifindex }: Device): string {
  const { txDropped = 0 } =
    [...ports, ...vxlans].find((one) => one.ifindex === ifindex)?.counters ?? {};
  return txDropped === 0 ? "" : ` (it has dropped ${plural(txDropped, "frame")} since it was made)`;
}
