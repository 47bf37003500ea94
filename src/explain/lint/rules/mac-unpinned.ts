import type { BridgeState, Port } from "../../../bridge/state.ts";
import { portPhrase } from "../../causes/whereabouts.ts";
import { type Rule, some } from "./rule.ts";

/** Ports that go with their container or guest. */
const PASSING = new Set(["veth", "tun"]);

/**
 * A bridge takes the lowest address of its ports (br_stp_recalculate_bridge_id()) unless one is set. Where that is a port that
 * goes, the address of whoever its hosts send to goes too.
 */
export const macUnpinned: Rule = {
  name: "mac-unpinned",
  judge: (state, facts) => {
    const port = lender(state);
    if (port === null || facts.addressSet(state) !== false) return [];
    const { name, address } = state;
    const ips = some(addressesOf(state));
    return [
      {
        severity: "medium",
        text: `${name} has borrowed its address ${address} from ${portPhrase(port)}: when that goes, or one with a lower address comes, ${name} changes it, and what hosts send to ${ips} goes to the old one until they ask again`,
        evidence: [
          `${address} is the lowest address of its ${state.ports.length} ports, and nobody has set it (addr_assign_type)`,
          `${ips} on ${name}`,
        ],
        remedy: {
          change: { set: "own-address" },
          effect: `${name} keeps ${address}, whichever ports come and go`,
          risk: "none while the bridge lives: the address stays what it is; whatever makes the bridge has to set it as well, or the next one borrows again; the kernel has no way back to a borrowed one",
        },
      },
    ];
  },
  unjudged: (state, facts) =>
    lender(state) !== null && facts.addressSet(state) === null
      ? "whether somebody has set the bridge's address is in a sysfs of its namespace, which cannot be seen from here"
      : null,
};

/** The passing port that it has its address from, where anybody sends to the bridge; null where none has lent it. */
function lender(state: BridgeState): Port | null {
  const [first] = [...state.ports].sort((a, b) => (a.address < b.address ? -1 : 1));
  const passing =
    first !== undefined &&
    PASSING.has(first.kind) &&
    // A patch cable between two bridges stays.
    first.peer?.namespace.inode !== state.place.inode;
  return passing && first.address === state.address && addressesOf(state).length > 0 ? first : null;
}

/** Those that hosts know: every device has a link-local one. */
function addressesOf({ addresses, uppers, address }: BridgeState): string[] {
  const above = uppers.filter((upper) => upper.address === address);
  return [...addresses, ...above.flatMap((upper) => upper.addresses)].filter(
    (one) => !one.startsWith("fe80:"),
  );
}
