import { z } from "zod";
import type { NetworkNamespace } from "../../system/netns.ts";
import { openPacketSocket } from "../../system/packet-socket.ts";
import { macBytes } from "../../text/mac-address.ts";
import { macAddress } from "../mac.ts";
import { readRows } from "../rows.ts";
import { type BridgeView, readFdb, type Station } from "./bridge-view.ts";
import { pause, readUntil } from "./read.ts";

/** IEEE 802 Local Experimental Ethertype 1: no host answers it. */
const ETHERTYPE = 0x88b5;
const SHORTEST_FRAME = 60;
const ARRIVAL_LIMIT_MS = 1_000;
/** A copy that should not be is given this long to show itself. */
const AFTERMATH_MS = 20;

/** A device that frames are sent out of. */
interface Sender {
  /** Name of its namespace, as a person types it. */
  place: string;
  device: string;
  ifindex: number;
  namespace: NetworkNamespace;
}

/** Frames of one burst: enough that strays are told from it. IPv6 configuring itself makes a dozen at a port. */
export const BURST = 64;

export interface Burst {
  from: Sender;
  source: string;
  destination: string;
  count?: number;
}

/** A made-up address of the lab's own, one for each purpose. */
export function stationAddress(view: BridgeView, number: number): string {
  return macAddress(view.lab.id, "sender", number);
}

function send(burst: Burst): void {
  const frame = Buffer.alloc(SHORTEST_FRAME);
  macBytes(burst.destination).copy(frame, 0);
  macBytes(burst.source).copy(frame, 6);
  frame.writeUInt16BE(ETHERTYPE, 12);
  const socket = openPacketSocket(burst.from.namespace, burst.from.ifindex);
  try {
    for (let left = burst.count ?? BURST; left > 0; left--) socket.send(frame);
  } finally {
    socket.close();
  }
}

/** What a person would type to send and count the like (as the kernel's own bridge selftests do). */
export function typed(view: BridgeView, bursts: readonly Burst[]): string {
  const commands = bursts.map(
    ({ from, source, destination, count = BURST }) =>
      `ip netns exec ${from.place} mausezahn ${from.device} -c ${count} -p 64 -a ${source} -b ${destination} -t ip -q`,
  );
  return [...commands, `ip -n ${view.inside} -s link`].join("; ");
}

/**
 * Lets `address` speak from behind the host's port. The frame is for the bridge itself, so that no
 * other port sees it. Resolves with the port that the FDB names then, if any.
 */
export async function speak(
  view: BridgeView,
  host: Station,
  address: string,
): Promise<string | undefined> {
  send({ from: host, source: address, destination: view.bridge.mac, count: 1 });
  const entries = await readUntil(
    () => readFdb(view),
    (fdb) => fdb.has(address),
    ARRIVAL_LIMIT_MS / 2,
  );
  return entries.get(address);
}

const counter = z.object({ packets: z.int(), dropped: z.int() });
const countersRow = z.object({
  ifname: z.string(),
  stats64: z.object({ rx: counter, tx: counter }),
});

interface Count {
  rx: number;
  /** Copies that the bridge handed to the device, those included that a full backlog dropped. */
  tx: number;
  dropped: number;
}

export type Counts = Map<string, Count>;

async function readCounts(view: BridgeView): Promise<Counts> {
  const words = ["-s", "-j", "link"];
  const links = await readRows(view.lab.site, view.inside, "ip", words, countersRow);
  return new Map(
    links.map(({ ifname, stats64: { rx, tx } }) => [
      ifname,
      { rx: rx.packets, tx: tx.packets + tx.dropped, dropped: tx.dropped },
    ]),
  );
}

/** What the bridge's devices counted because of the bursts, read once `arrived` and a little later. */
export async function countBursts(
  view: BridgeView,
  bursts: readonly Burst[],
  arrived: (counts: Counts) => boolean,
): Promise<Counts> {
  const before = await readCounts(view);
  for (const burst of bursts) send(burst);
  const read = async () => difference(before, await readCounts(view));
  await readUntil(read, arrived, ARRIVAL_LIMIT_MS);
  await pause(AFTERMATH_MS);
  return read();
}

function difference(before: Counts, after: Counts): Counts {
  return new Map(
    [...after].map(([name, now]) => {
      const then = before.get(name) ?? { rx: 0, tx: 0, dropped: 0 };
      return [
        name,
        { rx: now.rx - then.rx, tx: now.tx - then.tx, dropped: now.dropped - then.dropped },
      ];
    }),
  );
}
