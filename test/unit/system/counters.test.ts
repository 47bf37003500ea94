import { describe, expect, it } from "vitest";
import { parseCounters, sameCounters } from "../../../src/system/counters.ts";

// Linux 6.18, a lab's bridge namespace
const TEXT = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
   br0:      56       2    0    2    0     0          0         0        0       0    0    0    0     0       0          0
    p1: 7561020  126017    0    0    0     0          0         0       60       1    0    7    0     0       0          0
`;

describe("parseCounters", () => {
  it("takes packets and drops of both directions", () => {
    const counters = parseCounters(TEXT);
    expect(counters.get("p1")).toEqual({
      ...{ rx: 126017, tx: 1, rxDropped: 0, txDropped: 7 },
      ...{ rxBytes: 7561020, txBytes: 60 },
    });
    expect(counters.get("br0")).toEqual({
      ...{ rx: 2, tx: 0, rxDropped: 2, txDropped: 0 },
      ...{ rxBytes: 56, txBytes: 0 },
    });
  });

  it("tells rest from movement", () => {
    const moved = parseCounters(TEXT.replace("126017", "126018"));
    expect(sameCounters(parseCounters(TEXT), parseCounters(TEXT))).toBe(true);
    expect(sameCounters(parseCounters(TEXT), moved)).toBe(false);
  });
});
