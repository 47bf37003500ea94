import type { BuiltLab, Way } from "../../setup/lab.ts";
import { withoutPrefix } from "../../setup/network.ts";
import { DISCARD_PORT, discardSocket } from "../../setup/reach.ts";
import { BridgescopeError } from "../../system/errors.ts";
import { shrinkReceiveBuffer } from "../../system/inet-socket.ts";
import { close } from "../../system/libc.ts";
import { type Addresses, testFrames } from "./frames.ts";
import { hostAt } from "./raw-lab.ts";

const HEADER = 14;

/** What raw frames through somebody else's network need beside a sender. */
export interface ForeignWay {
  /** As many frames as a burst takes, one after the other. */
  frames: Buffer;
  close(): void;
}

/**
 * Frames that any network carries, and a socket at their end that nobody reads: without one the second host would
 * answer each datagram by ICMP. Its buffer is full at once, and the kernel drops what follows.
 */
export function openWay(lab: BuiltLab, way: Way, frameSize: number, burst: number): ForeignWay {
  const from = hostAt(lab, 0);
  const to = hostAt(lab, 1);
  if (way.nextHop === "") {
    throw new BridgescopeError(
      `raw frames need an Ethernet device, and ${from.device} of ${from.name} is none`,
    );
  }
  const largest = (lab.spec.mtu ?? 0) + HEADER;
  if (frameSize > largest) {
    throw new BridgescopeError(
      `frames of ${frameSize} bytes do not fit the MTU of ${from.device} of ${from.name}: ${largest} bytes at the most`,
    );
  }
  const addresses: Addresses = {
    source: from.mac,
    destination: way.nextHop,
    ip: {
      source: withoutPrefix(from.address ?? ""),
      destination: withoutPrefix(to.address ?? ""),
      port: DISCARD_PORT,
    },
  };
  const sink = discardSocket(to);
  shrinkReceiveBuffer(sink);
  return {
    frames: testFrames(Array<Addresses>(burst).fill(addresses), frameSize),
    close: () => close(sink),
  };
}
