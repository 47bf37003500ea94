import { describe, expect, it } from "vitest";
import type { Case, Latency } from "../../../src/document/run.ts";
import { bench } from "../../../src/index.ts";

async function measured(topology: string[], workload: string[]): Promise<Case[]> {
  const run = await bench({
    ...{ topology, workload, rounds: 3, duration: "60ms", latencySessions: 2, seed: 1 },
  });
  for (const one of run.cases) expect([one.id, one.error]).toEqual([one.id, null]);
  return run.cases;
}

function net(one: Case | undefined, stage: keyof Case["latency"]): Latency & { p50: number } {
  const latency = one?.latency[stage];
  expect([stage, latency?.withheld]).toEqual([stage, null]);
  if (latency?.p50 == null) throw new Error(`${stage} has no net time`);
  return { ...latency, p50: latency.p50 };
}

describe("stages in rounds of their own", () => {
  it("are raw less the observer, parts of the path, and parts of what the frame takes unobserved", async () => {
    const [one] = await measured(["bridge:2"], ["forward"]);
    const stages = (["veth.in", "bridge.forward", "veth.out", "path"] as const).map((stage) =>
      net(one, stage),
    );
    for (const { p10, p50, p90, raw, observer, sampled, estimate } of stages) {
      expect(sampled).toBeGreaterThan(100);
      expect(observer?.value).toBeGreaterThan(0);
      expect(p50).toBeCloseTo(raw.p50 - (observer?.value ?? 0), 6);
      expect([p10 ?? 0, p50, p90 ?? 0].toSorted((a, b) => a - b)).toEqual([p10, p50, p90]);
      expect(estimate?.n).toBe(2);
      expect(raw.buckets.every(([lo, hi]) => hi - lo === 8 || lo >= 65_536)).toBe(true);
    }
    expect(one?.timeCheck).toMatchObject({ passed: true, reason: null });
    const check = one?.timeCheck;
    expect(check?.sum).toBeCloseTo(
      Object.values(check?.stages ?? {}).reduce((all, ns) => all + ns, 0),
      6,
    );
    expect(one?.rounds.filter(({ side }) => side === "time").map(({ stage }) => stage)).toEqual([
      ...["bridge.forward", "veth.in", "observer", "bridge.forward", "veth.in", "observer"],
    ]);
    // By port: in by the first, out by the second.
    const [first, second] = one?.ports ?? [];
    expect(first?.latency["veth.in"]?.sampled).toBe(stages[0]?.sampled);
    expect(second?.latency["veth.out"]?.sampled).toBe(stages[2]?.sampled);
  });

  it("see what makes the bridge slower, and only where it is", async () => {
    const [plain, ruled] = await measured(["bridge:2", "bridge:2,nft_rules=100"], ["forward"]);
    // A hundred rules take ten times what the bridge takes without them.
    expect(net(ruled, "bridge.forward").p50).toBeGreaterThan(3 * net(plain, "bridge.forward").p50);
    expect(net(ruled, "veth.in").p50).toBeLessThan(3 * net(plain, "veth.in").p50);
  });

  it("of floods and of learning are their own", async () => {
    const cases = await measured(["bridge:4"], ["flood", "broadcast", "learn", "ping-flood"]);
    const [flood, broadcast, learn, ping] = cases;
    for (const one of [flood, broadcast]) {
      expect(net(one, "bridge.flood").sampled).toBeGreaterThan(100);
      expect(one?.latency["bridge.forward"]).toBeUndefined();
      expect(one?.latency.path).toBeUndefined();
      expect(one?.probe?.notObservable.find(({ stage }) => stage === "path")?.reason).toMatch(
        /as many paths as copies/,
      );
      // Each port but the sender's gets a copy.
      const out = one?.ports.filter(({ latency }) => (latency["veth.out"]?.sampled ?? 0) > 0);
      expect(out).toHaveLength(3);
    }
    // The entry is made on the way through the bridge.
    expect(net(learn, "bridge.learn").p50).toBeLessThan(net(learn, "bridge.forward").p50);
    expect(net(ping, "path").sampled).toBeGreaterThan(50);
    expect(ping?.timeCheck).toMatchObject({ passed: true, stages: { path: expect.any(Number) } });
  });
});
