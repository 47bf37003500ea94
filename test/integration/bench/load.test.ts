import { execFile } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { EchoSetup } from "../../../src/bench/load/echo-worker.ts";
import type { ExchangeResult } from "../../../src/bench/load/exchange-loop.ts";
import type { ExchangeSetup } from "../../../src/bench/load/exchange-worker.ts";
import type { RoundOrder } from "../../../src/bench/load/order.ts";
import { linksOf } from "../../../src/bench/load/pairs.ts";
import { startThread } from "../../../src/bench/load/thread.ts";
import { workloadNamed } from "../../../src/bench/workloads/index.ts";
import type { WorkloadOptions } from "../../../src/bench/workloads/parameters.ts";
import type { Driver } from "../../../src/bench/workloads/workload.ts";
import type { Case } from "../../../src/document/run.ts";
import { type BenchOptions, bench } from "../../../src/index.ts";
import { type BuiltLab, buildPrivateLab } from "../../../src/setup/lab.ts";
import { SWITCH } from "../../../src/setup/plan.ts";
import { waitUntilReady } from "../../../src/setup/ready.ts";
import { parseTopology } from "../../../src/setup/topology.ts";
import { startChild } from "../../../src/system/child.ts";
import { threadCpus } from "../../../src/system/libc.ts";
import { hostSite } from "../../../src/system/site.ts";
import { casesInFull } from "../../full.ts";
import { MAIN, scratch } from "./cli.ts";

/** One with a stream and one without come first. */
const ALL = ["tcp-rr", "udp-stream", "tcp-crr", "udp-rr", "tcp-stream"];
const ROUNDS = 2;
/** Under the counting probes besides these: the one for what they cost. */
const OTHER_ROUNDS = 1;
/** Neighbours ask each other now and then whether they are still there. */
const ARP = 12;

async function measure(
  topology: string,
  workload: string,
  options: Partial<BenchOptions>,
): Promise<Case> {
  const request = {
    topology: [topology],
    workload: [workload],
    rounds: ROUNDS,
    seed: 1,
    latencySessions: 0,
  };
  const run = await bench({ ...request, duration: "50ms", ...options });
  const [only] = run.cases;
  if (only === undefined) throw new Error("the run has no case");
  expect(only.error).toBeNull();
  expect(only.state).toBe("complete");
  return only;
}

function bridgeOf({ bridge, probe }: Case) {
  if (bridge === undefined || probe === undefined) throw new Error("the case has no account");
  expect(probe.degraded).toEqual([]);
  expect(bridge.unaccounted).toBe(0);
  return bridge;
}

function ingressOf(measured: Case, name: string) {
  const port = measured.ports.find((one) => one.name === name);
  if (port === undefined) throw new Error(`the case has no port ${name}`);
  return port;
}

describe("workloads with sockets go through", () => {
  casesInFull(2, ALL)("%s, on every topology, over several connections", async (workload) => {
    const cpus = threadCpus().reverse();
    const [client = 0, server = client] = cpus;
    for (const topology of ["netns", "veth", "bridge:5"]) {
      const measured = await measure(topology, workload, { connections: 3, backend: "off", cpus });
      expect(measured.warnings).toEqual([]);
      expect(measured.workload.connections).toBe(3);
      expect(measured.lab.placement).toEqual([
        { thread: "client", cpus: [client] },
        { thread: "server", cpus: [server] },
      ]);
    }
  });

  casesInFull(1, ["udp-stream", "tcp-stream"])("%s with iperf3", async (workload) => {
    const options = { engine: "iperf3", backend: "off", rounds: 1, connections: 2 };
    const measured = await measure("bridge:2", workload, options);
    expect(measured.workload).toMatchObject({ engine: "iperf3", connections: 2 });
    expect(measured.metrics.throughput?.samples[0]).toBeGreaterThan(0);
    if (workload === "udp-stream") expect(measured.metrics.frame_loss?.samples).toHaveLength(1);
  });
});

