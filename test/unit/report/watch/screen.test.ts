import { describe, expect, it } from "vitest";
import { type WatchPort, type WatchRecord, watchSchema } from "../../../../src/document/watch.ts";
import { drawWatch, rankedIds } from "../../../../src/report/watch/screen.ts";
import { newStory, type Story, tell } from "../../../../src/report/watch/story.ts";
import { FIRST_VIEW, type Key, press, type View } from "../../../../src/report/watch/view.ts";
import { columns } from "../../../../src/text/layout.ts";

function port(name: string, over: Partial<WatchPort> = {}): WatchPort {
  const owner = { label: `container ${name}`, namespace: null, pid: 1, command: "x" };
  return {
    name,
    ifindex: [...name].reduce((sum, one) => sum * 31 + one.charCodeAt(0), 7) % 1e9,
    owner: { ...owner, cgroup: null, container: name, pod: null },
    state: "forwarding",
    counters: { rx: 1000, tx: 3000, txDropped: 0 },
    ...{ ingress: 1000, egress: 3000, copies: 2500, amplification: 2.5, originated: 0 },
    decisions: {
      ...{ knownUnicast: 250, unknownUnicast: 750, broadcast: 0, multicast: 0 },
      ...{ local: 0, filtered: 0 },
    },
    ...{ unattributed: 0, learned: 3, moved: 1, held: 0, later: 0, dropped: [] },
    latency: { "bridge.flood": { sampled: 750, p50: 2100, p99: 7300 } },
    ...over,
  };
}

function record(ports: WatchPort[], over: Partial<WatchRecord> = {}): WatchRecord {
  return watchSchema.parse({
    schema: "bridgescope.watch/2",
    time: "2026-11-27T06:00:00.000Z",
    bridge: { name: "br0", ifindex: 4, namespace: { inode: 1, label: "host" } },
    ...{ seconds: 1, counted: 1, estimated: false, ports, inFlight: 3, lost: 0 },
    fdb: {
      events: [
        {
          ...{ time: "2026-11-27T05:59:59.500Z", event: "moved", address: "02:00:00:00:00:01" },
          ...{ vlan: 0, port: "pb", from: "pa", by: "kernel", taught: null, migration: null },
        },
      ],
      ...{ more: 0, follow: null },
    },
    overhead: { share: 0.011, limit: 0.02, sampledOneIn: 1, softnetDrops: 0 },
    notes: [],
    ...over,
  });
}

function story(...records: WatchRecord[]): Story {
  const told = newStory();
  for (const one of records) tell(told, one);
  return told;
}

const SIZES = [200, 80, 40, 20, 7, 1];
const draw = (told: Story, view: Partial<View> = {}, width = 80, height: number | null = 24) =>
  drawWatch(told, { ...FIRST_VIEW, ...view }, { width, height, color: false });

