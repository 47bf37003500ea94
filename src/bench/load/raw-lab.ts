import type { BuiltLab, LabHost } from "../../setup/lab.ts";
import { macAddress } from "../../setup/mac.ts";
import { SWITCH } from "../../setup/plan.ts";
import { readCounters } from "../../system/counters.ts";
import { UsageError } from "../../system/errors.ts";
import { setThreadCpus, threadCpus } from "../../system/libc.ts";
import { openPacketSocket, type PacketSocket } from "../../system/packet-socket.ts";
import { SMALLEST_FRAME, testFrame } from "./frames.ts";
import type { Target } from "./patterns.ts";

const BROADCAST = "ff:ff:ff:ff:ff:ff";
/** 22 bits of made-up addresses: see mac.ts. */
export const ADDRESS_SPACE = 1 << 22;

export function hostAt(lab: BuiltLab, index: number): LabHost {
  const host = lab.hosts[index];
  if (host === undefined) throw new UsageError(`the lab has no host number ${index + 1}`);
  return host;
}

/** A packet socket of the host's that skips its queueing discipline. */
export function openSender(lab: BuiltLab, index: number): PacketSocket {
  const host = hostAt(lab, index);
  return openPacketSocket(host.namespace, host.ifindex, { bypassQdisc: true });
}

/** The address of a target; nobody's is the last of the made-up ones. */
export function addressOfTarget(lab: BuiltLab, target: Target): string {
  if (target === "everybody") return BROADCAST;
  if (target === "nobody") return madeUpAddress(lab, ADDRESS_SPACE - 1);
  return hostAt(lab, target).mac;
}

export function madeUpAddress(lab: BuiltLab, index: number): string {
  return macAddress(lab.id, "sender", index);
}

/**
 * Each of these hosts says one frame, so that the bridge knows where it is: the first to the second,
 * which is flooded, all others to the first.
 */
export function announce(lab: BuiltLab, hosts: readonly number[]): void {
  const [first, second] = hosts;
  if (first === undefined || second === undefined) return;
  for (const index of hosts) {
    const from = hostAt(lab, index);
    const to = hostAt(lab, index === first ? second : first);
    const socket = openPacketSocket(from.namespace, from.ifindex);
    try {
      socket.send(testFrame(to.mac, from.mac, SMALLEST_FRAME));
    } finally {
      socket.close();
    }
  }
}

/** Frames that reached each host so far, by the counters of the ports that lead to them. */
export function arrivedFrames(lab: BuiltLab): number[] {
  const { bridge } = lab;
  if (bridge === null) {
    return lab.hosts.map((host) => readCounters(host.namespace).get(host.device)?.rx ?? 0);
  }
  const counters = readCounters(bridge.namespace);
  return lab.hosts.map((host) => counters.get(host.port?.name ?? "")?.tx ?? 0);
}

export function requireCpus(senders: number, cpus: readonly number[]): void {
  if (senders <= cpus.length) return;
  throw new UsageError(
    `${senders} senders need a CPU each, and this process may use ${cpus.length}`,
  );
}

/** Where the kernel lets a sender run once it is pinned. */
export function pinnedTo(cpu: number): number[] {
  const all = threadCpus();
  try {
    setThreadCpus([cpu]);
    return threadCpus();
  } finally {
    setThreadCpus(all);
  }
}

/** Forgets every address that the bridge has learned. */
export async function flushFdb(lab: BuiltLab): Promise<void> {
  const words = ["link", "set", "dev", lab.bridge?.name ?? "", "type", "bridge", "fdb_flush"];
  await lab.site.runOk("ip", words, { namespace: lab.names.namespace(SWITCH) });
}

/** Addresses in the FDB that the bridge has learned. */
export async function countLearned(lab: BuiltLab): Promise<number> {
  const words = ["fdb", "show", "br", lab.bridge?.name ?? "", "dynamic"];
  const namespace = lab.names.namespace(SWITCH);
  const text = await lab.site.runOk("bridge", words, { namespace });
  return text.split("\n").filter((line) => / master /.test(line)).length;
}