describe("what a workload says it sent is what the bridge saw", () => {
  it("udp-rr: two frames a request", async () => {
    const measured = await measure("bridge:2", "udp-rr", { amount: 500 });
    const frames = 2 * 500 * (ROUNDS + OTHER_ROUNDS);
    const { decisions } = bridgeOf(measured);
    expect(decisions.knownUnicast).toBeGreaterThanOrEqual(frames);
    expect(decisions.knownUnicast).toBeLessThanOrEqual(frames + ARP);
    expect(measured.metrics.frame_loss?.samples).toEqual([0, 0]);
    expect(measured.roundTrip).toMatchObject({
      count: 500 * ROUNDS,
      from: "request sent",
      missedSlots: null,
    });
  });

  it("tcp-rr: at least two frames a request, over connections and pipelines", async () => {
    const options = { amount: 500, connections: 3, pipelining: 4, messageSize: 3000 };
    const measured = await measure("bridge:4", "tcp-rr", options);
    const requests = 500 * (ROUNDS + OTHER_ROUNDS);
    bridgeOf(measured);
    const sent = ["p1", "p3"].map((name) => ingressOf(measured, name).bytes.ingress);
    expect(sent[0] ?? 0).toBeGreaterThan(sent[1] ?? 0);
    expect((sent[0] ?? 0) + (sent[1] ?? 0)).toBeGreaterThan(requests * 3000);
    expect(measured.roundTrip?.count).toBe(500 * ROUNDS);
  });

  it("tcp-crr: at least five frames a transaction", async () => {
    const measured = await measure("bridge:2", "tcp-crr", { amount: 200, connections: 2 });
    const transactions = 200 * (ROUNDS + OTHER_ROUNDS);
    // SYN, SYN-ACK, ACK, request, answer, RST; an ACK may ride on the request.
    expect(bridgeOf(measured).decisions.knownUnicast).toBeGreaterThan(5 * transactions);
    expect(measured.roundTrip?.count).toBe(200 * ROUNDS);
  });

  it("udp-stream: one frame a datagram", async () => {
    const measured = await measure("bridge:2", "udp-stream", { amount: 1000 });
    bridgeOf(measured);
    const frames = 1000 * (ROUNDS + OTHER_ROUNDS);
    expect(ingressOf(measured, "p1").ingress).toBeGreaterThanOrEqual(frames);
    expect(ingressOf(measured, "p1").ingress).toBeLessThanOrEqual(frames + ARP);
    expect(measured.metrics.frame_loss?.samples).toEqual([0, 0]);
  });

  it("tcp-stream: its bytes and little more", async () => {
    const measured = await measure("bridge:2", "tcp-stream", { amount: 100, connections: 2 });
    bridgeOf(measured);
    const bytes = 100 * 131_072 * (ROUNDS + OTHER_ROUNDS);
    expect(ingressOf(measured, "p1").bytes.ingress).toBeGreaterThan(bytes);
    expect(ingressOf(measured, "p1").bytes.ingress).toBeLessThan(bytes * 1.1);
  });

  it("two hundred hosts, a hundred connections, two threads", async () => {
    const threads = readdirSync("/proc/self/task").length;
    const measured = await measure("bridge:200", "tcp-rr", { connections: 100, amount: 1000 });
    bridgeOf(measured);
    const hosts = measured.ports.filter(({ name }) => name !== "host");
    expect(hosts).toHaveLength(200);
    // Ten requests of every connection in a round.
    expect(Math.min(...hosts.map(({ ingress }) => ingress))).toBeGreaterThan(10 * ROUNDS);
    expect(readdirSync("/proc/self/task").length).toBeLessThanOrEqual(threads + 4);
  });
});