describe("the screen", () => {
  it("has what matters in 80 columns", () => {
    const text = draw(story(record([port("host"), port("pa"), port("pb")]))).join("\n");
    for (const part of ["br0 in host, 2 ports", "3 k frames/s in", "amplification 2.50"]) {
      expect(text).toContain(part);
    }
    const line = text.split("\n").find((one) => one.startsWith("pa"));
    expect(line).toMatch(/container pa +1k +3k .* 750 /);
    expect(line).toContain("7.30 µs");
    expect(text).toMatch(/probes: 1\.10 % of a CPU, at most 2\.0 %.*; p50, p99: probes on/);
    expect(text).toContain("02:00:00:00:00:01 moved from pa to pb");
  });

  it("has broadcast and drops in 80 columns, and says why", () => {
    const decisions = {
      ...{ knownUnicast: 0, unknownUnicast: 0, broadcast: 1000, multicast: 0 },
      ...{ local: 0, filtered: 0 },
    };
    const dropped = [
      { reason: "NETFILTER_DROP", where: "nf_hook_slow", count: 30 },
      { reason: "NOT_SPECIFIED", where: "br_dev_queue_push_xmit", count: 2 },
    ];
    const told = story(
      record([port("host"), port("vethb0c3b2a1f00", { decisions }), port("pb", { dropped })]),
    );
    const lines = draw(told);
    const head = lines.find((line) => line.startsWith("port")) ?? "";
    const cell = (name: string, title: string) => {
      const line = lines.find((one) => one.startsWith(name)) ?? "";
      return line.slice(0, head.indexOf(title) + title.length).match(/\S+$/)?.[0];
    };
    expect(cell("vethb", "bcast/s")).toBe("1k");
    expect(cell("pb", "drop/s")).toBe("32");
    expect(lines.join("\n")).toContain(
      "pb drops 32/s: NETFILTER_DROP in nf_hook_slow 30/s, NOT_SPECIFIED in br_dev_que…",
    );
    // Each column has a name of its own, whatever the width.
    const titles = (draw(told, {}, 400).find((line) => line.startsWith("port")) ?? "")
      .trim()
      .split(/ {2,}|(?<! p) (?!p\d\d)/);
    expect(new Set(titles).size).toBe(titles.length);
  });

  it("marks a port that storms or drops, and not one that asks by broadcast now and then", () => {
    const decided = (broadcast: number) => ({
      decisions: {
        ...{ knownUnicast: 0, unknownUnicast: 0, broadcast, multicast: 0, local: 0, filtered: 0 },
      },
    });
    const dropped = [{ reason: "CPU_BACKLOG", where: "enqueue_to_backlog", count: 1 }];
    const nowhere = [
      { reason: "NO_TX_TARGET", where: "br_flood", count: 9 },
      { reason: "NOT_SPECIFIED", where: "br_handle_frame_finish", count: 9 },
    ];
    const told = story(
      record([
        ...[port("pa", decided(95)), port("pb", decided(9))],
        ...[port("pc", { ...decided(0), dropped }), port("pd", decided(0))],
        ...[port("pe", { ...decided(0), dropped: nowhere })],
      ]),
    );
    const lines = drawWatch(told, FIRST_VIEW, { width: 80, height: 24, color: true });
    const marked = (name: string) =>
      lines.find((line) => line.includes(`${name}  `))?.startsWith("\u001b");
    expect(["pa", "pb", "pc", "pd", "pe"].map(marked)).toEqual([
      ...[true, false, true, false, false],
    ]);
  });

  it("cuts nothing where there is no terminal", () => {
    const label = "container a-service-whose-name-is-long-indeed";
    const owner = { label, namespace: null, pid: 1, command: "x", cgroup: null };
    const notes = ["n".repeat(300)];
    const dropped = Array.from({ length: 9 }, (_, n) => ({
      ...{ reason: `REASON_${n}`, where: "somewhere", count: 9 - n },
    }));
    const told = story(
      record([port("pa", { owner: { ...owner, container: null, pod: null }, dropped })], { notes }),
    );
    const text = draw(told, {}, Number.POSITIVE_INFINITY, null).join("\n");
    for (const part of [label, notes[0], "REASON_8 in somewhere 1/s"]) expect(text).toContain(part);
    expect(text).not.toContain("…");
  });

  it("says what the keys do when asked, at any size", () => {
    const told = story(record([port("pa")]));
    for (const height of [1, 5, 24])
      expect(draw(told, { help: true }, 80, height)).toHaveLength(height);
    const text = draw(told, { help: true }).join("\n");
    expect(text).toContain("filter by name and owner");
    expect(text).not.toContain("container pa");
  });

  it("marks a port whose unknown frames are flooded, and not one whose frames leave nowhere", () => {
    const told = story(record([port("pa"), port("pb", { copies: 0, amplification: 0 })]));
    const size = { width: 80, height: 24, color: true };
    const lines = drawWatch(told, FIRST_VIEW, size);
    const marked = (name: string) =>
      lines.find((line) => line.includes(name))?.startsWith("\u001b");
    expect([marked("pa "), marked("pb ")]).toEqual([true, false]);
  });

  it.each(SIZES)("fits into %i columns and any height, whatever ports are called", (width) => {
    const names = [
      "$(id)`",
      "\u001b[31m红色",
      "a\u202eb",
      ...Array.from({ length: 200 }, (_, n) => `veth${n}`),
    ];
    const told = story(record(names.map((name) => port(name))));
    for (const height of [1, 2, 3, 5, 24, null]) {
      const lines = draw(told, {}, width, height);
      if (height !== null) expect(lines).toHaveLength(height);
      for (const line of lines) {
        expect(columns(line)).toBeLessThanOrEqual(width);
        expect(line).not.toMatch(/\p{C}/u);
      }
    }
  });

  it("says that nothing was counted rather than zero", () => {
    const none = {
      ...{ ingress: null, egress: null, decisions: null, copies: null, amplification: null },
      ...{ originated: null, unattributed: null, learned: null, moved: null, latency: {} },
      ...{ held: null, later: null, dropped: null },
    };
    const overhead = { share: null, limit: 0.02, sampledOneIn: null, softnetDrops: 0 };
    const told = story(record([port("host", none), port("pa", none)], { counted: 0, overhead }));
    const line = draw(told).find((one) => one.startsWith("pa"));
    expect(line).toMatch(/1k +3k +- +/);
    expect(draw(told).join("\n")).toContain("no probes");
  });

  it("sorts, filters and scrolls", () => {
    const busy = { counters: { rx: 9000, tx: 0, txDropped: 0 } };
    const told = story(record([port("host"), port("pa"), port("pb", busy), port("pc")]));
    const names = (view: Partial<View>) =>
      draw(told, view)
        .map((line) => line.split(" ")[0])
        .filter((word) => /^(host|p[abc])$/.test(word ?? ""));
    expect(names({})).toEqual(["pb", "host", "pa", "pc"]);
    expect(names({ sort: "name", reverse: true })).toEqual(["pc", "pb", "pa", "host"]);
    expect(names({ filter: "CONTAINER PA" })).toEqual(["pa"]);
    expect(names({ offset: 2 })).toEqual(["pa", "pc"]);
  });

  it("ranks bridges, and opens one", () => {
    const other = { bridge: { name: "br1", ifindex: 5, namespace: { inode: 1, label: "red" } } };
    const quiet = { counters: { rx: 1, tx: 1, txDropped: 0 } };
    const told = story(
      record([port("host")]),
      record([port("host", quiet), port("px", quiet)], other),
    );
    expect(draw(told).join("\n")).toMatch(/2 bridges.*br0.*br1/s);
    let view: View = FIRST_VIEW;
    const key = (name: string) => {
      view = press(view, { name }, rankedIds(told, view));
    };
    key("down");
    key("down");
    key("return");
    expect(draw(told, view).join("\n")).toContain("br1 in red, 1 port");
    key("escape");
    expect(view.open).toBeNull();
  });
});

describe("keys", () => {
  const type = (view: View, ...keys: Key[]) => keys.reduce((now, key) => press(now, key, []), view);

  it("type a filter, which stays a text", () => {
    const letters = ["/", "a", "\u001b", "q"].map((sequence) => ({ sequence }));
    const typed = type(FIRST_VIEW, ...letters);
    expect(typed).toMatchObject({ typing: true, filter: "aq", quit: false });
    expect(type(typed, { name: "backspace" }, { name: "return" })).toMatchObject({
      typing: false,
      filter: "a",
    });
    expect(type(typed, { name: "escape" })).toMatchObject({ typing: false, filter: "" });
  });

  it("show what they do, until the next one", () => {
    const help = type(FIRST_VIEW, { sequence: "?" });
    expect(help.help).toBe(true);
    expect(type(help, { name: "s" })).toEqual(FIRST_VIEW);
    expect(type(help, { name: "q" }).quit).toBe(true);
  });

  it("quit, with Ctrl-C wherever one is", () => {
    expect(type(FIRST_VIEW, { name: "q" }).quit).toBe(true);
    expect(type({ ...FIRST_VIEW, typing: true }, { name: "c", ctrl: true }).quit).toBe(true);
  });
});
