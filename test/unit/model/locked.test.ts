import { describe, expect, it } from "vitest";
import { A, B, bridge, PORT1, teach, UNKNOWN } from "./fixture.ts";

const LLDP = "01:80:c2:00:00:0e";

describe("a locked port", () => {
  it("drops a source that it does not know, without learning it", () => {
    const outcome = bridge({ p1: { locked: true } }).receive("p1", { source: A, destination: B });
    expect(outcome).toEqual({ decision: "filtered", egress: [], learned: false, moved: false });
  });

  it("lets a source pass whose entry is at this port", () => {
    const model = bridge({ p1: { locked: true } }, { staticEntries: [{ address: A, port: "p1" }] });
    const outcome = model.receive("p1", { source: A, destination: UNKNOWN });
    expect(outcome).toMatchObject({ decision: "unknownUnicast", egress: ["p2", "p3"] });
  });

  it("lets no source roam to it, nor an own address pass", () => {
    const model = bridge({ p1: { locked: true } });
    teach(model, "p2", A);
    for (const source of [A, PORT1]) {
      expect(model.receive("p1", { source, destination: UNKNOWN })).toMatchObject({
        decision: "filtered",
        moved: false,
      });
    }
  });

  it("can still be reached", () => {
    const model = bridge({ p1: { locked: true } });
    expect(model.receive("p2", { source: A, destination: B }).egress).toEqual(["p1", "p3"]);
  });

  it("learns from reserved groups all the same, which opens it", () => {
    const model = bridge({ p1: { locked: true } });
    expect(model.receive("p1", { source: A, destination: LLDP }).learned).toBe(true);
    expect(model.receive("p1", { source: A, destination: UNKNOWN }).egress).toEqual(["p2", "p3"]);
  });
});
