/** Hears a flow's frames at every hop of its way for a while. */
import { setTimeout as sleep } from "node:timers/promises";
import { atPlace } from "../../bridge/places.ts";
import { BridgescopeError } from "../../system/errors.ts";
import { type Instruction, openPacketTap, type PacketTap } from "../../system/packet-tap.ts";
import { printable } from "../../text/printable.ts";
import { VXLAN_OVER_IPV4, VXLAN_OVER_IPV6, withinVxlan } from "./filter.ts";
import { FRAME_BYTES, type Frame, parseFrame } from "./frame.ts";
import type { TapPoint } from "./way.ts";

/** A frame at a tap. */
export interface Heard {
  tap: number;
  outgoing: boolean;
  ifindex: number;
  /** Nanoseconds since everything was listened to; negative before. */
  atNs: number;
  frame: Frame;
}

export interface Listened {
  heard: Heard[];
  /** When the listening began, by CLOCK_MONOTONIC in nanoseconds. */
  beganNs: number;
  /** The same in milliseconds since 1970. */
  beganAt: number;
  seconds: number;
  /** It ended early since there were as many as are told apart. */
  full: boolean;
  /** Frames for which a tap had no room. */
  missed: number;
  /** The first frames that came and went at the ports, whosever they are, as long as none of the flow was seen; by port. */
  instead: { point: TapPoint; frame: Frame }[];
}

/** More than that at one tap are not looked through: it ends there. */
const MOST_FRAMES = 5_000;
const POLL_MS = 10;
/** So many frames are enough to say what else there is. */
const INSTEAD = 200;
const EVERYTHING: readonly Instruction[] = [[0x06, 0, 0, 0x40000]];
/** For frames that are on their way at the end. */
const GRACE_MS = 100;
/** Enough of what is within VXLAN over IPv6, with a VLAN tag. */
export const SNAP = VXLAN_OVER_IPV6 + 4 + FRAME_BYTES;

export interface Listening {
  /** Everything is listened to. */
  began(): void;
  /** Resolves when it is over: after `seconds`, when `signal` is aborted, or when there are many. */
  listen(seconds: number, signal: AbortSignal | undefined): Promise<Listened>;
  close(): void;
}

/**
 * Frames that `program` takes at `points`, and, until some came, any at `ports`. Throws a BridgescopeError where a device of the way is gone.
 * Nothing becomes promiscuous.
 */
export function openListening(
  points: readonly TapPoint[],
  program: readonly Instruction[],
  ports: readonly TapPoint[],
): Listening {
  const taps: PacketTap[] = [];
  const wide: { point: TapPoint; tap: PacketTap }[] = [];
  const closeWide = () => {
    for (const { tap } of wide.splice(0)) tap.close();
  };
  const close = () => {
    for (const tap of taps) tap.close();
    closeWide();
  };
  const open = ({ place, ifindex }: TapPoint, filter: readonly Instruction[]) => {
    const tap = atPlace(place, (namespace) => openPacketTap(namespace, ifindex, filter, SNAP));
    if (tap !== null) return tap;
    throw new BridgescopeError(`the network namespace ${printable(place.label)} is gone`);
  };
  try {
    for (const point of points) {
      const { vxlan } = point;
      taps.push(open(point, vxlan === null ? program : withinVxlan(program, vxlan)));
    }
    for (const point of ports) wide.push({ point, tap: open(point, EVERYTHING) });
  } catch (error) {
    close();
    throw error;
  }
  let beganNs = 0n;
  let monotonicNs = 0n;
  return {
    began: () => {
      beganNs = BigInt(Date.now()) * 1_000_000n;
      monotonicNs = process.hrtime.bigint();
    },
    listen: async (seconds, signal) => {
      const heard: Heard[] = [];
      const instead: Listened["instead"] = [];
      let full = false;
      // Whatever else passes is looked at only until it is clear that it need not be.
      const readInstead = () => {
        for (const { point, tap } of wide) {
          tap.read(INSTEAD, ({ bytes, length, vlan }) => {
            const frame = parseFrame(bytes, length, vlan);
            if (frame !== null) instead.push({ point, frame });
          });
        }
        if (instead.length >= INSTEAD || heard.some(({ atNs }) => atNs >= 0)) closeWide();
      };
      const readAll = () => {
        taps.forEach((tap, index) => {
          const isVxlan = points[index]?.vxlan !== null;
          const got = tap.read(
            MOST_FRAMES,
            ({ timeNs, outgoing, ifindex, vlan, length, bytes }) => {
              const frame = isVxlan ? inner(bytes, length) : parseFrame(bytes, length, vlan);
              if (frame === null) return;
              heard.push({ tap: index, outgoing, ifindex, atNs: Number(timeNs - beganNs), frame });
            },
          );
          counts[index] = (counts[index] ?? 0) + got;
          if ((counts[index] ?? 0) >= MOST_FRAMES) full = true;
        });
      };
      const counts: number[] = [];
      const endsMs = performance.now() + seconds * 1000;
      while (!full && signal?.aborted !== true && performance.now() < endsMs) {
        await sleep(Math.min(POLL_MS, Math.max(0, endsMs - performance.now())));
        readAll();
        readInstead();
      }
      const lastedNs = Number(process.hrtime.bigint() - monotonicNs);
      if (!full) {
        await sleep(GRACE_MS);
        readAll();
      }
      return {
        heard,
        beganNs: Number(monotonicNs),
        beganAt: Number(beganNs / 1_000_000n),
        seconds: lastedNs / 1e9,
        full,
        missed: taps.reduce((sum, tap) => sum + tap.missed(), 0),
        instead,
      };
    },
    close,
  };
}

/** The frame within VXLAN; null where there is none. */
function inner(bytes: Buffer, length: number): Frame | null {
  if (bytes.length < 14) return null;
  const begins = bytes.readUInt16BE(12) === 0x0800 ? VXLAN_OVER_IPV4 : VXLAN_OVER_IPV6;
  return parseFrame(bytes.subarray(begins), length - begins);
}
