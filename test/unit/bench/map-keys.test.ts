import { describe, expect, test } from "vitest";
import { mapKeysFor } from "../../../src/bench/observe/observe.ts";
import { type BenchRequest, planFor } from "../../../src/bench/plan/request.ts";

function keysOf(topology: string, workload: string, more: BenchRequest = {}): number {
  const { plan } = planFor(undefined, { topology: [topology], workload: [workload], ...more });
  const [only] = plan.cases;
  return only === undefined ? expect.fail("no case") : mapKeysFor(only);
}

describe("every map has room for", () => {
  test("copies by both their ports, six for each two, without room for far more", () => {
    expect(keysOf("bridge:4", "forward")).toBe(4096);
    expect(keysOf("bridge:40", "flood")).toBe(41 * 41 * 6);
  });

  test("all addresses that a round learns, twice", () => {
    expect(keysOf("bridge:2", "learn", { rounds: 1 })).toBeGreaterThan(2 * 8192);
    expect(keysOf("bridge:2", "learn", { rounds: 1, addresses: 20_000 })).toBeGreaterThan(40_000);
  });

  test("every port of a large bridge, whose copies are counted by each port alone", () => {
    expect(keysOf("bridge:1000", "flood")).toBe(1001 * 16);
  });

  test("never more than the kernel should give", () => {
    expect(keysOf("bridge:2", "learn", { rounds: 1, addresses: 65_536 })).toBe(65_536);
  });
});
