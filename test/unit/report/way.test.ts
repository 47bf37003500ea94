/** The drawn way of a frame against the ports of the document that it was drawn from. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Case, runSchema } from "../../../src/document/run.ts";
import { type Way, wayOf } from "../../../src/report/facts/way.ts";
import { waterfall } from "../../../src/report/html/waterfall.ts";
import { bookwormRun } from "../../fixtures/report/kernels.ts";
import { flood, forward } from "../../fixtures/report/runs.ts";

const SAMPLE = runSchema.parse(JSON.parse(readFileSync("reports/sample/run.json", "utf8")));
const BRIDGED = SAMPLE.cases.filter(({ lab }) => lab.bridge !== null);

describe.each(BRIDGED.map((item) => [item.id, item] as const))("%s", (_, item) => {
  const way = drawn(item);
  const legs = vethLegs(way);

  // A case whose ports have frames both ways has none, which a test below holds.
  test.each(legs)("$name is of a port that frames pass in that direction alone", (leg) => {
    const port = item.ports.find((one) => one.name === leg.port) ?? expect.fail(leg.name);
    expect(leg.times).toEqual(port.latency.veth);
    const isEntry = leg.name.startsWith("veth to the bridge");
    const [right, wrong] = isEntry ? [port.ingress, port.egress] : [port.egress, port.ingress];
    expect(wrong / right).toBeLessThan(0.02);
  });

  test.each(legs)("$name is not the number that pools them", ({ times }) => {
    expect(times.p50).not.toBe(item.latency.veth?.p50);
  });

  test("a leg is drawn, or said to be missing", () => {
    for (const words of ["to the bridge", "from the bridge"]) {
      const isDrawn = legs.some(({ name }) => name.includes(words));
      const isCopy = words === "from the bridge" && legs.some(({ name }) => name.includes("copy"));
      expect(isDrawn || isCopy).toBe(!(way.missing ?? "").includes(words));
    }
  });

  test("the bars and what is not probed add up to the path", () => {
    const { knownUnicast, unknownUnicast, broadcast } = item.bridge?.decisions ?? expect.fail();
    const stages = [
      "veth",
      knownUnicast > unknownUnicast + broadcast ? "bridge.forward" : "bridge.flood",
    ];
    const bars = way.legs.filter(({ stage }) => stages.includes(stage));
    const sum = bars.reduce((total, { times }) => total + times.p50, 0);
    expect(sum + (way.rest?.length ?? Number.NaN)).toBeCloseTo(way.paths[0]?.times.p50 ?? 0);
  });
});

test("some cases of the sample have both legs, and some have ports with frames both ways", () => {
  const missing = BRIDGED.map((item) => drawn(item).missing);
  expect(missing).toContain(null);
  expect(missing.filter((one) => one !== null).length).toBeGreaterThan(0);
});

describe("in a flood", () => {
  test("the last and the first copy are those whose path is longest and shortest", () => {
    const item = flood(4);
    const [, , , far] = item.ports;
    if (far !== undefined) far.latency.path = { sampled: 1300, p50: 9000, p90: 9900, p99: 20_000 };
    const names = [...drawn(item).legs, ...drawn(item).paths].map(({ name }) => name);
    expect(names.filter((name) => /veth|path/.test(name))).toEqual([
      "veth to the bridge (bs0p0)",
      "veth, last copy (bs0p3)",
      "path, last copy (bs0p3)",
      "veth, first copy (bs0p2)",
      "path, first copy (bs0p2)",
    ]);
  });

  test("ports that got few of the copies are left out", () => {
    const item = flood(4);
    const [, , , idle] = item.ports;
    if (idle?.latency.path !== undefined) idle.latency.path.p50 = 90_000;
    if (idle?.latency.veth !== undefined) idle.latency.veth.sampled = 5;
    expect(drawn(item).paths[0]?.port).not.toBe("bs0p3");
  });
});

test("of several senders the one in the middle stands for the leg", () => {
  const item = forward(4);
  const [entry] = item.ports;
  if (entry === undefined) throw new Error("fixture");
  const senders = [900, 700, 800].map((p50, index) => ({
    ...entry,
    name: `s${index}`,
    latency: { veth: { sampled: 1300, p50, p90: p50, p99: p50 } },
  }));
  const [leg] = drawn({ ...item, ports: [...senders, ...item.ports.slice(1)] }).legs;
  expect(leg).toMatchObject({ name: "veth to the bridge (s2)", times: { p50: 800 } });
});

describe("a leg that the document does not have", () => {
  test("is left out, and why: ports with frames both ways", () => {
    const item = forward(4);
    for (const port of item.ports) Object.assign(port, { ingress: 500, egress: 500 });
    expect(vethLegs(drawn(item))).toEqual([]);
    expect(drawn(item).missing).toBe(
      "veth to the bridge and from the bridge: the ports have frames both ways, and a port has one number for both",
    );
    expect(waterfall(item, 0).text).toContain("veth, device transmit, probes");
  });

  test("is left out, and why: a lab without times by port", () => {
    const item = forward(4);
    for (const port of item.ports) port.latency = {};
    expect(drawn(item).missing).toContain("no times by port");
  });

  test("is the one from the bridge where instructions were counted", () => {
    const [item] = bookwormRun().cases;
    if (item === undefined) throw new Error("fixture");
    expect(vethLegs(drawn(item))).toMatchObject([{ times: { p50: item.latency["veth.in"]?.p50 } }]);
    expect(drawn(item)).toMatchObject({ rest: null, missing: "veth from the bridge: not counted" });
    expect(waterfall(item, 0).text).not.toContain("probes on");
  });
});

test("bars that add up to more than the path say so", () => {
  const item = forward(4);
  if (item.latency.path !== undefined) item.latency.path.p50 = 1000;
  expect(drawn(item).rest?.length).toBeLessThan(0);
  expect(waterfall(item, 0).text).toMatch(/none: bars are 1\.\d+ µs over the path/);
});

function drawn(item: Case): Way {
  return wayOf(item) ?? expect.fail(`nothing was timed in ${item.id}`);
}

function vethLegs({ legs, paths }: Way): Way["legs"] {
  return [...legs, ...paths].filter(({ stage }) => stage.startsWith("veth"));
}
