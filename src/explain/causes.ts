import type { Cause } from "./cause.ts";
import { ageingDisabled } from "./causes/ageing-disabled.ts";
import { destinationGone } from "./causes/destination-gone.ts";
import { fdbFull } from "./causes/fdb-full.ts";
import { learningOff } from "./causes/learning-off.ts";
import { lockedPort } from "./causes/locked-port.ts";
import { loop } from "./causes/loop.ts";
import { macDuplicate } from "./causes/mac-duplicate.ts";
import { multicast } from "./causes/multicast.ts";
import { silent } from "./causes/silent.ts";
import { topologyChange } from "./causes/topology-change.ts";
import { wrongPort } from "./causes/wrong-port.ts";

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
  multicast,
];
