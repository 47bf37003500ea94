import { describe, expect, it } from "vitest";
import type { FdbEntry } from "../../../src/bridge/state.ts";
import { type NeighbourMessage, NUD } from "../../../src/system/neighbours.ts";
import type { Heard, Lesson } from "../../../src/watch/taught.ts";
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

describe("the frame that taught", () => {
  const taught = {
    ...{ protocol: "gratuitous ARP", source: "10.0.0.1", destination: null, target: "10.0.0.1" },
    ...{ sourcePort: null, destinationPort: null },
  };
  const lesson = (over: Partial<Lesson> = {}): Lesson => ({
    ...{ number: 1, address: A, vlan: 0, port: 2, at: 950, taught, heard: null },
    ...over,
  });
  const heard = (over: Partial<Heard> = {}): Heard => ({
    ...{ firstAt: 950, isFirst: true, before: { port: 1, lastAt: 400 } },
    ...over,
  });
  const events = (first: FdbEntry[], lessons: Lesson[], ...messages: NeighbourMessage[]) => {
    const timeline = createTimeline(() => BRIDGE, first);
    for (const one of lessons) timeline.taught(one);
    timeline.notices(messages, 1000);
    return timeline.take(1000);
  };

  it("is told with what it taught, and with nothing else", () => {
    const move = [notice({ ifindex: 2 })] as const;
    expect(events([entry()], [lesson()], ...move)[0]?.taught).toEqual(taught);
    const others = [lesson({ vlan: 5 }), lesson({ port: 3 }), lesson({ at: 2500 })];
    expect(events([entry()], others, ...move)[0]?.taught).toBeNull();
    const another = lesson({ address: "02:00:00:00:00:0b" });
    expect(events([], [another], notice({}))[0]?.taught).toBeNull();
    expect(events([], [lesson({ port: 1 })], notice({ state: NUD.noarp }))[0]?.taught).toBeNull();
  });

  it("is told once, of several the first with the first", () => {
    const second = { ...taught, protocol: "UDP" };
    const both = [lesson({ at: 900 }), lesson({ at: 960, taught: second })];
    const there = [notice({ ifindex: 2 }), notice({}), notice({ ifindex: 2 })] as const;
    const told = events([entry()], both, ...there);
    expect(told.map((event) => event.taught?.protocol ?? null)).toEqual([
      "gratuitous ARP",
      null,
      "UDP",
    ]);
  });

  it("may come after the notice", () => {
    const timeline = createTimeline(() => BRIDGE, []);
    timeline.notices([notice({ ifindex: 2 })], 1000);
    timeline.taught(lesson({ at: 990 }));
    expect(timeline.take(1000)[0]?.taught).toEqual(taught);
  });

  it("ends a migration, which has a last frame, a first one, and a gap", () => {
    const [moved] = events([entry()], [lesson({ heard: heard() })], notice({ ifindex: 2 }));
    expect(moved?.migration).toEqual({
      ...{ from: "p1", to: "p2", gapSeconds: 0.55 },
      lastFrom: "1970-01-01T00:00:00.400Z",
      firstTo: "1970-01-01T00:00:00.950Z",
    });
    // The entry had aged meanwhile.
    const [learned] = events([], [lesson({ heard: heard() })], notice({ ifindex: 2 }));
    expect(learned).toMatchObject({ event: "learned", migration: { from: "p1", to: "p2" } });
    // What came first by the new port taught nothing, as while its port did not learn.
    const late = lesson({ heard: heard({ isFirst: false, firstAt: 600 }) });
    expect(events([entry()], [late], notice({ ifindex: 2 }))[0]?.migration?.gapSeconds).toBe(0.2);
  });

  it("ends one of which no frame was seen where it came from", () => {
    for (const before of [null, { port: 7, lastAt: 400 }]) {
      const lessons = [lesson({ heard: heard({ before }) })];
      expect(events([entry()], lessons, notice({ ifindex: 2 }))[0]?.migration).toEqual({
        ...{ from: "p1", to: "p2", lastFrom: null, gapSeconds: null },
        firstTo: "1970-01-01T00:00:00.950Z",
      });
    }
  });

  it("ends none where the address is learned anew where it was", () => {
    const again = lesson({ heard: heard({ isFirst: false }) });
    expect(events([], [again], notice({ ifindex: 2 }))[0]).toMatchObject({
      ...{ event: "learned", taught, migration: null },
    });
    const anew = lesson({ heard: heard({ before: null }) });
    expect(events([], [anew], notice({ ifindex: 2 }))[0]?.migration).toBeNull();
    expect(events([entry()], [lesson()], notice({ ifindex: 2 }))[0]?.migration).toBeNull();
  });
});
