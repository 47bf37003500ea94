import type { Explanation } from "../../src/document/explain.ts";

/** What the script in the guest prints, as JSON. */
export interface VlanReport {
  /** Of frames for a host that is known in another VLAN, and of frames for one that is known in none. */
  findings: Explanation["findings"];
  unknown: Explanation["findings"];
  /** Of frames in a VLAN that the sender's port is not in. */
  policies: Explanation["findings"];
  /** What the host got of five frames before the remedy, and after; and what another host got after. */
  before: number;
  after: number;
  others: number;
  /** The bridge's local entries stayed. */
  kept: boolean;
  /** Of the sender's port, once the remedy was taken back. */
  vlans: string;
}
