import type { BuiltLab, LabHost } from "../../setup/lab.ts";
import { macAddress } from "../../setup/mac.ts";
import { withoutPrefix } from "../../setup/network.ts";
import { SWITCH } from "../../setup/plan.ts";
import { MAX_PORTS } from "../../setup/spec.ts";
import { readCounters } from "../../system/counters.ts";
import { UsageError } from "../../system/errors.ts";
import { setThreadCpus, threadCpus } from "../../system/libc.ts";
import { dumpFdb, NUD } from "../../system/neighbours.ts";
import { withDumpSocket } from "../../system/netlink-dump.ts";
import { openPacketSocket, type PacketSocket } from "../../system/packet-socket.ts";
import { type Addresses, SMALLEST_FRAME, testFrame } from "./frames.ts";
import type { Target } from "./patterns.ts";

const BROADCAST = "ff:ff:ff:ff:ff:ff";
/** The last of the 22 bits of made-up addresses: see mac.ts. */
const NOBODY = (1 << 22) - 1;
/** Made-up addresses below this are free: above lie one station a host, and nobody. */
export const ADDRESS_SPACE = NOBODY - MAX_PORTS - 1;

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
function addressOfTarget(lab: BuiltLab, target: Target): string {
  if (target === "everybody") return BROADCAST;
  if (target === "nobody") return madeUpAddress(lab, NOBODY);
  return stationOf(lab, target);
}

/**
 * An address behind the host's port that is not the host's own: the bridge brings its frames there, and
 * the host drops them as another's before its IP stack looks at them.
 */
function stationOf(lab: BuiltLab, host: number): string {
  return madeUpAddress(lab, ADDRESS_SPACE + host);
}

/** How a frame from a host to a target is addressed. What is broadcast is mostly ARP, so it is no IP. */
export function addressesOf(lab: BuiltLab, from: number, target: Target): Addresses {
  const host = hostAt(lab, from);
  const to = typeof target === "number" ? hostAt(lab, target) : host;
  const source = withoutPrefix(host.address ?? "");
  const destination = withoutPrefix(to.address ?? "");
  return {
    source: host.mac,
    destination: addressOfTarget(lab, target),
    ip:
      target === "everybody" || source === "" || destination === ""
        ? null
        : { source, destination },
  };
}

export function madeUpAddress(lab: BuiltLab, index: number): string {
  return macAddress(lab.id, "sender", index);
}

/**
 * Each of these hosts says one frame, and one as its station where that is sent to, so that the bridge knows
 * where they are: the first to the second, which is flooded, all others to the first.
 */
export function announce(
  lab: BuiltLab,
  hosts: readonly number[],
  stations: ReadonlySet<number>,
): void {
  const [first, second] = hosts;
  if (first === undefined || second === undefined) return;
  for (const index of hosts) {
    const from = hostAt(lab, index);
    const to = hostAt(lab, index === first ? second : first);
    const sources = stations.has(index) ? [from.mac, stationOf(lab, index)] : [from.mac];
    const socket = openPacketSocket(from.namespace, from.ifindex);
    try {
      for (const source of sources) socket.send(testFrame(to.mac, source, SMALLEST_FRAME));
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
export function countLearned({ bridge }: BuiltLab): number {
  if (bridge === null) return 0;
  const { namespace, ifindex } = bridge;
  const entries = withDumpSocket(namespace, (fd) => dumpFdb(fd, ifindex));
  return entries.filter(({ master, state }) => master === ifindex && (state & NUD.reachable) !== 0)
    .length;
}
