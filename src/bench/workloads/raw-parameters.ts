import type { BuiltLab } from "../../setup/lab.ts";
import { DISCARD_PORT } from "../../setup/reach.ts";
import { SMALLEST_FRAME } from "../load/frames.ts";
import type { NumberParameter } from "./parameters.ts";

const DEFAULT_MTU = 1500;
const HEADER = 14;

/** Bytes of the frame without its FCS: RFC 2544's 64 to 1518 are 60 to 1514 here. */
export const FRAME = {
  name: "frameSize",
  default: SMALLEST_FRAME,
  min: SMALLEST_FRAME,
  max: (topology) => (topology.mtu ?? DEFAULT_MTU) + HEADER,
} satisfies NumberParameter;

/** Frames a second over all senders. */
export const FRAME_RATE = {
  name: "rate",
  default: null,
  min: 1,
  max: () => 1e9,
} satisfies NumberParameter;

/** What the frames are where they have to pass for anybody's: datagrams to a UDP port. */
export function describeWay({ way }: BuiltLab): { udpPort?: number } {
  return way === undefined ? {} : { udpPort: DISCARD_PORT };
}
