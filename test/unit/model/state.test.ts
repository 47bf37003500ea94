import { describe, expect, it } from "vitest";
import { A, B, BROADCAST, bridge, GROUP, teach } from "./fixture.ts";

const destinations = [B, BROADCAST, GROUP];

describe("port states", () => {
  it.each(["disabled", "listening"] as const)("%s takes nothing in", (state) => {
    for (const destination of destinations) {
      expect(bridge({ p1: { state } }).receive("p1", { source: A, destination })).toEqual({
        decision: "filtered",
        egress: [],
        learned: false,
        moved: false,
      });
    }
  });

  it("learning learns and drops", () => {
    for (const destination of destinations) {
      const model = bridge({ p1: { state: "learning" } });
      expect(model.receive("p1", { source: A, destination })).toEqual({
        decision: "filtered",
        egress: [],
        learned: true,
        moved: false,
      });
    }
  });

  it.each(["disabled", "listening", "learning"] as const)("%s lets nothing out", (state) => {
    const model = bridge();
    teach(model, "p2", B);
    model.setPort("p2", { state });
    expect(model.receive("p1", { source: A, destination: B }).decision).toBe("filtered");
    expect(model.receive("p1", { source: A, destination: BROADCAST }).egress).toEqual([
      "host",
      "p3",
    ]);
  });

  it("blocking is forwarding at once without STP", () => {
    const model = bridge({ p2: { state: "blocking" } });
    expect(model.port("p2").state).toBe("forwarding");
    model.setPort("p2", { state: "disabled" });
    model.setPort("p2", { state: "blocking" });
    expect(model.port("p2").state).toBe("forwarding");
  });

  it("a change of state leaves the FDB alone", () => {
    const model = bridge();
    teach(model, "p2", B);
    model.setPort("p2", { state: "disabled" });
    model.setPort("p2", { state: "forwarding" });
    expect(model.receive("p1", { source: A, destination: B }).decision).toBe("knownUnicast");
  });

  it("names the ports when one does not exist", () => {
    expect(() => bridge().setPort("p4", { flood: false })).toThrow(/p1, p2, p3, found p4/);
  });
});
