import { describe, expect, it } from "vitest";
import type { Case } from "../../../src/document/case.ts";
import { chainClosure, closedChains } from "../../../src/stats/chain.ts";
import { bookwormRun } from "../../fixtures/report/kernels.ts";

const stages = { "bridge.forward": 60, "veth.out": 38 };

describe("chainClosure", () => {
  it("holds the sum of a hop's stages against what one more hop costs unobserved", () => {
    // A collision in the longer chain's first round takes more.
    const chains = [
      { bridges: 2, samples: [500, 500] },
      { bridges: 8, samples: [1150, 1100, 1100] },
    ];
    expect(chainClosure(chains, stages)).toEqual({ unobserved: 100, observed: 98, ratio: 0.98 });
  });

  it("is null where the chains tell no slope", () => {
    expect(chainClosure([{ bridges: 2, samples: [500] }], stages)).toBeNull();
    const falling = [
      { bridges: 2, samples: [500] },
      { bridges: 8, samples: [400] },
    ];
    expect(chainClosure(falling, stages)).toBeNull();
  });
});

/** A chain as a run has it; every round took the same. */
function chainCase(bridges: number, instructions: number, latency: Case["latency"]): Case {
  const [one] = bookwormRun().cases;
  if (one?.lab.bridge == null) throw new Error("fixture");
  const samples = Array(4).fill(instructions);
  return {
    ...{ ...one, id: `chain:${bridges}/forward`, latency },
    lab: { ...one.lab, bridge: { ...one.lab.bridge, inSeries: bridges } },
    metrics: { instructions_per_frame: { unit: "instructions", better: "lower", samples } },
  };
}

describe("the chains of a run", () => {
  const [counted] = bookwormRun().cases;
  const stage = (value: number) => {
    const latency = counted?.latency["bridge.forward"] ?? expect.fail("fixture");
    return {
      ...latency,
      estimate: { value, ci: [value, value], method: "", n: 8 },
    } as typeof latency;
  };
  const latency = { "bridge.forward": stage(60), "veth.out": stage(41) };

  it("close by the stages of the longest", () => {
    const run = [chainCase(2, 500, {}), chainCase(8, 1100, latency), ...bookwormRun().cases];
    expect(closedChains(run)).toEqual([
      {
        ...{ unobserved: 100, observed: 101, ratio: 1.01, bridges: [2, 8] },
        ...{ cases: ["chain:2/forward", "chain:8/forward"] },
        stages: { "bridge.forward": 60, "veth.out": 41 },
      },
    ]);
  });

  it("are left out where a stage was not counted, or one length alone", () => {
    expect(closedChains([chainCase(2, 500, {}), chainCase(8, 1100, {})])).toEqual([]);
    expect(closedChains([chainCase(8, 1100, latency)])).toEqual([]);
  });
});
