/** The drawn way of a frame against the document that it was drawn from. */
import { describe, expect, test } from "vitest";
import type { Case } from "../../../src/document/run.ts";
import { type Way, wayOf } from "../../../src/report/facts/way.ts";
import { waterfall } from "../../../src/report/html/waterfall.ts";
import { bookwormRun } from "../../fixtures/report/kernels.ts";
import { atPort, withheldBy } from "../../fixtures/report/parts.ts";
import { completeRun, flood, forward } from "../../fixtures/report/runs.ts";

describe("a frame that is forwarded", () => {
  const item = forward(4);
  const way = drawn(item);

  test("goes through veth.in of its port, the bridge, and veth.out of its port", () => {
    expect(way.legs.map(({ name, start, times }) => [name, start, times.p50])).toEqual([
      ["veth.in (bs0p0)", 0, 400],
      ["bridge.forward", 400, item.latency["bridge.forward"]?.p50],
      ["veth.out (bs0p1)", 400 + net(item, "bridge.forward"), 470],
    ]);
    expect(way.missing).toEqual([]);
  });

  test("leaves of the path what no probe covers", () => {
    const bars = 400 + net(item, "bridge.forward") + 470;
    expect(way.rest).toEqual({ start: bars, length: net(item, "path") - bars });
    expect(waterfall(item, 0).text).toContain('class="hatch"');
    expect(waterfall(item, 0).text).toMatch(/\d+ ns: between the stages/);
  });

  test("has its gap at the sender named", () => {
    expect(waterfall(item, 0).text).toContain(
      "begins at net:netif_rx (in veth_xmit of the sender: what comes before is not in it)",
    );
  });

  test("is drawn without the numbers that are raw", () => {
    const said = waterfall(item, 0).text;
    expect(said).toContain("net of the probes");
    expect(said).not.toMatch(/p99/);
  });
});

describe("in a flood", () => {
  test("the last copy is that of the oldest port and leaves at the end, the first is put where it begins", () => {
    const item = flood(4);
    const way = drawn(item);
    const flooded = 400 + net(item, "bridge.flood");
    expect(way.legs.map(({ name, start }) => [name, start])).toEqual([
      ["veth.in (bs0p0)", 0],
      ["bridge.flood", 400],
      ["veth.out, last copy (bs0p1)", flooded],
      ["veth.out, first copy (bs0p3)", 400],
    ]);
    expect(way.rest).toEqual({
      start: flooded + (way.legs[2]?.times.p50 ?? Number.NaN),
      length: null,
    });
    const said = waterfall(item, 0).text;
    expect(said).toContain("when it was queued no probe tells");
    expect(said).toContain("How much lies between the stages is not known here");
    expect(said).toContain("not probed: not known");
    expect(said).toContain('class="hatch"');
  });

  test("ports that got few of the copies are left out", () => {
    const item = flood(4);
    const idle = item.ports[3]?.latency["veth.out"] ?? expect.fail();
    idle.sampled = 5;
    expect(drawn(item).legs.map(({ port }) => port)).not.toContain("bs0p3");
    expect(drawn(item).legs.at(-1)?.name).toBe("veth.out, first copy (bs0p2)");
  });
});

test("of several senders the one in the middle stands for the leg", () => {
  const item = forward(4);
  const [entry] = item.ports;
  if (entry === undefined) throw new Error("fixture");
  const senders = [900, 700, 800].map((p50, index) => ({
    ...entry,
    name: `s${index}`,
    latency: { "veth.in": atPort(p50) },
  }));
  const [leg] = drawn({ ...item, ports: [...senders, ...item.ports.slice(1)] }).legs;
  expect(leg).toMatchObject({ name: "veth.in (s2)", times: { p50: 800 } });
});

describe("a stage that the document does not have", () => {
  test("is left out, and why", () => {
    const item = forward(4);
    delete item.latency["veth.out"];
    for (const port of item.ports) delete port.latency["veth.out"];
    expect(drawn(item).missing).toEqual(["veth.out: not timed"]);
    expect(drawn(item).legs.map(({ stage }) => stage)).toEqual(["veth.in", "bridge.forward"]);
    expect(waterfall(item, 0).text).toContain("and the stages that are missing here");
  });

  test("is withheld with its reason, and no raw number takes its place", () => {
    const item = forward(4);
    const withheld = withheldBy(item, "the probes varied").latency["veth.in"];
    if (withheld !== undefined) item.latency["veth.in"] = withheld;
    for (const port of item.ports) delete port.latency["veth.in"];
    expect(drawn(item).missing).toEqual(["veth.in: the probes varied"]);
    expect(drawn(item).legs[0]).toMatchObject({ name: "bridge.forward", start: 0 });
  });

  test("is all of the way where a time check failed: nothing is drawn", () => {
    expect(wayOf(withheldBy(forward(4), "time check"))).toBeNull();
    expect(waterfall(withheldBy(forward(4), "time check"), 0).text).toBe("");
  });

  test("is the whole case's where ports have none", () => {
    const item = forward(4);
    for (const port of item.ports) port.latency = {};
    expect(drawn(item).legs.map(({ name }) => name)).toEqual([
      "veth.in",
      "bridge.forward",
      "veth.out",
    ]);
    for (const port of item.ports) expect(port.latency).toEqual({});
  });

  test("is the leg from the bridge where instructions were counted", () => {
    const [item] = bookwormRun().cases;
    if (item === undefined) throw new Error("fixture");
    expect(drawn(item).legs[0]?.times.p50).toBe(item.latency["veth.in"]?.p50);
    expect(drawn(item)).toMatchObject({ rest: { length: null }, missing: ["veth.out: not timed"] });
  });
});

test("without a bridge the path is all there is", () => {
  const item = completeRun().cases.find(({ id }) => id === "veth/send") ?? expect.fail();
  expect(drawn(item)).toMatchObject({ legs: [], rest: null, missing: [], path: { start: 0 } });
  expect(waterfall(item, 0).text).not.toContain("between the stages");
});

test("bars that add up to more than the path say so", () => {
  const item = forward(4);
  if (item.latency.path !== undefined) item.latency.path.p50 = 700;
  expect(drawn(item).rest?.length).toBeLessThan(0);
  expect(waterfall(item, 0).text).toMatch(/none: bars are \d+ ns over the path/);
});

function drawn(item: Case): Way {
  return wayOf(item) ?? expect.fail(`nothing is net in ${item.id}`);
}

function net({ latency }: Case, stage: "bridge.forward" | "bridge.flood" | "path"): number {
  return latency[stage]?.p50 ?? Number.NaN;
}