/** Prepares a workload in a lab of its own. */
async function withDriver(
  topology: string,
  workload: string,
  options: WorkloadOptions,
  action: (driver: Driver, lab: BuiltLab) => Promise<void>,
): Promise<void> {
  const { signal } = new AbortController();
  const lab = await buildPrivateLab(parseTopology(topology), { signal });
  try {
    await waitUntilReady(lab, signal);
    const driver = await workloadNamed(workload).prepare({
      lab,
      options,
      cpus: threadCpus(),
      signal,
    });
    try {
      await action(driver, lab);
    } finally {
      await driver.close();
    }
  } finally {
    await lab.close();
  }
}

const port = (lab: BuiltLab, name: string, state: "up" | "down") =>
  lab.site.runOk("ip", ["-n", lab.names.namespace(SWITCH), "link", "set", name, state]);

/** State 0 is disabled, 3 forwarding; the devices keep their carrier. */
function bridgePort(lab: BuiltLab, name: string, state: "0" | "3") {
  const words = ["link", "set", "dev", name, "state", state];
  return lab.site.runOk("bridge", ["-n", lab.names.namespace(SWITCH), ...words]);
}

describe("a fixed rate", () => {
  it("sends so many, each counted from when it was due", async () => {
    const options = { rate: 400, amount: 40, backend: "off" };
    const measured = await measure("bridge:2", "udp-rr", options);
    expect(measured.roundTrip).toMatchObject({ count: 40 * ROUNDS, from: "intended send time" });
    expect(measured.workload.rate).toBe(400);
    // Forty slots at this rate take a tenth of a second, the last begins before that.
    for (const round of measured.rounds) expect(round.durationNs).toBeGreaterThan(97e6);
  });

  it.each(["udp-rr", "tcp-rr", "tcp-crr"])(
    "that %s cannot reach ends in time, says what was missed, and warns once",
    async (workload) => {
      const measured = await measure("bridge:2", workload, { rate: 10_000_000, backend: "off" });
      expect(measured.roundTrip?.missedSlots).toBeGreaterThan(0);
      expect(measured.warnings).toHaveLength(1);
      expect(measured.warnings[0]).toMatch(/rate of 10000000 a second was not reached/);
      expect(measured.metrics.frame_rate?.samples[0]).toBeLessThan(10_000_000);
    },
  );

  it.each(["tcp-stream", "udp-stream"])("that %s cannot reach is warned of", async (workload) => {
    const measured = await measure("bridge:2", workload, { rate: 100_000_000, backend: "off" });
    expect(measured.warnings).toHaveLength(1);
  });

  it("shows a stall in every request that was due meanwhile", async () => {
    await withDriver("bridge:2", "tcp-rr", { rate: 500 }, async (driver, lab) => {
      const round = driver.round(2e9);
      await sleep(300);
      await bridgePort(lab, "p2", "0");
      await sleep(300);
      await bridgePort(lab, "p2", "3");
      const { roundTrip } = await round;
      const slow = roundTrip?.buckets.filter(([lo]) => lo >= 100e6) ?? [];
      // At least 200 ms of 500 a second; a clock started at the sending would find one.
      expect(slow.reduce((sum, [, , count]) => sum + count, 0)).toBeGreaterThan(90);
      expect(roundTrip?.missedSlots).toBeGreaterThan(90);
    });
  });
});

