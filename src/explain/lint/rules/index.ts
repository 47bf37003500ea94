import { ageingDisabled } from "./ageing-disabled.ts";
import { backlog } from "./backlog.ts";
import { destinationGone } from "./destination-gone.ts";
import { duplicateAddress } from "./duplicate-address.ts";
import { fdbFull } from "./fdb-full.ts";
import { learningOff } from "./learning-off.ts";
import { lldpStopped } from "./lldp-stopped.ts";
import { loop } from "./loop.ts";
import { macUnpinned } from "./mac-unpinned.ts";
import { mtuSpread } from "./mtu-spread.ts";
import { nfCallForward } from "./nf-call-forward.ts";
import { portLimit } from "./port-limit.ts";
import { promiscuous } from "./promiscuous.ts";
import type { Rule } from "./rule.ts";
import { snoopingNoMember } from "./snooping-no-member.ts";
import { snoopingNoQuerier } from "./snooping-no-querier.ts";
import { stpDelay } from "./stp-delay.ts";
import { vxlanHalfEntry } from "./vxlan-half-entry.ts";
import { vxlanStaleRemote } from "./vxlan-stale-remote.ts";
import { wrongPort } from "./wrong-port.ts";

/** In the order in which findings of one severity are told. A new rule is a file and a line here. */
export const ALL_RULES: readonly Rule[] = [
  loop,
  portLimit,
  backlog,
  vxlanHalfEntry,
  nfCallForward,
  duplicateAddress,
  wrongPort,
  snoopingNoMember,
  snoopingNoQuerier,
  fdbFull,
  ageingDisabled,
  learningOff,
  mtuSpread,
  macUnpinned,
  stpDelay,
  destinationGone,
  vxlanStaleRemote,
  lldpStopped,
  promiscuous,
];
