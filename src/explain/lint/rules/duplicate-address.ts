import type { BridgeState, Place } from "../../../bridge/state.ts";
import { macDuplicate } from "../../causes/mac-duplicate.ts";
import { portPhrase } from "../../causes/whereabouts.ts";
import { type Judgement, needsPeers, type Rule, some } from "./rule.ts";

/** Two hosts with one MAC address, or with one IP address. */
export const duplicateAddress: Rule = {
  name: "duplicate-address",
  judge: (state) => [
    ...macDuplicate.notes(state).map(
      ({ text, remedy }): Judgement => ({
        ...{ severity: "high", text, remedy },
        evidence: ["the other ends of the ports, and what sits on them"],
      }),
    ),
    ...sameIp(state),
  ],
  unjudged: needsPeers,
};

interface Holder {
  namespace: Place;
  mac: string;
  /** VLAN of what it sends. */
  vlan: number | null;
  where: string;
}

function sameIp(state: BridgeState): Judgement[] {
  const holders = new Map<string, Holder[]>();
  const hold = (ips: readonly string[], holder: Holder) => {
    for (const ip of ips) {
      // A link-local address is made of the MAC address: who has the same has been told.
      if (ip.startsWith("fe80:")) continue;
      holders.set(ip, [...(holders.get(ip) ?? []), holder]);
    }
  };
  hold(state.addresses, {
    ...{ namespace: state.place, mac: state.address, vlan: state.pvid, where: state.name },
  });
  for (const port of state.ports) {
    const { peer } = port;
    if (peer === null) continue;
    const at = { vlan: port.pvid, where: portPhrase(port) };
    hold(peer.addresses, { ...at, namespace: peer.namespace, mac: peer.address });
    for (const { namespace, kind, address, addresses } of peer.uppers) {
      // What sits on an end in the bridge's own namespace may be the bridge itself, and a VLAN is another network.
      if (namespace.inode === state.place.inode || kind === "vlan") continue;
      hold(addresses, { ...at, namespace, mac: address });
    }
  }
  return [...holders].flatMap(([ip, everywhere]): Judgement[] => {
    const all = everywhere.filter(({ vlan }) => vlan === everywhere[0]?.vlan);
    // One host may have an address twice, and a virtual router's comes with one MAC address.
    const hosts = new Set(all.map(({ namespace }) => namespace.inode));
    const macs = new Set(all.map(({ mac }) => mac));
    if (hosts.size < 2 || macs.size < 2) return [];
    const where = some([...new Set(all.map((one) => one.where))]);
    return [
      {
        severity: "high",
        text: `${ip} is the address of several hosts, at ${where}: whoever asks for it gets the answer of one of them, now of this and now of that`,
        evidence: all.map((one) => `${ip} at ${one.mac}, ${one.where}`),
        remedy: { none: "which of them is to have it, whoever gave out the addresses knows" },
      },
    ];
  });
}
