import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { estimateNs } from "../../../src/bench/plan/plan.ts";
import { type BenchRequest, planFor } from "../../../src/bench/plan/request.ts";
import { UsageError } from "../../../src/system/errors.ts";

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function planFile(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), "bridgescope-plan-"));
  folders.push(folder);
  const path = join(folder, "plan.yaml");
  writeFileSync(path, text);
  return path;
}

const ids = (name: string | undefined, request: BenchRequest = {}) =>
  planFor(name, request).plan.cases.map((one) => one.id);

describe("planFor", () => {
  it("runs quick when nothing is asked, in under a minute by its own estimate", () => {
    const { plan } = planFor(undefined, {});
    expect(plan.name).toBe("quick");
    expect(estimateNs(plan)).toBeLessThan(60e9);
  });

  it("keeps the article under four minutes and shows the walk first", () => {
    const { plan } = planFor("article", {});
    expect(plan.ladder).toBe(true);
    expect(estimateNs(plan)).toBeLessThan(240e9);
    expect(plan.cases[1]?.topology.hosts[0]?.address).toBe("192.168.1.1/24");
  });

  it("refuses so few turns of truth that none has an interval", () => {
    for (const latencySessions of [0, 1, 100]) {
      expect(() => planFor("truth", { latencySessions })).toThrow(
        `the plan truth takes 2 to 99 --latency-sessions, since one has no interval, not ${latencySessions}`,
      );
    }
    expect(planFor("truth", { latencySessions: 2 }).plan.truth?.turns).toBe(2);
  });

  it("crosses topologies with workloads", () => {
    const request = {
      topology: ["bridge:2", "bridge:8,ageing_time=5s"],
      workload: ["ping", "flood"],
    };
    expect(ids(undefined, request)).toEqual([
      "bridge:2/ping",
      "bridge:2/flood",
      "bridge:8,ageing_time=5s/ping",
      "bridge:8,ageing_time=5s/flood",
    ]);
  });

  it("hands an external topology its commands, with arrays as with JSON", () => {
    const setup = ["./connect.sh", "add"];
    const expected = { setup, teardown: ["./connect.sh", "del"], limitMs: 1500 };
    for (const form of [setup, JSON.stringify(setup)]) {
      const request = { setup: form, teardown: '["./connect.sh","del"]', setupLimit: "1500ms" };
      const { plan } = planFor(undefined, { topology: ["external"], ...request });
      expect(plan.cases[0]?.topology).toMatchObject({ commands: expected });
    }
  });

  it("plans cases in networks of others without probes, whatever auto finds", () => {
    const request = { topology: ["attach:a,b"], latencySessions: 3, rounds: 2 };
    const { plan } = planFor(undefined, request);
    expect(plan.cases.map((one) => one.latencySessions)).toEqual([3]);
    expect(estimateNs(plan)).toBe(estimateNs({ ...plan, backend: "off" }));
  });

  it("puts parameters that differ into the id", () => {
    const request = { topology: ["bridge:2"], workload: ["forward"], frameSize: "1514" };
    expect(ids(undefined, request)).toEqual(["bridge:2/forward,frameSize=1514"]);
  });

  it("takes durations as 1, 1s and 500ms", () => {
    const nanoseconds = (duration: string) =>
      planFor("quick", { duration }).plan.cases.map((one) => one.durationNs)[1];
    expect(["1", "1s", "500ms"].map(nanoseconds)).toEqual([1e9, 1e9, 500e6]);
  });

  it.each(["8s", "30s", "300s"])("fills a budget of %s and keeps it", (budget) => {
    const request = { topology: ["bridge:2"], workload: ["forward"], budget };
    const asked = Number.parseInt(budget, 10) * 1e9;
    for (const extra of [{}, { backend: "off" }]) {
      const estimate = estimateNs(planFor(undefined, { ...request, ...extra }).plan);
      expect(estimate).toBeLessThanOrEqual(asked);
      expect(estimate).toBeGreaterThan(asked * 0.8);
    }
  });

  it("leaves a parameter that names the default out of the id", () => {
    const request = { topology: ["bridge:2"], workload: ["forward"], frameSize: "60" };
    expect(ids(undefined, request)).toEqual(["bridge:2/forward"]);
  });

  it("gives iperf3 the whole seconds that it needs", () => {
    const request = { workload: ["tcp-stream"], duration: "100ms" };
    const durationNs = (engine: string) =>
      planFor(undefined, { ...request, engine }).plan.cases[0]?.durationNs;
    expect([durationNs("iperf3"), durationNs("sockets")]).toEqual([1e9, 100e6]);
  });

  it("gives a parameter to those cases of a plan whose workload takes it", () => {
    expect(ids("quick", { senders: "2" })).toEqual([
      "bridge:2/ping-flood",
      "bridge:4/forward,senders=2",
      "bridge:4/flood,senders=2",
    ]);
  });

  it("reads a plan from YAML", () => {
    const path = planFile(`
name: mine
rounds: 3
duration: 500ms
cases:
  - { topology: "bridge:3", workload: learn }
  - { topology: veth, workload: forward, frameSize: 128 }
`);
    const { plan } = planFor(path, {});
    expect(plan.name).toBe("mine");
    expect(plan.cases.map((one) => [one.id, one.rounds, one.durationNs])).toEqual([
      ["bridge:3/learn", 3, 500e6],
      ["veth/forward,frameSize=128", 3, 500e6],
    ]);
  });

  it.each<[string, string | undefined, BenchRequest, RegExp]>([
    ["unknown plan", "quik", {}, /unknown plan "quik".*article, quick/],
    [
      "unknown topology",
      undefined,
      { topology: ["ring:3"] },
      /unknown topology "ring:3".*netns, veth, bridge:N/,
    ],
    [
      "unknown workload",
      undefined,
      { workload: ["storm"] },
      /unknown workload "storm".*ping, ping-flood/,
    ],
    [
      "unknown option",
      undefined,
      { topology: ["bridge:4,colour=red"] },
      /unknown topology option "colour".*ageing_time/,
    ],
    [
      "unknown backend",
      "quick",
      { backend: "magic" },
      /unknown backend "magic".*auto, fentry, kprobe, tracepoint, off/,
    ],
    ["N too large", undefined, { topology: ["bridge:1024"] }, /1023/],
    ["N too small", undefined, { topology: ["bridge:0"] }, /out of range/],
    [
      "a workload that does not fit",
      undefined,
      { topology: ["netns"], workload: ["flood"] },
      /does not run on netns/,
    ],
    ["a parameter that nothing takes", "quick", { addresses: "8" }, /no workload.*--addresses/],
    [
      "more senders than hosts",
      undefined,
      { topology: ["bridge:2"], senders: "3" },
      /senders of forward expects from 1 to 2 senders on bridge:2/,
    ],
    ["both ways at once", "quick", { topology: ["veth"] }, /not both/],
    ["no duration", "quick", { duration: "soon" }, /--duration expects a duration/],
    ["too short", "quick", { duration: "1ms" }, /at least 10ms/],
    ["too many rounds", "quick", { rounds: "255" }, /1 to 254/],
    ["half a round", "quick", { rounds: "1.5" }, /whole number/],
    ["a budget nobody can keep", undefined, { topology: ["bridge:2"], budget: "2s" }, /too short/],
    [
      "a parameter that has no effect",
      undefined,
      { workload: ["ping"], frameSize: "1000" },
      /no workload of this plan takes --frame-size: ping/,
    ],
    ["a frame too short", undefined, { workload: ["forward"], frameSize: "20" }, /from 60 to 1514/],
    [
      "a frame over the MTU",
      undefined,
      { topology: ["bridge:2,mtu=576"], frameSize: "600" },
      /from 60 to 590/,
    ],
    [
      "a message too long",
      undefined,
      { workload: ["udp-rr"], messageSize: "5000" },
      /from 4 to 1472/,
    ],
    [
      "a rate of nothing",
      undefined,
      { workload: ["tcp-rr"], rate: "0" },
      /rate of tcp-rr expects from 1/,
    ],
    [
      "pipelining where each request has a connection of its own",
      undefined,
      { workload: ["tcp-crr"], pipelining: "2" },
      /no workload of this plan takes --pipelining/,
    ],
    [
      "a datagram over the MTU",
      undefined,
      { topology: ["veth,mtu=576"], workload: ["udp-stream"], messageSize: "549" },
      /from 1 to 548/,
    ],
    [
      "an engine that nobody knows",
      undefined,
      { workload: ["tcp-stream"], engine: "netperf" },
      /engine of tcp-stream expects sockets, iperf3/,
    ],
    [
      "more connections than iperf3 holds",
      undefined,
      { workload: ["tcp-stream"], engine: "iperf3", connections: "129" },
      /at most 128 connections/,
    ],
    ["a case twice", undefined, { topology: ["veth", "veth"], workload: ["ping"] }, /twice/],
    ["a plan that is not there", "/nowhere/plan.yaml", {}, /could not be read/],
    ["an MTU of words", undefined, { topology: ["bridge:2,mtu=big"] }, /mtu expects/],
  ])("refuses %s with a sentence", (_what, name, request, message) => {
    expect(() => planFor(name, request)).toThrow(UsageError);
    expect(() => planFor(name, request)).toThrow(message);
  });

  it("refuses a parameter of a plan file's case that has no effect", () => {
    const path = planFile("cases: [{ topology: veth, workload: ping, frameSize: 1000 }]");
    expect(() => planFor(path, {})).toThrow(/workload ping takes no frameSize/);
  });

  it("lists the known fields for an unknown one in a plan file", () => {
    const path = planFile("cases: [{ topology: veth, workload: ping, colour: red }]\n");
    expect(() => planFor(path, {})).toThrow(/plan.yaml:1: .*colour.*latencySessions/s);
  });
});
