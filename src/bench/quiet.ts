import { setTimeout as sleep } from "node:timers/promises";
import type { BuiltLab } from "../setup/lab.ts";
import { type Counters, readCounters, sameCounters } from "../system/counters.ts";
import { patience } from "../system/patience.ts";

const STEP_MS = 5;
const STILL_STEPS = 4;
const LIMIT_MS = patience(5_000);

/** Counters of the bridge's namespace (its ports and itself), or of the sending end without a bridge. */
function labCounters(lab: BuiltLab): Map<string, Counters> {
  const namespace = lab.bridge?.namespace ?? lab.hosts[0]?.namespace;
  return namespace === undefined ? new Map() : readCounters(namespace);
}

/**
 * Waits until nothing has moved for 20 ms and returns the counters at rest. A lab that never comes
 * to rest within 5 s is returned as it is: the books will say so.
 */
export async function quiet(lab: BuiltLab, signal?: AbortSignal): Promise<Map<string, Counters>> {
  const deadline = Date.now() + LIMIT_MS;
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
