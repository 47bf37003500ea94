import { expect, test } from "vitest";
import { shareInNs } from "../../../src/stats/compare/headlines.ts";

test("a share of a metric is so many nanoseconds a frame, of a time or of a rate of frames", () => {
  expect(shareInNs("ns_per_frame", 2000, 0.05)).toBe(100);
  expect(shareInNs("frame_rate", 500_000, 0.05)).toBe(100);
  expect(shareInNs("copy_rate", 500_000, 0.05)).toBeNull();
  expect(shareInNs("setup_time", 2000, 0.05)).toBeNull();
});
