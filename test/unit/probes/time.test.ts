import { describe, expect, test } from "vitest";
import { readProgram } from "../../../src/probes/include.ts";
import { timeSamples } from "../../../src/probes/time.ts";
import { probeMaps } from "../../model/probe-maps.ts";

const samplesOf = (lat: Record<string, number>, flooded = false) =>
  timeSamples(probeMaps({ lat }), flooded);

describe("what was timed", () => {
  test("is of a stage and a port, the empty path among them", () => {
    const stages = [1, 2, 3, 4, 5, 6, 7].map((code) => samplesOf({ [`${code},8,60`]: 2 })[0]);
    expect(stages.map((one) => one?.stage)).toEqual([
      ...["veth.in", "bridge.forward", "veth.out", "path", "bridge.learn", "observer"],
      undefined,
    ]);
    expect(stages[0]).toEqual({ stage: "veth.in", port: 8, buckets: [[480, 488, 2]] });
    expect(samplesOf({ "2,8,60": 2 }, true)[0]?.stage).toBe("bridge.flood");
  });

  test("lies in ascending steps of 8 ns, and of 4096 ns from 65.5 µs on", () => {
    expect(samplesOf({ "2,0,8208": 1, "2,0,8191": 3, "2,0,0": 4 })).toEqual([
      {
        ...{ stage: "bridge.forward", port: 0 },
        buckets: [
          [0, 8, 4],
          [65_528, 65_536, 3],
          [65_536, 69_632, 1],
        ],
      },
    ]);
  });

  test("is booked by the programs in those steps", () => {
    for (const name of ["bridge", "sender", "learn", "empty"]) {
      const text = readProgram("src/probes", `time/${name}.bt`);
      expect(text).toMatch(/\$x = \([^;]*\) >> 3;/);
      const coarse = [
        ...text.matchAll(/if \(\$x >= (\d+)\) \{ \$x = (\d+) \+ \(\$x >> (\d+)\); \}/g),
      ];
      expect(coarse.length).toBeGreaterThan(0);
      for (const [, from, base, shift] of coarse) {
        expect([from, base, shift]).toEqual(["8192", "8192", "9"]);
      }
    }
  });
});
