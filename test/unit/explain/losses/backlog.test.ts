/** Copies that found the queue of a CPU full. */
import { describe, expect, it, test } from "vitest";
import type { BridgeState, Port } from "../../../../src/bridge/state.ts";
import { backlog } from "../../../../src/explain/causes/loss/backlog.ts";
import { remedyOf } from "../../../../src/explain/causes/remedy.ts";
import type { Collected, Flow, Lost } from "../../../../src/live/collect.ts";
import { A, bridge, collected, EVERYBODY, flow, port } from "../bridge.ts";

/** br0 with very many ports; p0 was made first. */
function crowd(many: number, over: Partial<BridgeState> = {}): BridgeState {
  const ports = Array.from({ length: many }, (_, index): Port => {
    const owner = { label: `container web-${index}`, namespace: null, pid: null, command: null };
    return {
      ...port("a", A),
      ...{ name: `p${index}`, ifindex: 10 + index },
      owner: { ...owner, cgroup: null, container: `web-${index}`, pod: null },
    };
  });
  return bridge({ ports, maxBacklog: 1000, ...over });
}

function lostAt(at: number, frames: number, over: Partial<Lost> = {}): Lost {
  return {
    ...{ class: "broadcast", port: 20, source: A, destination: EVERYBODY, vlan: 0, frames, at },
    ...{ behind: true, where: "enqueue_to_backlog", reason: "CPU_BACKLOG", longest: 42 },
    ...{ steps: [{ endMs: 250, frames, copies: 0 }], firstNs: 0 },
    addresses: { source: "10.0.0.1", destination: "10.0.0.2", protocol: "ARP" },
    ...{ sourcePort: null, destinationPort: null },
    ...over,
  };
}

/** Ten ARP requests, a copy each to all but the port that they came in by. */
function requests(many: number, over: Partial<Flow> = {}): Flow {
  return flow({
    ...{ class: "broadcast", destination: EVERYBODY, port: 20, frames: 10 },
    ...{ copies: 10 * (many - 1), hostCopies: 0 },
    steps: [{ endMs: 250, frames: 10, copies: 10 * (many - 1) }],
    addresses: { source: "10.0.0.1", destination: "10.0.0.2", protocol: "ARP" },
    ...over,
  });
}

function why(state: BridgeState, counted: Collected, at = 0) {
  const one = counted.lost[at] ?? expect.fail("nothing was lost");
  return backlog({ ...one, came: 10 }, { before: state, state, collected: counted });
}

function named(state: BridgeState, counted: Collected) {
  const said = why(state, counted);
  if (said === null || said === "right") return expect.fail(`it is ${said}`);
  return said;
}

describe("22 of 1,023 containers", () => {
  const state = crowd(1023);
  const lost = Array.from({ length: 22 }, (_, index) => lostAt(10 + index, 10));
  const counted = collected([requests(1023)], { lost, softnetDropped: 220 });

  it("lose what a queue did not hold: how many, who first, and what makes the burst", () => {
    const said = named(state, counted);
    expect(said).toMatchObject({ kind: "loss", cause: "backlog", basis: "observed" });
    expect(said.title).toBe(
      "copies for 22 of 1,023 ports found the queue of a CPU full, which holds 1,000 frames (net.core.netdev_max_backlog)",
    );
    expect(said.evidence).toEqual([
      `most of the burst is 10 ARP broadcast frames of ${A} behind port p10 (container web-10), and each becomes 1,022 copies: more than such a queue holds`,
      "copies were lost: 10 of port p0 (container web-0), 10 of port p1 (container web-1), 10 of port p2 (container web-2), 10 of port p3 (container web-3), 10 of port p4 (container web-4) and some of 17 more ports",
      "those that lost are the ports that were made first: a bridge floods its newest port first (br_add_if(), br_flood()), and the queue is full when the oldest have their turn",
      "220 frames found such a queue full meanwhile, whosever they were (/proc/net/softnet_stat)",
    ]);
  });

  it("is one thing for all of them", () => {
    expect(why(state, counted, 21)).toBe(why(state, counted));
  });

  it("is cured by a longer queue", () => {
    expect(remedyOf(state, named(state, counted).remedy).remedy).toMatchObject({
      command: "sysctl -w net.core.netdev_max_backlog=2000",
      undo: "sysctl -w net.core.netdev_max_backlog=1000",
      verify: "sysctl -n net.core.netdev_max_backlog | grep -qE '^2000$'",
    });
    const hidden = { ...state, maxBacklog: null };
    const unread = collected([requests(1023)], { lost });
    expect(remedyOf(hidden, named(hidden, unread).remedy).noRemedy).toMatch(/cannot be read/);
  });
});

test("as many frames find room as were lost at once, up to what one poll can make", () => {
  const state = crowd(100, { maxBacklog: 1000 });
  const steps = [
    { endMs: 250, frames: 3000, copies: 0 },
    { endMs: 500, frames: 100, copies: 0 },
  ];
  const wanted = (over: Partial<Lost>) => {
    const counted = collected([requests(100)], {
      lost: [lostAt(10, 3100, over), lostAt(11, 50, over)],
    });
    return remedyOf(state, named(state, counted).remedy).remedy?.command;
  };
  // 64 frames of 99 copies.
  expect(wanted({ steps })).toBe("sysctl -w net.core.netdev_max_backlog=7000");
  const few = [{ endMs: 250, frames: 700, copies: 0 }];
  expect(wanted({ steps: few })).toBe("sysctl -w net.core.netdev_max_backlog=3000");
});

test("no queue is long enough for a storm", () => {
  const storm = requests(100, {
    ...{ frames: 30_000, copies: 2_970_000 },
    steps: [{ endMs: 1000, frames: 30_000, copies: 2_970_000 }],
  });
  const counted = collected([storm], { lost: [lostAt(10, 900)] });
  expect(named(crowd(100), counted).remedy).toEqual({
    none: expect.stringMatching(/^2,970,000 copies\/s are more than a CPU keeps up with/),
  });
});

test("others than the oldest may lose", () => {
  const counted = collected([requests(100)], { lost: [lostAt(90, 5), lostAt(20, 5)] });
  expect(named(crowd(100), counted).evidence.join()).not.toContain("made first");
});

test("frames that have not come as far as the bridge are another loss of the same cause", () => {
  const lost = [lostAt(10, 100), lostAt(20, 11, { behind: false })];
  const counted = collected([requests(100)], { lost });
  const title = (at: number) => why(crowd(100), counted, at);
  expect(title(0)).toMatchObject({ title: expect.stringMatching(/^copies for 1 of 100 ports /) });
  expect(title(1)).toMatchObject({
    cause: "backlog",
    title: expect.stringMatching(/^frames on their way to br0 found the queue of a CPU full/),
  });
});

describe("is not", () => {
  it.each([
    [
      "a queue of the sender's own",
      { behind: false, where: "__dev_xmit_skb", reason: "QDISC_DROP" },
    ],
    ["a receiver's socket", { where: "__udp_enqueue_schedule_skb", reason: "SOCKET_RCVBUFF" }],
    ["what an old kernel drops elsewhere", { where: "veth_xmit", reason: null }],
  ])("%s", (_, over) => {
    const counted = collected([requests(100)], { lost: [lostAt(10, 100, over)] });
    expect(why(crowd(100), counted)).toBeNull();
  });

  it("but it is what an old kernel drops there", () => {
    const counted = collected([requests(100)], { lost: [lostAt(10, 100, { reason: null })] });
    expect(named(crowd(100), counted).cause).toBe("backlog");
  });
});
