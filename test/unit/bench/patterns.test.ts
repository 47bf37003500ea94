import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  expectedFrames,
  FULLY_MESHED,
  MANY_TO_ONE,
  ONE_TO_MANY,
  PATTERNS,
  reception,
  type Target,
  UNIDIRECTIONAL,
} from "../../../src/bench/load/patterns.ts";

describe("patterns", () => {
  it("fully meshed: every host to every other, beginning with the next (RFC 2889, 5.1.3)", () => {
    expect(FULLY_MESHED.sources(4, 1)).toEqual([0, 1, 2, 3]);
    expect([0, 1, 2, 3].map((from) => FULLY_MESHED.targets(4, from))).toEqual([
      [1, 2, 3],
      [2, 3, 0],
      [3, 0, 1],
      [0, 1, 2],
    ]);
  });

  it("partially meshed: from one, to one, and from half to half", () => {
    expect([ONE_TO_MANY.sources(4, 1), ONE_TO_MANY.targets(4, 0)]).toEqual([[0], [1, 2, 3]]);
    expect([MANY_TO_ONE.sources(4, 1), MANY_TO_ONE.targets(4, 2)]).toEqual([[1, 2, 3], [0]]);
    expect([UNIDIRECTIONAL.sources(5, 1), UNIDIRECTIONAL.targets(5, 0)]).toEqual([
      [0, 1],
      [2, 3, 4],
    ]);
  });

  it("no host sends to itself, and there are never more senders than sending hosts", () => {
    for (const pattern of PATTERNS) {
      for (const hosts of [2, 3, 8]) {
        const most = pattern.mostSenders(hosts);
        const sources = pattern.sources(hosts, most);
        expect(sources.length).toBeGreaterThanOrEqual(most);
        for (const from of sources) expect(pattern.targets(hosts, from)).not.toContain(from);
      }
    }
  });
});

describe("expectedFrames", () => {
  it("counts what a loop over the targets would have sent", () => {
    const target = fc.oneof(
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom<Target>("nobody", "everybody"),
    );
    fc.assert(
      fc.property(fc.array(target, { minLength: 1, maxLength: 6 }), fc.nat(50), (targets, sent) => {
        const counted = [0, 0, 0, 0, 0];
        for (let frame = 0; frame < sent; frame++) {
          const to = targets[frame % targets.length];
          for (let host = 0; host < 5; host++) {
            if (host === to || (typeof to !== "number" && host !== 0)) {
              counted[host] = (counted[host] ?? 0) + 1;
            }
          }
        }
        expect(expectedFrames(5, 0, targets, sent)).toEqual(counted);
      }),
    );
  });
});

describe("reception", () => {
  it("does not let a flooded frame make up for a lost one", () => {
    expect(reception([10, 10, 0], [10, 7, 3])).toEqual({ wanted: 20, received: 17, stray: 3 });
  });
});
