import { describe, expect, it } from "vitest";
import type { FdbEntry } from "../../../src/bridge/state.ts";
import { type NeighbourMessage, NUD } from "../../../src/system/neighbours.ts";
import { createTimeline } from "../../../src/watch/timeline.ts";

const A = "02:00:00:00:00:0a";
const BRIDGE = {
  name: "br0",
  ifindex: 9,
  ageingMs: 30_000,
  portName: (ifindex: number) => `p${ifindex}`,
};

function notice(over: Partial<NeighbourMessage>): NeighbourMessage {
  return {
    ...{ deleted: false, family: "fdb", ifindex: 1, state: NUD.reachable, address: A, vlan: 0 },
    ...{ flags: 0, master: 9, ip: null, remotePort: null, vni: null },
    ...{ used: 0, updated: 0 },
    ...over,
  };
}

function entry(over: Partial<FdbEntry> = {}): FdbEntry {
  return {
    ...{ address: A, vlan: 0, port: 1, local: false, static: false, sticky: false },
    ...{ updatedS: 0, usedS: 0 },
    ...over,
  };
}

function told(first: FdbEntry[], ...messages: NeighbourMessage[]) {
  const timeline = createTimeline(() => BRIDGE, first);
  timeline.notices(messages, 1000);
  return timeline.take(1000).map(({ event, port, from, by }) => [event, port, from, by]);
}

describe("an FDB entry", () => {
  it("is learned, moves, and is learned in another VLAN", () => {
    expect(
      told([], notice({}), notice({ ifindex: 2 }), notice({ vlan: 7 }), notice({ ifindex: 2 })),
    ).toEqual([
      ["learned", "p1", null, "kernel"],
      ["moved", "p2", "p1", "kernel"],
      ["learned", "p1", null, "kernel"],
    ]);
  });

  it("ages when it was idle for the ageing time, and is flushed before", () => {
    expect(told([entry()], notice({ deleted: true, updated: 3000 }))[0]?.[0]).toBe("aged");
    expect(told([entry()], notice({ deleted: true, updated: 2900 }))[0]?.[0]).toBe("flushed");
    const fixed = entry({ static: true });
    const gone = notice({ deleted: true, updated: 9000, state: NUD.noarp });
    expect(told([fixed], gone)[0]?.[0]).toBe("flushed");
  });

  it("is of its own bridge and no other", () => {
    expect(told([], notice({ master: 8 }), notice({ family: "ip" }))).toEqual([]);
  });

  it("was added and deleted by whom the probes saw, in time, on this bridge", () => {
    const timeline = createTimeline(() => BRIDGE, [entry({ vlan: 5 })]);
    const act = { address: A, vlan: 0, by: "bridge (pid 7)", at: 1100 };
    timeline.byHand({ ...act, kind: "added", device: "p1" });
    timeline.byHand({ ...act, kind: "deleted", device: "br0" });
    timeline.byHand({ ...act, kind: "deleted", device: "br1", vlan: 5 });
    timeline.notices(
      [
        notice({ state: NUD.noarp }),
        notice({ state: NUD.noarp, deleted: true }),
        notice({ deleted: true, vlan: 5 }),
      ],
      1000,
    );
    expect(timeline.take(999)).toEqual([]);
    expect(timeline.take(1000).map(({ event, by }) => [event, by])).toEqual([
      ["added", "bridge (pid 7)"],
      ["deleted", "bridge (pid 7)"],
      ["flushed", "kernel"],
    ]);
    expect(timeline.take(5000)).toEqual([]);
  });
});
