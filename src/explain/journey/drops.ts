/** The kernel's drops of a flow's frames, while they are looked at. */
import { setTimeout as sleep } from "node:timers/promises";
import type { BridgeState } from "../../bridge/state.ts";
import { type DropNames, readDropNames } from "../../live/drop-names.ts";
import { chooseBackend } from "../../probes/backend.ts";
import { NONCE, startProbes } from "../../probes/bpftrace.ts";
import { openProbeMaps } from "../../probes/maps.ts";
import { JOURNEY, programText } from "../../probes/programs.ts";
import { openPrivateSite } from "../../system/site.ts";
import { macInteger } from "../../text/mac-address.ts";
import { FRAME_BYTES, type Frame, parseFrame } from "./frame.ts";
import type { TapPoint } from "./way.ts";

/** A frame that was freed, as the program prints it. */
export interface RawDrop {
  /** By CLOCK_MONOTONIC. */
  timeNs: number;
  location: number;
  reason: number;
  /** Inode of the namespace, and the device in it. */
  namespace: number;
  ifindex: number;
  frame: Frame;
}

export interface FlowDrop extends Omit<RawDrop, "location" | "reason"> {
  where: string;
  /** Null where the kernel tells none. */
  reason: string | null;
}

export interface DropWatch {
  /** From now on frames of these addresses are told, at the bridge and wherever is listened. */
  follow(state: BridgeState, macs: readonly string[], taps: readonly TapPoint[]): void;
  /** What was dropped until now; nothing stays attached when it resolves. */
  end(): Promise<{ drops: FlowDrop[]; lost: number }>;
  close(): Promise<void>;
}

const MAP_KEYS = 4096;
/** Lines are on their way for a moment. */
const DRAIN_MS = 50;

/** Attaches, and tells nothing yet. Rejected with a BridgescopeError where nothing can be probed here. */
export async function watchDrops(signal?: AbortSignal): Promise<DropWatch> {
  const site = await openPrivateSite();
  try {
    const backend = await chooseBackend("tracepoint");
    const session = await startProbes(
      site,
      { ...programText(JOURNEY, backend), parameters: [NONCE], mapKeys: MAP_KEYS },
      signal,
    );
    const raw: RawDrop[] = [];
    let reading: Promise<DropNames> | null = null;
    session.onLine((line) => {
      const drop = parseDrop(line);
      if (drop === null) return;
      raw.push(drop);
      // All names are read with the first, which takes a while: there is time for it until the end.
      reading ??= readDropNames().then((names) => {
        names(drop.location, drop.reason);
        return names;
      });
      reading.catch(() => {});
    });
    const close = async () => {
      await session.kill();
      await site.close();
    };
    return {
      follow: (state, macs, taps) => {
        const maps = openProbeMaps(session.child.pid);
        try {
          const devices = devicesOf(state, taps);
          maps.set(
            "devices",
            devices.map((device) => [[device], 1n] as const),
          );
          maps.set(
            "macs",
            macs.map((mac) => [[macInteger(mac)], 1n] as const),
          );
        } finally {
          maps.close();
        }
      },
      end: async () => {
        await sleep(DRAIN_MS);
        await session.kill();
        const names = await reading;
        await close();
        return {
          drops: names === null ? [] : raw.flatMap((one) => named(one, names)),
          lost: session.records.lost,
        };
      },
      close,
    };
  } catch (error) {
    await site.close();
    throw error;
  }
}

/** The bridge, its ports, and all that is listened at. */
function devicesOf({ place, ifindex, ports }: BridgeState, taps: readonly TapPoint[]): bigint[] {
  const own = [ifindex, ...ports.map((port) => port.ifindex)].map((one) => [place.inode, one]);
  const ends = taps.map((tap) => [tap.place.inode, tap.ifindex]);
  return [...own, ...ends].map(
    ([inode = 0, device = 0]) => (BigInt(inode) << 32n) | BigInt(device),
  );
}

/** Null for a line that is none of a drop. */
export function parseDrop(line: string): RawDrop | null {
  const [word, time, location, reason, namespace, ifindex, length, ...words] = line.split(" ");
  if (word !== "drop" || words.length !== FRAME_BYTES / 8) return null;
  const bytes = Buffer.alloc(FRAME_BYTES);
  words.forEach((text, at) => {
    bytes.writeBigUInt64LE(BigInt.asUintN(64, BigInt(`0x${text}`)), at * 8);
  });
  const size = Number(length);
  const frame = parseFrame(bytes.subarray(0, Math.min(FRAME_BYTES, size)), size);
  if (frame === null) return null;
  return {
    timeNs: Number(time),
    location: Number.parseInt(location ?? "", 16),
    reason: Number(reason),
    namespace: Number(namespace),
    ifindex: Number(ifindex),
    frame,
  };
}

/** Who got a copy, and no way of the frame's: taps that had no room, and ICMP sockets where a raw one has the reply. */
const COPIES = /^(t?packet_rcv|ping_rcv)/;

function named({ location, reason: number, ...drop }: RawDrop, names: DropNames): FlowDrop[] {
  const { where, reason } = names(location, number);
  return COPIES.test(where) ? [] : [{ ...drop, where, reason }];
}
