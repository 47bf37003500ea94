import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arbitraryScenario } from "../../model/arbitrary.ts";
import { createBridgeModel } from "../../model/bridge.ts";
import { applyStep } from "../../model/steps.ts";
import { A, B, BRIDGE, BROADCAST, bridge, PORT1, PORT2, teach, UNKNOWN } from "./fixture.ts";

const filtering = { vlanFiltering: true };
const outside = { vlanMember: false };

describe("a bridge that filters VLANs", () => {
  it("does as any other for members of VLAN 1", () => {
    const model = bridge({}, filtering);
    teach(model, "p1", A);
    expect(model.receive("p2", { source: B, destination: A })).toMatchObject({
      decision: "knownUnicast",
      egress: ["p1"],
      learned: true,
    });
    expect(model.receive("p2", { source: B, destination: PORT1 }).decision).toBe("local");
  });

  it("takes nothing from a port outside, and learns nothing there", () => {
    const model = bridge({ p1: outside }, filtering);
    for (const destination of [B, BROADCAST, BRIDGE, "01:80:c2:00:00:0e"]) {
      expect(model.receive("p1", { source: A, destination })).toEqual({
        decision: "filtered",
        egress: [],
        learned: false,
        moved: false,
      });
    }
  });

  it("gives nothing to a port outside", () => {
    const model = bridge({ p3: outside }, filtering);
    expect(model.receive("p1", { source: A, destination: UNKNOWN }).egress).toEqual(["p2"]);
    expect(model.receive("p1", { source: A, destination: BROADCAST }).egress).toEqual([
      "host",
      "p2",
    ]);
    expect(model.transmit({ destination: BROADCAST }).egress).toEqual(["p1", "p2"]);
  });

  it("does not know the address of a port outside", () => {
    const model = bridge({ p2: outside }, filtering);
    const toPort = { source: A, destination: PORT2 };
    expect(model.receive("p1", toPort).decision).toBe("unknownUnicast");
    teach(model, "p3", PORT2);
    expect(model.receive("p1", toPort)).toMatchObject({
      decision: "knownUnicast",
      egress: ["p3"],
    });
  });

  it("is deaf and dumb itself where it is outside", () => {
    const model = bridge({}, { ...filtering, hostVlanMember: false });
    expect(model.transmit({ destination: BROADCAST }).decision).toBe("filtered");
    expect(model.receive("p1", { source: A, destination: BRIDGE }).decision).toBe("unknownUnicast");
    expect(model.receive("p1", { source: A, destination: PORT2 }).decision).toBe("filtered");
    expect(model.receive("p1", { source: A, destination: BROADCAST }).egress).toEqual(["p2", "p3"]);
  });

  it("hears all the same where it is promiscuous", () => {
    const model = bridge({}, { ...filtering, hostVlanMember: false, promiscuous: true });
    expect(model.receive("p1", { source: A, destination: BROADCAST }).egress).toContain("host");
    expect(model.receive("p1", { source: A, destination: PORT2 }).decision).toBe("local");
  });

  it("has static entries at members only", () => {
    const staticEntries = [{ address: A, port: "p1" }];
    expect(() => bridge({ p1: outside }, { ...filtering, staticEntries })).toThrow(/member/);
  });

  it("is what scenarios with VLANs are about", () => {
    const scenarios = arbitraryScenario({ ports: 4, macPrefix: "02:ab:cd", vlan: true });
    const sample = fc.sample(scenarios, { numRuns: 100, seed: 1 });
    expect(sample.every(({ config }) => config.vlanFiltering)).toBe(true);
    const flags = sample.flatMap(({ config }) => [
      ...Object.values(config.ports).map(({ vlanMember }) => vlanMember),
      config.hostVlanMember,
    ]);
    expect(new Set(flags)).toEqual(new Set([true, false]));
    for (const { config, steps } of sample) {
      const model = createBridgeModel(config);
      for (const step of steps) applyStep(model, step);
    }
  });
});