describe("a peer that goes away in the middle of a round ends it with a sentence", () => {
  casesInFull<[string, RegExp]>(2, [
    ["tcp-rr", /tcp-rr: h1 to h2 \(198\.18\.0\.2\): the peer stopped answering/],
    ["udp-rr", /udp-rr: the peer stopped answering: \d+ of \d+ requests|from h1 to h2/],
    ["tcp-crr", /tcp-crr: h1 to h2.*the peer (did not answer|accepted no connection)/],
    ["tcp-stream", /tcp-stream: h1 to h2.*the peer took no byte for 1 s/],
  ])("%s, whose port goes down", async ([workload, sentence]) => {
    await withDriver("bridge:2", workload, {}, async (driver, lab) => {
      const round = driver.round(60e9);
      const failed = expect(round).rejects.toThrow(sentence);
      await sleep(200);
      await port(lab, "p2", "down");
      await failed;
      await expect(driver.round(50e6)).rejects.toThrow(workload);
    });
  });

  it("udp-stream, which hears of nothing, says that nothing arrives", async () => {
    await withDriver("bridge:2", "udp-stream", {}, async (driver, lab) => {
      await driver.round(50e6);
      await port(lab, "p2", "down");
      await expect(driver.round(50e6)).rejects.toThrow(/udp-stream: none of \d+ datagrams arrived/);
    });
  });

  casesInFull(2, ALL)("%s, whose own device is deleted", async (workload) => {
    await withDriver("bridge:2", workload, {}, async (driver, lab) => {
      const round = driver.round(60e9);
      const failed = expect(round).rejects.toThrow(/h1 to h2|stopped answering/);
      await sleep(200);
      await lab.site.runOk("ip", ["-n", lab.names.namespace("h1"), "link", "del", "eth0"]);
      await failed;
    });
  });

  it.each([
    ["udp", /nobody listens there/],
    ["tcp", /the peer (closed|broke) the connection/],
  ] as const)("a server thread that ends (%s)", async (protocol, sentence) => {
    const { signal } = new AbortController();
    const lab = await buildPrivateLab(parseTopology("veth"), { signal });
    const links = linksOf(lab, protocol, 1);
    const common = { workload: "mine", cpus: threadCpus(), signal };
    const server = await startThread<EchoSetup, never, never>("echo-worker", {
      ...common,
      name: "server",
      namespaceFd: links[0]?.server.namespaceFd ?? -1,
      setup: { protocol, links, size: 64 },
    });
    const client = await startThread<ExchangeSetup, RoundOrder, ExchangeResult>("exchange-worker", {
      ...common,
      name: "client",
      namespaceFd: links[0]?.client.namespaceFd ?? -1,
      setup: { kind: protocol, links, size: 64, pipelining: 1, spins: false },
    });
    const round = client.round({ durationNs: 60e9, amount: null, rate: null });
    const failed = expect(round).rejects.toThrow(sentence);
    await sleep(100);
    await server.close();
    await failed;
    await client.close();
    await lab.close();
  });

  casesInFull(1, ALL)("%s, before it could begin", async (workload) => {
    const { signal } = new AbortController();
    const lab = await buildPrivateLab(parseTopology("bridge:2"), { signal });
    await bridgePort(lab, "p2", "0");
    const context = { lab, options: {}, cpus: threadCpus(), signal };
    await expect(workloadNamed(workload).prepare(context)).rejects.toThrow(/h1 to h2/);
    await lab.close();
  });

  it("and hosts that never reach each other fail their cases in a finished document", async () => {
    const folder = scratch();
    const file = join(folder.path, "apart.yaml");
    const addresses = ["10.1.0.1/24", "10.2.0.1/24"];
    const hosts = ["one", "two"].map(
      (name, index) => `{ name: ${name}, address: ${addresses[index]} }`,
    );
    writeFileSync(file, `hosts: [${hosts.join(", ")}]\n`);
    const request = { topology: [file], workload: ALL, rounds: 1, duration: "50ms" };
    const run = await bench({ ...request, backend: "off" });
    folder.remove();
    expect(run.state).toBe("failed");
    expect(run.cases.map(({ workload }) => workload.name)).toEqual(ALL);
    for (const { state, error, workload } of run.cases) {
      expect(state).toBe("failed");
      expect(error).toMatch(new RegExp(`^${workload.name}: .*one to two`));
    }
  });
});

