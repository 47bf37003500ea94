import type { Flow } from "../../live/collect.ts";
import type { BridgeState, Port } from "../../live/state.ts";
import { bridgeCommand, portPhrase, type Why } from "./cause.ts";

/** The destination is known, but in another VLAN than the one that its frames come in by. */
export function vlanMismatch(state: BridgeState, { destination, vlan, port }: Flow): Why | null {
  if (!state.vlanFiltering) return null;
  const known = state.entries.filter((entry) => entry.address === destination && !entry.local);
  const [other] = known;
  if (other === undefined || known.some((entry) => entry.vlan === vlan)) return null;
  const ingress = state.ports.find(({ ifindex }) => ifindex === port);
  const home = state.ports.find(({ ifindex }) => ifindex === other.port);
  const behind = home === undefined ? "elsewhere" : `behind ${portPhrase(home)}`;
  const from = ingress === undefined ? "the host itself" : portPhrase(ingress);
  return {
    cause: "vlan-mismatch",
    title: `${destination} is known in VLAN ${other.vlan}, ${behind}, but frames for it come in by ${from} in VLAN ${vlan}`,
    basis: "inferred",
    alternatives: [`it is in VLAN ${vlan} too, and silent there`],
    remedy: ingress?.pvid === vlan ? move(state, ingress, vlan, other.vlan) : null,
  };
}

/** For untagged frames: their VLAN is the port's. */
function move(state: BridgeState, port: Port, from: number, to: number): Why["remedy"] {
  const had = port.vlans.find(({ vid }) => vid === to);
  const set = (vid: number) =>
    bridgeCommand(
      ...[state.place, "vlan", "add", "dev", port.name, "vid", String(vid)],
      ...["pvid", "untagged"],
    );
  const undo = [set(from)];
  if (had === undefined) {
    undo.push(bridgeCommand(state.place, "vlan", "del", "dev", port.name, "vid", String(to)));
  }
  return {
    command: set(to),
    effect: `untagged frames that come in by ${port.name} are of VLAN ${to}, where the address is known`,
    risk: `whoever is behind ${port.name} no longer reaches VLAN ${from}, and reaches VLAN ${to} instead`,
    undo: undo.join(" && "),
    verify: `${bridgeCommand(state.place, "vlan", "show", "dev", port.name)} shows ${to} PVID`,
  };
}
