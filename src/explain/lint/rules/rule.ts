/** What a rule of `lint` is, and what it may read: all of it comes from netlink, sysctls and sysfs. */
import type { LldpListeners } from "../../../bridge/lldp-listeners.ts";
import type { BridgeState, Filters, Place, PortStpState } from "../../../bridge/state.ts";
import type { LintFinding, LintRule } from "../../../document/lint.ts";
import type { Proposed } from "../../causes/remedy.ts";

export interface LintFacts {
  /** The bridges that are judged: all of a namespace, or one. */
  judged: readonly BridgeState[];
  /** Other ends of ports in other namespaces were looked at; without, only those in the bridge's own are known. */
  peers: boolean;
  /** Somebody has set the bridge's address, so that it stays; null where that cannot be told. */
  addressSet(bridge: BridgeState): boolean | null;
  /** What filters a bridge's frames; null where it may not be read, `too-many` where not of so many bridges. */
  filters(bridge: BridgeState): Filters | null | "too-many";
  /** The spanning tree's state of a bridge port anywhere; null where that is not seen. */
  portState(place: Place, ifindex: number): PortStpState | null;
  /** Who listens for LLDP there. */
  lldp(place: Place): LldpListeners;
}

export interface Judgement {
  severity: LintFinding["severity"];
  /** One sentence: what is so, and what it does to frames. */
  text: string;
  evidence: string[];
  remedy: Proposed;
}

export interface Rule {
  name: LintRule;
  /** Of a bridge; nothing where it is as its owner wants it. */
  judge(state: BridgeState, facts: LintFacts): Judgement[];
  /** Why it cannot be judged of this bridge, or not wholly; null where it can. */
  unjudged?(state: BridgeState, facts: LintFacts): string | null;
}

/** Of a rule that needs the other ends of veth ports. */
export function needsPeers({ ports }: BridgeState, { peers }: LintFacts): string | null {
  const unseen = ports.some(({ kind, peer }) => kind === "veth" && peer === null);
  return !peers && unseen ? NEEDS_PEERS : null;
}

const NEEDS_PEERS = "the other ends of its ports are in other namespaces: --peers looks there";

/** `pa, pb and 3 more`. */
export function some(names: readonly string[], most = 4): string {
  const more = names.length - most;
  if (more > 0) return `${names.slice(0, most).join(", ")} and ${more} more`;
  const [last = "", ...others] = [...names].reverse();
  return others.length === 0 ? last : `${others.reverse().join(", ")} and ${last}`;
}
