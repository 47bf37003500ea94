import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { mininetSeconds, sockperfMedianNs, trafgenFrame } from "../../../scripts/peers/output.mjs";

const recorded = (name: string) =>
  readFileSync(new URL(`../../fixtures/peers/${name}`, import.meta.url), "utf8");

describe("what the peers print", () => {
  it("sockperf 3.7: the median of full round trips, in nanoseconds", () => {
    expect(sockperfMedianNs(recorded("sockperf-full-rtt.txt"))).toBeCloseTo(3766, 3);
  });

  it("sockperf without --full-rtt printed halves, and is refused", () => {
    expect(() => sockperfMedianNs(recorded("sockperf-half.txt"))).toThrow(/no full round trips/);
  });

  it("mn 2.3: it says that it completed, or it did not", () => {
    const text = recorded("mininet.txt");
    expect(mininetSeconds(text)).toBe(0.314);
    expect(() => mininetSeconds(text.replace(/completed.*/, ""))).toThrow(/did not say/);
  });

  it("a trafgen configuration has the frame byte by byte, for one CPU", () => {
    expect(trafgenFrame(Uint8Array.of(0x02, 0x00, 0xff), 1)).toBe(
      "cpu(1): { 0x02, 0x00, 0xff, }\n",
    );
  });
});