describe("threads leave nothing", () => {
  const traces = () => ({
    descriptors: readdirSync("/proc/self/fd").length,
    threads: readdirSync("/proc/self/task").length,
  });

  casesInFull(3, ALL)("%s, interrupted in the middle of a round", async (workload) => {
    const once = async () => {
      const controller = new AbortController();
      const { signal } = controller;
      const lab = await buildPrivateLab(parseTopology("bridge:4"));
      const driver = await workloadNamed(workload).prepare({
        lab,
        options: { connections: 50 },
        cpus: threadCpus(),
        signal,
      });
      const failed = expect(driver.round(60e9)).rejects.toThrow();
      await sleep(100);
      controller.abort();
      await failed;
      await driver.close();
      await lab.close();
    };
    await once();
    const before = traces();
    await once();
    expect(traces()).toEqual(before);
  });

  it("one that breaks is named, and its sockets are closed", async () => {
    const lab = await buildPrivateLab(parseTopology("veth"));
    const before = traces().descriptors;
    const [link] = linksOf(lab, "udp", 1);
    if (link === undefined) throw new Error("no link");
    const { namespaceFd } = link.server;
    const request = {
      workload: "mine",
      name: "server",
      cpus: threadCpus(),
      namespaceFd,
      signal: new AbortController().signal,
    };
    const setup = { protocol: "udp", size: 64 };
    // The second socket cannot be bound to the address of the first.
    const twice = startThread("echo-worker", {
      ...request,
      setup: { ...setup, links: [link, link] },
    });
    await expect(twice).rejects.toThrow(/^mine: .*bind: EADDRINUSE/);
    await expect(
      startThread("echo-worker", { ...request, setup: { ...setup, links: 5 } }),
    ).rejects.toThrow(/^mine: .*iterable/);
    await expect(startThread("no-worker", { ...request, setup })).rejects.toThrow(
      /^mine: the server thread broke: Cannot find module/,
    );
    expect(traces().descriptors).toBe(before);
    await lab.close();
  });
});

describe("tcp-crr", () => {
  it("keeps neither descriptors nor ports of transactions that are over", async () => {
    await withDriver("veth", "tcp-crr", { amount: 2000 }, async (driver, lab) => {
      await driver.round(0);
      const before = readdirSync("/proc/self/fd").length;
      await driver.round(0);
      // The server has read the last RST a moment after the client has sent it.
      const deadline = Date.now() + 5000;
      const now = () => readdirSync("/proc/self/fd").length;
      while (now() > before && Date.now() < deadline) await sleep(10);
      expect(now()).toBeLessThanOrEqual(before);
      for (const { name } of lab.hosts) {
        const namespace = lab.names.namespace(name);
        const sockets = await lab.site.runOk("cat", ["/proc/net/sockstat"], { namespace });
        expect(sockets).toMatch(/^TCP: .* tw 0 /m);
      }
    });
  });
});

describe("before anything is built", () => {
  it("more connections than descriptors are refused, with the limit and the remedy", async () => {
    const words = `ulimit -n 256; exec ${process.execPath} ${MAIN} bench --topology bridge:2 --workload tcp-rr --connections 200`;
    const refused = promisify(execFile)("sh", ["-c", words]);
    await expect(refused).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/may open 256 \(RLIMIT_NOFILE\).*ulimit -n \d+/),
    });
  });
});

describe("a tool that runs beside us", () => {
  it("runs on the CPUs that it was given and on no other", async () => {
    for (const cpu of threadCpus()) {
      const child = startChild(hostSite, "sleep", ["60"], { cpus: [cpu] });
      try {
        const deadline = Date.now() + 5000;
        const command = () => readFileSync(`/proc/${child.pid}/comm`, "utf8").trim();
        while (command() !== "sleep" && Date.now() < deadline) await sleep(5);
        expect(command()).toBe("sleep");
        const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
        expect(/^Cpus_allowed_list:\s+(.*)$/m.exec(status)?.[1]).toBe(String(cpu));
      } finally {
        await child.stop("SIGKILL", 1000);
      }
    }
  });
});
