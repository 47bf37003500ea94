import { describe, expect, it } from "vitest";
import { A, B, bridge, teach, UNKNOWN } from "./fixture.ts";

const toA = { source: B, destination: A };

describe("ageing", () => {
  it("forgets a source after the ageing time", () => {
    const model = bridge({}, { ageingTimeMs: 1000 });
    teach(model, "p1", A);
    model.advance(999);
    expect(model.receive("p2", toA).decision).toBe("knownUnicast");
    model.advance(1);
    expect(model.receive("p2", toA).decision).toBe("unknownUnicast");
  });

  it("counts from the last frame of the source, not from the last one to it", () => {
    const model = bridge({}, { ageingTimeMs: 1000 });
    teach(model, "p1", A);
    model.advance(600);
    teach(model, "p1", A);
    model.advance(600);
    expect(model.receive("p2", toA).decision).toBe("knownUnicast");
    model.advance(400);
    expect(model.receive("p2", toA).decision).toBe("unknownUnicast");
  });

  it("with time 0 learns nothing and moves nothing", () => {
    const model = bridge({}, { ageingTimeMs: 0, staticEntries: [{ address: A, port: "p1" }] });
    expect(model.receive("p2", { source: B, destination: UNKNOWN }).learned).toBe(false);
    expect(model.receive("p3", { source: A, destination: UNKNOWN }).moved).toBe(false);
    expect(model.receive("p2", toA).egress).toEqual(["p1"]);
  });
});

describe("flush", () => {
  it("removes what was learned and keeps static and local entries", () => {
    const model = bridge({}, { staticEntries: [{ address: A, port: "p1" }] });
    const before = model.entries();
    teach(model, "p2", B);
    expect(model.entries()).toHaveLength(before.length + 1);
    model.flush();
    expect(model.entries()).toEqual(before);
  });
});

describe("static entries", () => {
  const staticEntries = [{ address: A, port: "p1" }];

  it("do not age", () => {
    const model = bridge({}, { staticEntries });
    model.advance(1e9);
    expect(model.receive("p2", toA)).toMatchObject({ decision: "knownUnicast", egress: ["p1"] });
  });

  it("move like learned ones and stay static", () => {
    const model = bridge({}, { staticEntries });
    expect(model.receive("p3", { source: A, destination: UNKNOWN }).moved).toBe(true);
    model.flush();
    expect(model.receive("p2", toA).egress).toEqual(["p3"]);
  });

  it("towards the host are local", () => {
    const model = bridge({}, { staticEntries: [{ address: A, port: "host" }] });
    expect(model.receive("p2", toA)).toMatchObject({ decision: "local", egress: ["host"] });
    expect(model.receive("p1", { source: A, destination: UNKNOWN }).moved).toBe(false);
  });

  it("cannot take an own address or an unknown port", () => {
    const own = [{ address: "02:ab:cd:00:01:01", port: "p2" }];
    expect(() => bridge({}, { staticEntries: own })).toThrow(/taken/);
    expect(() => bridge({}, { staticEntries: [{ address: A, port: "p9" }] })).toThrow(/p9/);
  });
});
