import { setTimeout as sleep } from "node:timers/promises";
import { portFlags } from "../bridge/bridge-options.ts";
import { dumpLinks, IFF } from "../bridge/links.ts";
import { BridgescopeError } from "../system/errors.ts";
import { withDumpSocket } from "../system/netlink-dump.ts";
import type { NetworkNamespace } from "../system/netns.ts";
import { patience } from "../system/patience.ts";
import type { BuiltLab } from "./lab.ts";

const STEP_MS = patience(10);
const MARGIN_MS = patience(10_000);

/**
 * Waits until every bridge has carrier and no port is on its way to another state. The bridge's operstate is
 * not waited for: the kernel brings it up to date once a second, and no frame depends on it.
 */
export async function waitUntilReady(lab: BuiltLab, signal?: AbortSignal): Promise<void> {
  if (lab.bridge === null) return;
  // With STP a port stays two forward delays (15 s each by default) in listening and learning.
  const delay = Number(lab.spec.bridge?.options.forward_delay ?? 1500) * 10;
  const wait = (lab.spec.bridge?.options.stp_state === "1" ? 2 * delay : 0) + MARGIN_MS;
  const deadline = Date.now() + wait;
  for (;;) {
    signal?.throwIfAborted();
    const pending = pendingLinks(lab, lab.bridge.namespace);
    if (pending.length === 0) return;
    if (Date.now() > deadline) {
      throw new BridgescopeError(
        `the lab did not come up within ${wait / 1000} s: ${pending.slice(0, 5).join(", ")}`,
      );
    }
    await sleep(STEP_MS);
  }
}

function pendingLinks(lab: BuiltLab, inside: NetworkNamespace): string[] {
  const wanted = new Map(lab.spec.hosts.map((host, index) => [`p${index + 1}`, host.port.state]));
  return withDumpSocket(inside, dumpLinks).flatMap(
    ({ name, kind, flags, slaveKind, slaveData }) => {
      if (kind === "bridge") return (flags & IFF.lowerUp) !== 0 ? [] : [`${name} has no carrier`];
      if (slaveKind !== "bridge") return [];
      const { state } = portFlags(slaveData);
      const moving = state !== "forwarding" && state !== "blocking";
      return wanted.get(name) === undefined && moving ? [`${name} is ${state}`] : [];
    },
  );
}
