import { describe, expect, it } from "vitest";
import { A, BROADCAST, bridge, GROUP } from "./fixture.ts";

const groups = [
  [BROADCAST, "broadcast", "bcastFlood", "mcastFlood"],
  [GROUP, "multicast", "mcastFlood", "bcastFlood"],
  ["33:33:00:00:00:01", "multicast", "mcastFlood", "flood"],
  ["03:ab:cd:00:00:01", "multicast", "mcastFlood", "flood"],
  ["01:80:c2:00:00:10", "multicast", "mcastFlood", "flood"],
] as const;

describe.each(groups)("%s", (destination, decision, flag, otherFlag) => {
  const frame = { source: A, destination };

  it("is flooded and goes up, snooping or not", () => {
    for (const mcastSnooping of [true, false]) {
      expect(bridge({}, { mcastSnooping }).receive("p1", frame)).toEqual({
        decision,
        egress: ["host", "p2", "p3"],
        learned: true,
        moved: false,
      });
    }
  });

  it("heeds its own flag and no other", () => {
    const model = bridge({ p2: { [flag]: false }, p3: { [otherFlag]: false } });
    expect(model.receive("p1", frame).egress).toEqual(["host", "p3"]);
  });

  it("is the host's when no port takes it", () => {
    const model = bridge({ p2: { [flag]: false }, p3: { [flag]: false } });
    expect(model.receive("p1", frame)).toMatchObject({ decision, egress: ["host"] });
  });
});
