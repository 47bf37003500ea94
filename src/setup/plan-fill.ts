import { macAddress } from "./mac.ts";
import { type Operation, portName } from "./plan.ts";
import type { TopologySpec } from "./spec.ts";

/** Where the rules are. */
export const FILL_TABLE = "bridgescope";
const CHAIN = "forward";
/** IEEE Std 802 local experimental EtherType 2: test frames carry 1, so that no rule ever matches. */
const NEVER = "0x88b6";
/** The first VLAN that a port is not a member of by itself (default_pvid is 1). */
const FIRST_VLAN = 2;

/** What the bridge is filled with, see FILL_OPTIONS. */
export function planFill(spec: TopologySpec, labId: string, namespace: string): Operation[] {
  const { fdb_entries = 0, nft_rules = 0, vlans = 0 } = spec.bridge?.fill ?? {};
  const ports = spec.hosts.map((_, index) => portName(index));
  const last = ports.at(-1) ?? "";
  const bridge = (...words: string[]): Operation => ({ kind: "bridge", namespace, words });
  const nft = (...words: string[]): Operation => ({ kind: "nft", namespace, words });
  const range = vlans === 1 ? String(FIRST_VLAN) : `${FIRST_VLAN}-${FIRST_VLAN + vlans - 1}`;
  const hook = "{ type filter hook forward priority 0 ; }";
  return [
    ...(vlans === 0 ? [] : ports.map((port) => bridge("vlan", "add", "vid", range, "dev", port))),
    ...Array.from({ length: fdb_entries }, (_, index) =>
      bridge("fdb", "add", macAddress(labId, "entry", index), "dev", last, "master", "static"),
    ),
    ...(nft_rules === 0
      ? []
      : [
          nft("add", "table", "bridge", FILL_TABLE),
          nft("add", "chain", "bridge", FILL_TABLE, CHAIN, hook),
        ]),
    ...Array.from({ length: nft_rules }, () =>
      nft("add", "rule", "bridge", FILL_TABLE, CHAIN, "ether", "type", NEVER, "drop"),
    ),
  ];
}
