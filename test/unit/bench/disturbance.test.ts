import { describe, expect, it } from "vitest";
import { parseCpuTimes, parsePressure } from "../../../src/bench/engine/machine.ts";
import { Disturbances, stolenShare } from "../../../src/bench/fold/disturbance.ts";
import type { Reading } from "../../../src/document/event.ts";
import { parseSoftnet } from "../../../src/system/softnet.ts";

const reading = (at: number): Reading => ({
  cpu: { total: 100 * at, softirq: 20 * at, steal: 5 * at },
  softnetDrops: 3 * at,
  squeezed: 0,
  involuntarySwitches: 7 * at,
  pressureUs: 250 * at,
  atNs: 1e6 * at,
});

describe("what disturbs rounds", () => {
  it("is read as the kernel prints it", () => {
    const softnet = "0000a1b2 00000000 00000001 00000000\n0000ffff 0000000a 00000002 00000000\n";
    expect(parseSoftnet(softnet)).toBe(10);
    expect(parseSoftnet(softnet, 0)).toBe(0xa1b2 + 0xffff);
    expect(parseSoftnet("")).toBeNull();
    expect(parseSoftnet("garbage\n")).toBeNull();
    const pressure =
      "some avg10=0.12 avg60=0.05 avg300=0.01 total=123456\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
    expect(parsePressure(pressure)).toBe(123456);
    expect(parsePressure(null)).toBeNull();
  });

  it("adds up over the rounds of a side alone", () => {
    const all = new Disturbances();
    all.add(reading(1), reading(2));
    all.add(reading(10), reading(12));
    expect(all.summary(0.5)).toEqual({
      steal: 0.05,
      softirq: 0.2,
      softnetDrops: 9,
      involuntarySwitches: 21,
      pressure: 0.25,
      autocorrelation: 0.5,
    });
  });

  it("is unreadable as a whole where one reading was", () => {
    const all = new Disturbances();
    all.add(reading(1), { ...reading(2), cpu: null, pressureUs: null });
    expect(all.summary(null)).toMatchObject({
      steal: null,
      softirq: null,
      pressure: null,
      softnetDrops: 3,
    });
  });
});

describe("steal", () => {
  const text = "cpu  100 0 50 800 10 0 5 35 0 0\ncpu0 50 0 25 400 5 0 2 18 0 0\n";

  it("adds the eight columns of the first line up", () => {
    expect(parseCpuTimes(text)).toEqual({ total: 1000, softirq: 5, steal: 35 });
  });

  it("is a share of the time between two readings, or null where there is none to read", () => {
    const before = { total: 1000, softirq: 5, steal: 35 };
    expect(stolenShare(before, { total: 1200, steal: 45 })).toBeCloseTo(0.05, 12);
    expect(stolenShare(before, before)).toBeNull();
    expect(stolenShare(null, before)).toBeNull();
    expect(parseCpuTimes("nothing\n")).toBeNull();
  });
});
