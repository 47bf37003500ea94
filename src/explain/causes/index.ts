import { ageingDisabled } from "./ageing-disabled.ts";
import type { Cause } from "./cause.ts";
import { destinationGone } from "./destination-gone.ts";
import { fdbFull } from "./fdb-full.ts";
import { learningOff } from "./learning-off.ts";
import { lockedPort } from "./locked-port.ts";
import { loop } from "./loop.ts";
import { macDuplicate } from "./mac-duplicate.ts";
import { mtu } from "./mtu.ts";
import { multicast } from "./multicast.ts";
import { silent } from "./silent.ts";
import { topologyChange } from "./topology-change.ts";
import { vxlanHalfEntry } from "./vxlan-half-entry.ts";
import { vxlanStaleRemote } from "./vxlan-stale-remote.ts";
import { wrongPort } from "./wrong-port.ts";

/** In the order in which they are told: what does most harm first. A new one is a file and a line here. */
export const ALL_CAUSES: readonly Cause[] = [
  loop,
  ageingDisabled,
  fdbFull,
  macDuplicate,
  wrongPort,
  learningOff,
  lockedPort,
  destinationGone,
  silent,
  topologyChange,
  mtu,
  multicast,
  vxlanHalfEntry,
  vxlanStaleRemote,
];
