import { setTimeout as sleep } from "node:timers/promises";
import { ToolError } from "../system/errors.ts";
import { patience } from "../system/patience.ts";
import type { BuiltLab } from "./lab.ts";
import { SWITCH } from "./plan.ts";
import { readLinks } from "./read-lab.ts";

/** Each look starts a process, which where the processor is emulated takes as long as the step. */
const STEP_MS = patience(50);
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
    const pending = await pendingLinks(lab);
    if (pending.length === 0) return;
    if (Date.now() > deadline) {
      throw new ToolError(
        "ip",
        `the lab did not come up within ${wait / 1000} s: ${pending.slice(0, 5).join(", ")}`,
      );
    }
    await sleep(STEP_MS);
  }
}

async function pendingLinks(lab: BuiltLab): Promise<string[]> {
  const wanted = new Map(lab.spec.hosts.map((host, index) => [`p${index + 1}`, host.port.state]));
  return (await readLinks(lab, SWITCH)).flatMap((link) => {
    if (link.linkinfo?.info_kind === "bridge") {
      return link.flags.includes("LOWER_UP") ? [] : [`${link.ifname} has no carrier`];
    }
    if (link.linkinfo?.info_slave_kind !== "bridge") return [];
    const state = String(link.linkinfo.info_slave_data?.state);
    const moving = state !== "forwarding" && state !== "blocking";
    return wanted.get(link.ifname) === undefined && moving ? [`${link.ifname} is ${state}`] : [];
  });
}
