/** What two readings of interface counters tell where no frame can be looked at. */
import { describe, expect, it } from "vitest";
import type { BridgeState, Port } from "../../../src/bridge/state.ts";
import { counterNotes } from "../../../src/explain/counters.ts";
import { A, B, bridge, C, port } from "./bridge.ts";

const THRESHOLDS = { unknownUnicast: 10, frames: 20 };
type Counters = Partial<Port["counters"]>;

/** Ports pa, pb and pc with these counters, and what the bridge itself received. */
function at(
  a: Counters,
  b: Counters,
  c: Counters,
  host = 0,
  over: Partial<Port> = {},
): BridgeState {
  const none = { rx: 0, tx: 0, rxBytes: 0, txBytes: 0, txDropped: 0 };
  const of = (name: "a" | "b" | "c", address: string, counters: Counters) =>
    port(name, address, { ...over, counters: { ...none, ...counters } });
  return bridge({
    counters: { ...none, rx: host },
    ports: [of("a", A, a), of("b", B, b), of("c", C, c)],
  });
}

const told = (after: BridgeState, before = at({}, {}, {})) =>
  counterNotes(before, after, 10, THRESHOLDS).map(({ text }) => text);

describe("counters", () => {
  it("say by which ports frames came and left, and that this is inferred", () => {
    const [first, ...more] = told(at({ rx: 100 }, { tx: 100 }, {}));
    expect(first).toBe(
      "frames came in by pa: 100 (10 frames/s); frames left by pb: 100 (10 frames/s) (inferred by interface counters over 10.0 s)",
    );
    expect(more).toEqual([]);
    expect(told(at({}, {}, {}))[0]).toMatch(/^no frame came in or left by any port/);
  });

  it("show a flood where all others got what came in by one, and not where one did", () => {
    const flood = told(at({ rx: 1000 }, { tx: 1000 }, { tx: 990 }));
    expect(flood[1]).toMatch(
      /^at least 990 frames .* left by each of the 2 other ports while 1,000 came in by port pa/,
    );
    expect(told(at({ rx: 1000 }, { tx: 1000 }, { tx: 19 }))).toHaveLength(1);
    // A tenth of them are broadcast.
    expect(told(at({ rx: 1000 }, { tx: 1000 }, { tx: 110 }))).toHaveLength(1);
  });

  it("show what a port dropped, and what left nowhere", () => {
    expect(told(at({ rx: 10 }, { tx: 10, txDropped: 7 }, {}))[1]).toMatch(
      /^tx_dropped has risen: port pb: 7/,
    );
    expect(told(at({ rx: 100 }, { tx: 30 }, {}))[1]).toMatch(/at least 70 left by no port/);
    expect(told(at({ rx: 100 }, { tx: 30 }, {}, 70))).toHaveLength(1);
    // Of a card's frames several may be handed on as one.
    expect(told(at({ rx: 100 }, { tx: 30 }, {}, 0, { kind: "device" }))).toHaveLength(1);
  });

  it("leave out a port that came, or came again, meanwhile", () => {
    const before = at({ rx: 500 }, {}, {});
    expect(told(at({ rx: 100 }, { tx: 100 }, {}), before)[0]).toMatch(/^frames came in by none/);
  });
});
