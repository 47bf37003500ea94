import { describe, expect, it } from "vitest";
import { A, B, BRIDGE, bridge, C, PORT1, PORT2, teach, UNKNOWN } from "./fixture.ts";

describe("known unicast", () => {
  it("leaves by the port of its destination", () => {
    const model = bridge();
    teach(model, "p2", B);
    expect(model.receive("p1", { source: A, destination: B })).toEqual({
      decision: "knownUnicast",
      egress: ["p2"],
      learned: true,
      moved: false,
    });
  });

  it("is filtered when the destination is behind the same port, unless that is a hairpin", () => {
    const model = bridge();
    teach(model, "p1", B);
    const frame = { source: A, destination: B };
    expect(model.receive("p1", frame)).toMatchObject({ decision: "filtered", egress: [] });
    model.setPort("p1", { hairpin: true });
    expect(model.receive("p1", frame)).toMatchObject({ decision: "knownUnicast", egress: ["p1"] });
  });

  it("does not mind the flood flag", () => {
    const model = bridge({ p2: { flood: false } });
    teach(model, "p2", B);
    expect(model.receive("p1", { source: A, destination: B }).egress).toEqual(["p2"]);
  });
});

describe("unknown unicast", () => {
  it("is flooded to the other ports and not to the host", () => {
    const outcome = bridge().receive("p1", { source: A, destination: UNKNOWN });
    expect(outcome).toMatchObject({ decision: "unknownUnicast", egress: ["p2", "p3"] });
  });

  it("spares ports without flood and returns by a hairpin", () => {
    const model = bridge({ p1: { hairpin: true }, p2: { flood: false } });
    expect(model.receive("p1", { source: A, destination: UNKNOWN }).egress).toEqual(["p1", "p3"]);
  });

  it("is filtered when no port takes it", () => {
    const model = bridge({ p2: { flood: false }, p3: { state: "disabled" } });
    const outcome = model.receive("p1", { source: A, destination: UNKNOWN });
    expect(outcome).toMatchObject({ decision: "filtered", egress: [], learned: true });
  });
});

describe("isolation", () => {
  const isolated = { p1: { isolated: true }, p2: { isolated: true } };

  it("separates isolated ports from each other only", () => {
    const model = bridge(isolated);
    expect(model.receive("p1", { source: A, destination: UNKNOWN }).egress).toEqual(["p3"]);
    expect(model.receive("p3", { source: C, destination: UNKNOWN }).egress).toEqual(["p1", "p2"]);
    teach(model, "p2", B);
    expect(model.receive("p1", { source: A, destination: B }).decision).toBe("filtered");
  });

  it("beats hairpin on one and the same port", () => {
    const model = bridge({ p1: { isolated: true, hairpin: true } });
    expect(model.receive("p1", { source: A, destination: UNKNOWN }).egress).toEqual(["p2", "p3"]);
  });
});

describe("the bridge's own addresses", () => {
  it.each([BRIDGE, PORT1, PORT2])("%s goes up and nowhere else", (destination) => {
    const outcome = bridge().receive("p1", { source: A, destination });
    expect(outcome).toMatchObject({ decision: "local", egress: ["host"] });
  });
});

describe("a promiscuous bridge", () => {
  it("hears all, and the decision stays by the FDB", () => {
    const model = bridge({}, { promiscuous: true });
    expect(model.receive("p1", { source: A, destination: UNKNOWN })).toMatchObject({
      decision: "unknownUnicast",
      egress: ["host", "p2", "p3"],
    });
    teach(model, "p1", B);
    expect(model.receive("p1", { source: A, destination: B })).toMatchObject({
      decision: "knownUnicast",
      egress: ["host"],
    });
    expect(model.receive("p1", { source: A, destination: BRIDGE }).egress).toEqual(["host"]);
  });

  it("hears nothing from a port that is only learning", () => {
    const model = bridge({ p1: { state: "learning" } }, { promiscuous: true });
    expect(model.receive("p1", { source: A, destination: UNKNOWN }).egress).toEqual([]);
  });
});
