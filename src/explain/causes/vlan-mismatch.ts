import type { BridgeState, Port } from "../../bridge/state.ts";
import type { Flow } from "../../live/collect.ts";
import type { Why } from "./cause.ts";
import type { Proposal } from "./remedy.ts";
import { portPhrase } from "./whereabouts.ts";

/** The destination is known, but in another VLAN than the one that its frames come in by, which its port is not in. */
export function vlanMismatch(state: BridgeState, { destination, vlan, port }: Flow): Why | null {
  if (!state.vlanFiltering) return null;
  const known = state.entries.filter((entry) => entry.address === destination && !entry.local);
  const [other] = known;
  if (other === undefined || known.some((entry) => entry.vlan === vlan)) return null;
  const ingress = state.ports.find(({ ifindex }) => ifindex === port);
  const home = state.ports.find(({ ifindex }) => ifindex === other.port);
  if (home === undefined || home.vlans.some(({ vid }) => vid === vlan)) return null;
  const from = ingress === undefined ? "the host itself" : portPhrase(ingress);
  return {
    cause: "vlan-mismatch",
    title: `${destination} is known in VLAN ${other.vlan}, behind ${portPhrase(home)}, which is not in VLAN ${vlan}, but frames for it come in by ${from} in VLAN ${vlan}`,
    basis: "inferred",
    alternatives: [`another host has the same address in VLAN ${vlan}, and is silent there`],
    remedy: ingress?.pvid === vlan ? move(ingress, vlan, other.vlan) : null,
  };
}

/** For untagged frames: their VLAN is the port's. */
function move(port: Port, from: number, to: number): Proposal {
  return {
    change: { set: "pvid", port, vid: to },
    effect: `untagged frames that come in by ${port.name} are of VLAN ${to}, where the address is known`,
    risk: `whoever is behind ${port.name} no longer reaches VLAN ${from}, and reaches VLAN ${to} instead`,
  };
}
