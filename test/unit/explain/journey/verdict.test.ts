import { expect, it } from "vitest";
import type { JourneyDirection } from "../../../../src/document/journey.ts";
import { decisionOf, verdictOf } from "../../../../src/explain/journey/verdict.ts";
import { A, B, bridge, entry } from "../bridge.ts";

const place = (label: string) => ({ inode: 1, label });
function direction(over: Partial<JourneyDirection> = {}): JourneyDirection {
  const times = { medianNs: 12_000, maxNs: 20_000 };
  const frames = over.frames ?? 20;
  return {
    ...{ from: "10.77.0.1", to: "10.77.0.2", what: [{ what: "echo request", frames }], frames },
    arrived: frames,
    hops: [
      { role: "source", device: "eth0", place: place("a"), frames, medianNs: 0, maxNs: 0 },
      { role: "egress", device: "pb", place: place("host"), frames, ...times },
      { role: "destination", device: "eth0", place: place("b"), frames, ...times },
    ],
    ...{ decision: "", hooks: [], resolution: { asked: 0, reached: 0, answered: 0 } },
    ...{ lost: [], unmatched: 0 },
    ...over,
  };
}
const nothing = direction({ frames: 0, from: "10.77.0.2", to: "10.77.0.1" });
const said = (there: JourneyDirection, back = nothing, more = {}) =>
  verdictOf({ directions: [there, back], heard: [], filter: null, probe: null, ...more }, 3);

it("says of a whole flow that it came, and in which time", () => {
  expect(said(direction())).toBe(
    "10.77.0.1 → 10.77.0.2: 20 of 20 echo requests reached eth0 (b), 12 µs from the first hop",
  );
});

it("says of a lost one where it was seen last, and what dropped it", () => {
  const lost = {
    what: "echo request",
    frames: 20,
    last: "pb's egress",
    lastRole: "egress" as const,
    arrived: false,
  };
  const drop = { where: "veth_xmit", reason: "NO_BUFFS", device: "pb" };
  const begins =
    "10.77.0.1 → 10.77.0.2: 0 of 20 echo requests reached eth0 (b); 20 were seen last at pb's egress, and";
  expect(said(direction({ arrived: 0, lost: [{ ...lost, drop }] }))).toBe(
    `${begins} dropped by veth_xmit at pb (NO_BUFFS)`,
  );
  expect(said(direction({ arrived: 0, lost: [{ ...lost, drop: null }] }))).toBe(
    `${begins} vanished without a drop that was seen`,
  );
  expect(said(direction({ arrived: 18, unmatched: 2 }))).toContain(
    "18 of 20 echo requests were seen at eth0 (b); of the others nothing can be said",
  );
  const received = {
    ...lost,
    arrived: true,
    drop: { ...drop, where: "udp_queue_rcv_one_skb", reason: "NO_SOCKET" },
  };
  expect(said(direction({ lost: [received] }))).toContain(
    "20 were dropped by the receiver's own stack: udp_queue_rcv_one_skb (NO_SOCKET)",
  );
});

it("tells a question that was heard and not answered from one that was not heard", () => {
  const ask = (reached: number, lost: JourneyDirection["lost"] = []) =>
    said(direction({ frames: 0, resolution: { asked: 3, reached, answered: 0 }, lost }));
  expect(ask(3)).toBe(
    "10.77.0.1 → 10.77.0.2: it was asked 3 times who has 10.77.0.2, and nobody answered; the question reached eth0 (b), which gave none",
  );
  expect(
    ask(0, [
      {
        what: "ARP request",
        frames: 3,
        last: "pa's ingress",
        lastRole: "ingress",
        drop: null,
        arrived: false,
      },
    ]),
  ).toBe(
    "10.77.0.1 → 10.77.0.2: it was asked 3 times who has 10.77.0.2, and no answer came: 3 were seen last at pa's ingress, and vanished without a drop that was seen",
  );
});

it("says of a flow that never appears what was heard instead", () => {
  const heard = [{ what: "UDP datagram of 10.77.0.1 to 10.77.0.3", port: "pa", frames: 7 }];
  expect(said(direction({ frames: 0 }), nothing, { heard })).toBe(
    "nothing between 10.77.0.1 and 10.77.0.2 was seen in 3.0 s: heard there instead: UDP datagram of 10.77.0.1 to 10.77.0.3 at pa (7)",
  );
  expect(said(direction({ frames: 0 }), nothing, { filter: "icmp" })).toBe(
    "nothing that the filter takes between 10.77.0.1 and 10.77.0.2 was seen in 3.0 s: nothing else was heard at their ports either; --probe would send something",
  );
});

it("says what the FDB makes the bridge do", () => {
  const end = { port: bridge().ports[1], devices: [], macs: [B], ips: [], remote: null };
  const decided = (entries: ReturnType<typeof entry>[]) => decisionOf(bridge({ entries }), end, []);
  expect(decided([])).toBe(`its FDB has no entry for ${B}: such frames are flooded`);
  expect(decided([entry(B, "b")])).toBe(`its FDB has ${B} at pb (learned)`);
  expect(decided([entry(A, "b"), entry(B, "c", { static: true })])).toBe(
    `its FDB has ${B} at pc (static), not at pb`,
  );
});
