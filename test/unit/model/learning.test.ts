import { describe, expect, it } from "vitest";
import { A, B, BRIDGE, bridge, GROUP, PORT1, PORT2, teach, UNKNOWN } from "./fixture.ts";

describe("learning", () => {
  it("makes an entry for a new source and only refreshes it later", () => {
    const model = bridge();
    const frame = { source: A, destination: UNKNOWN };
    expect(model.receive("p1", frame)).toMatchObject({ learned: true, moved: false });
    expect(model.receive("p1", frame)).toMatchObject({ learned: false, moved: false });
  });

  it("moves the entry when the source shows up at another port", () => {
    const model = bridge();
    teach(model, "p1", A);
    const frame = { source: A, destination: UNKNOWN };
    expect(model.receive("p2", frame)).toMatchObject({ learned: false, moved: true });
    expect(model.receive("p3", { source: B, destination: A }).egress).toEqual(["p2"]);
  });

  it("comes before the look-up of the destination", () => {
    const outcome = bridge().receive("p1", { source: A, destination: A });
    expect(outcome).toEqual({ decision: "filtered", egress: [], learned: true, moved: false });
  });

  it("needs the learning flag", () => {
    const outcome = bridge({ p1: { learning: false } }).receive("p1", {
      source: A,
      destination: UNKNOWN,
    });
    expect(outcome).toEqual({
      decision: "unknownUnicast",
      egress: ["p2", "p3"],
      learned: false,
      moved: false,
    });
  });

  it("keeps what was learned when the flag is taken away", () => {
    const model = bridge();
    teach(model, "p1", A);
    model.setPort("p1", { learning: false });
    expect(model.receive("p2", { source: B, destination: A }).egress).toEqual(["p1"]);
  });

  it.each([BRIDGE, PORT1, PORT2])("does not learn its own address %s, but forwards", (source) => {
    const outcome = bridge().receive("p1", { source, destination: UNKNOWN });
    expect(outcome).toMatchObject({ egress: ["p2", "p3"], learned: false, moved: false });
  });

  it.each([GROUP, "00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff"])("drops the source %s", (source) => {
    const model = bridge();
    const outcome = model.receive("p1", { source, destination: UNKNOWN });
    expect(outcome).toEqual({ decision: "filtered", egress: [], learned: false, moved: false });
    expect(model.entries().some(({ address }) => address === source)).toBe(false);
  });

  it("takes addresses in upper case and refuses what is none", () => {
    const model = bridge();
    teach(model, "p1", A.toUpperCase());
    expect(model.receive("p2", { source: B, destination: A }).egress).toEqual(["p1"]);
    expect(() => model.receive("p2", { source: "02:ab", destination: A })).toThrow(/"02:ab"/);
  });
});
