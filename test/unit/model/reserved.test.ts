import { describe, expect, it } from "vitest";
import { A, B, bridge } from "./fixture.ts";

const STP = "01:80:c2:00:00:00";
const PAUSE = "01:80:c2:00:00:01";
const LACP = "01:80:c2:00:00:02";
const PAE = "01:80:c2:00:00:03";
const LLDP = "01:80:c2:00:00:0e";

const flooded = { decision: "multicast", egress: ["host", "p2", "p3"], learned: true };
const kept = { decision: "filtered", egress: [], learned: true };

describe("reserved group addresses", () => {
  it("are kept from the other ports, but their source is learned", () => {
    for (const destination of [LACP, PAE, LLDP, "01:80:c2:00:00:0f"]) {
      expect(bridge().receive("p1", { source: A, destination })).toMatchObject(kept);
    }
  });

  it("00 is forwarded while STP is off", () => {
    expect(bridge().receive("p1", { source: A, destination: STP })).toMatchObject(flooded);
  });

  it("01 is dropped before learning, whatever the mask", () => {
    const model = bridge({}, { groupFwdMask: 0xfff8 });
    const outcome = model.receive("p1", { source: A, destination: PAUSE });
    expect(outcome).toEqual({ decision: "filtered", egress: [], learned: false, moved: false });
  });

  it("are forwarded where group_fwd_mask says so", () => {
    const model = bridge({}, { groupFwdMask: 1 << 0xe });
    expect(model.receive("p1", { source: A, destination: LLDP })).toMatchObject(flooded);
    expect(model.receive("p1", { source: B, destination: PAE })).toMatchObject(kept);
  });

  it("refuse a mask that the kernel refuses", () => {
    for (const groupFwdMask of [1, 2, 4, 7]) {
      expect(() => bridge({}, { groupFwdMask })).toThrow(/bits 0 to 2/);
    }
  });

  it("teach nothing at a port that does not learn", () => {
    for (const port of [{ learning: false }, { state: "listening" }] as const) {
      const outcome = bridge({ p1: port }).receive("p1", { source: A, destination: LLDP });
      expect(outcome).toMatchObject({ decision: "filtered", learned: false });
    }
  });
});
