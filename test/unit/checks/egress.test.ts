import { describe, expect, test, vi } from "vitest";
import { expectedEgress, judgeEgress, undisturbed } from "../../../src/setup/checks/egress.ts";

const PORTS = ["p1", "p2", "p3", "p4", "p5"];
const counted = (tx: number[], dropped = 0) =>
  new Map(tx.map((frames, index) => [`p${index + 1}`, { rx: 0, tx: frames, dropped }]));
const onlyP2 = (port: string) => port === "p2";

describe("what left by the ports", () => {
  test("a large bridge is summed up behind its first three ports", () => {
    expect(expectedEgress(PORTS, onlyP2)).toBe("left by p1 0, p2 64, p3 0, the other 2 ports 0");
    expect(expectedEgress(PORTS.slice(1), () => true)).toBe("left by p2 64, p3 64, p4 64, p5 64");
  });

  test("the exact burst passes", () => {
    const seen = judgeEgress(PORTS, counted([0, 64, 0, 0, 0]), onlyP2);
    expect(seen).toEqual({ passed: true, observed: expectedEgress(PORTS, onlyP2) });
  });

  test.each([
    ["a stray frame each", [1, 65, 1, 1, 1], true],
    ["half a burst where none should be", [32, 64, 0, 0, 0], false],
    ["a burst on a port of the rest", [0, 64, 0, 0, 64], false],
    ["a frame too few", [0, 63, 0, 0, 0], false],
    ["every frame twice", [0, 128, 0, 0, 0], false],
    ["nothing at all", [0, 0, 0, 0, 0], false],
  ])("%s", (_, tx, passed) => {
    expect(judgeEgress(PORTS, counted(tx), onlyP2).passed).toBe(passed);
  });

  test("a device that is gone carried nothing", () => {
    expect(judgeEgress(["p9"], counted([]), () => true)).toEqual({
      passed: false,
      observed: "left by p9 0",
    });
  });

  test("drops behind the ports are told", () => {
    const { observed } = judgeEgress(["p1", "p2"], counted([64, 64], 3), () => true);
    expect(observed).toBe("left by p1 64, p2 64, 6 of these dropped behind the port");
  });
});

describe("counting again", () => {
  const reading = (observed: string, passed = true) => ({ passed, observed });

  test("an exact reading and a failed one stand", async () => {
    const exact = vi.fn(async () => reading("p1 0"));
    await undisturbed("p1 0", exact);
    const failed = vi.fn(async () => reading("p1 64", false));
    await undisturbed("p1 0", failed);
    expect([exact.mock.calls.length, failed.mock.calls.length]).toEqual([1, 1]);
  });

  test("strays are counted away, or told when they stay", async () => {
    const readings = ["p1 1", "p1 0"];
    const once = await undisturbed("p1 0", async () => reading(readings.shift() ?? ""));
    expect(once.observed).toBe("p1 0");
    const always = await undisturbed("p1 0", async () => reading("p1 1"));
    expect(always).toEqual(reading("p1 1 (a few are strays: the bridge's own or IPv6)"));
  });
});
