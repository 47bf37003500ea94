import type { ForeignProbe } from "../../src/document/foreign.ts";

/** What the script in the guest prints, as JSON: of each of somebody's programs what was found, and after its end. */
export interface ForeignReport {
  pid: number;
  found: ForeignProbe[];
  after: ForeignProbe[];
}
