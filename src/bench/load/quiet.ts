import { setTimeout as sleep } from "node:timers/promises";
import type { BuiltLab } from "../../setup/lab.ts";
import { type Counters, readCounters, sameCounters } from "../../system/counters.ts";
import { patience } from "../../system/patience.ts";

const STEP_MS = 5;
const STILL_STEPS = 4;
const LIMIT_MS = patience(5_000);
/** Somebody else's network may never be at rest. What it holds back for longer counts as lost. */
const FOREIGN_LIMIT_MS = patience(250);

/**
 * Counters of the bridge's namespace (its ports and itself), or of the sending end without a bridge; of the
 * receiving device where the network between is somebody else's.
 */
function labCounters(lab: BuiltLab): Map<string, Counters> {
  const to = lab.way && lab.hosts[1];
  if (to !== undefined) {
    const all = readCounters(to.namespace);
    return new Map([...all].filter(([device]) => device === to.device));
  }
  const namespace = lab.bridge?.namespace ?? lab.hosts[0]?.namespace;
  return namespace === undefined ? new Map() : readCounters(namespace);
}

/**
 * Waits until nothing has moved for 20 ms and returns the counters at rest. A lab that never comes
 * to rest within 5 s is returned as it is: the books will say so. Somebody else's network is given less.
 */
export async function quiet(lab: BuiltLab, signal?: AbortSignal): Promise<Map<string, Counters>> {
  const deadline = Date.now() + (lab.way === undefined ? LIMIT_MS : FOREIGN_LIMIT_MS);
  let last = labCounters(lab);
  for (let still = 0; still < STILL_STEPS && Date.now() < deadline; ) {
    await sleep(STEP_MS);
    signal?.throwIfAborted();
    const now = labCounters(lab);
    still = sameCounters(last, now) ? still + 1 : 0;
    last = now;
  }
  return last;
}
