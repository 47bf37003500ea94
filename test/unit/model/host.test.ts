import { describe, expect, it } from "vitest";
import { A, BRIDGE, BROADCAST, bridge, GROUP, PORT2, teach, UNKNOWN } from "./fixture.ts";

const all = ["p1", "p2", "p3"];

describe("frames of the host", () => {
  it("go to the port of a known destination and are flooded to an unknown one", () => {
    const model = bridge();
    teach(model, "p2", A);
    expect(model.transmit({ destination: A })).toEqual({
      decision: "knownUnicast",
      egress: ["p2"],
      learned: false,
      moved: false,
    });
    const unknown = model.transmit({ destination: UNKNOWN });
    expect(unknown).toMatchObject({ decision: "unknownUnicast", egress: all });
  });

  it("are exempt from bcast_flood and mcast_flood, not from flood", () => {
    const off = { flood: false, bcastFlood: false, mcastFlood: false };
    const model = bridge({ p1: off, p2: off });
    expect(model.transmit({ destination: BROADCAST })).toMatchObject({
      decision: "broadcast",
      egress: all,
    });
    expect(model.transmit({ destination: GROUP })).toMatchObject({
      decision: "multicast",
      egress: all,
    });
    expect(model.transmit({ destination: UNKNOWN }).egress).toEqual(["p3"]);
  });

  it("know no isolation and no promiscuity", () => {
    const isolated = { isolated: true };
    const model = bridge({ p1: isolated, p2: isolated, p3: isolated }, { promiscuous: true });
    expect(model.transmit({ destination: UNKNOWN }).egress).toEqual(all);
  });

  it("are flooded to reserved groups, pause included", () => {
    for (const group of ["0", "1", "e"]) {
      const outcome = bridge().transmit({ destination: `01:80:c2:00:00:0${group}` });
      expect(outcome).toMatchObject({ decision: "multicast", egress: all });
    }
  });

  it("reach a port's own address by that port, and the bridge's own not at all", () => {
    const model = bridge();
    expect(model.transmit({ destination: PORT2 })).toMatchObject({
      decision: "knownUnicast",
      egress: ["p2"],
    });
    expect(model.transmit({ destination: BRIDGE })).toMatchObject({
      decision: "filtered",
      egress: [],
    });
  });

  it("teach nothing, whatever their source", () => {
    const model = bridge();
    teach(model, "p2", A);
    for (const source of [A, UNKNOWN, GROUP]) {
      expect(model.transmit({ source, destination: BROADCAST })).toMatchObject({
        egress: all,
        learned: false,
        moved: false,
      });
    }
    expect(model.transmit({ destination: A }).egress).toEqual(["p2"]);
  });

  it("are filtered when no port takes them, broadcast too", () => {
    const closed = { state: "disabled" } as const;
    const model = bridge({ p1: closed, p2: closed, p3: closed });
    for (const destination of [UNKNOWN, BROADCAST, GROUP]) {
      expect(model.transmit({ destination })).toMatchObject({ decision: "filtered", egress: [] });
    }
  });
});
