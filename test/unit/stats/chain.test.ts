import { describe, expect, it } from "vitest";
import { chainClosure } from "../../../src/stats/chain.ts";

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
