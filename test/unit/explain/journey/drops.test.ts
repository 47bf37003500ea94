import { expect, it } from "vitest";
import { parseDrop } from "../../../../src/explain/journey/drops.ts";
import { parseFrame } from "../../../../src/explain/journey/frame.ts";
import { A, B } from "../bridge.ts";
import { echo } from "./frames.ts";

const frame = echo({ from: A, to: B, fromIp: "10.77.0.1", toIp: "10.77.0.2" }, 5);

/** As journey.bt prints it; what follows in memory comes along. */
function line(bytes: Buffer): string {
  const whole = Buffer.concat([bytes, Buffer.alloc(96, 0xee)]).subarray(0, 96);
  const words = Array.from({ length: 12 }, (_, at) => whole.readBigUInt64LE(at * 8).toString(16));
  return ["drop 1234 81000000 2 4026531840 7", bytes.length, ...words].join(" ");
}

it("reads of a dropped frame what a socket would, and not what lies behind it in memory", () => {
  expect(parseDrop(line(frame))).toEqual({
    ...{ timeNs: 1234, location: 0x81000000, reason: 2, namespace: 4026531840, ifindex: 7 },
    frame: parseFrame(frame, frame.length),
  });
});

it("leaves other lines alone", () => {
  for (const other of ["", "ready", "drop 1 2 3"]) expect(parseDrop(other)).toBeNull();
});
