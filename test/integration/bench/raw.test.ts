import { availableParallelism } from "node:os";
import { describe, expect, it } from "vitest";
import { sentence } from "../../../src/bench/case-document.ts";
import { BURST } from "../../../src/bench/load/send.ts";
import { workloadNamed } from "../../../src/bench/workloads/index.ts";
import type { RoundResult } from "../../../src/bench/workloads/workload.ts";
import { type BuiltLab, buildPrivateLab } from "../../../src/setup/lab.ts";
import { SWITCH } from "../../../src/setup/plan.ts";
import { waitUntilReady } from "../../../src/setup/ready.ts";
import { parseTopology } from "../../../src/setup/topology.ts";
import { readCounters } from "../../../src/system/counters.ts";
import { PrerequisiteError } from "../../../src/system/errors.ts";
import { threadCpus } from "../../../src/system/libc.ts";
import { skipped } from "../../skipped.ts";

const ROUND_NS = 30e6;
const ONE_CPU = "two senders need two CPUs, and here is one";

interface Found {
  result: RoundResult;
  /** Frames that entered by each port and left by it, announcements included. */
  ports: { rx: number; tx: number }[];
}

/** One round of a workload in a lab that was changed before it. */
async function drive(
  topology: string,
  workload: string,
  options: Record<string, number | string> = {},
  change: (lab: BuiltLab) => Promise<unknown> = async () => {},
): Promise<Found> {
  const { signal } = new AbortController();
  const lab = await buildPrivateLab(parseTopology(topology));
  try {
    await waitUntilReady(lab);
    await change(lab);
    const driver = await workloadNamed(workload).prepare({
      lab,
      options,
      cpus: threadCpus(),
      signal,
    });
    const result = await driver.round(ROUND_NS);
    await driver.close();
    const counters = lab.bridge === null ? new Map() : readCounters(lab.bridge.namespace);
    const ports = lab.hosts.map(({ port }) => {
      const { rx = 0, tx = 0 } = counters.get(port?.name ?? "") ?? {};
      return { rx, tx };
    });
    return { result, ports };
  } finally {
    await lab.close();
  }
}

const inSwitch = (lab: BuiltLab, tool: string, ...words: string[]) =>
  lab.site.runOk(tool, words, { namespace: lab.names.namespace(SWITCH) });

/** Frames of announcements at a port: each host's own, and the one that is flooded. */
const SLACK = 10;

describe("raw frames by the patterns of RFC 2889", () => {
  it.each([
    ["fully-meshed", [1, 1, 1, 1], [1, 1, 1, 1]],
    ["one-to-many", [3, 0, 0, 0], [0, 1, 1, 1]],
    ["many-to-one", [0, 1, 1, 1], [3, 0, 0, 0]],
    ["unidirectional", [1, 1, 0, 0], [0, 0, 1, 1]],
    ["broadcast", [1, 0, 0, 0], [0, 1, 1, 1]],
    ["flood", [1, 0, 0, 0], [0, 1, 1, 1]],
  ])("%s enters and leaves by the ports that it should", async (workload, entered, left) => {
    const { result, ports } = await drive("bridge:4", workload);
    expect(result.metrics.frame_loss).toBe(0);
    expect(result.warnings).toEqual([]);
    const unit = Math.max(...ports.map(({ rx }) => rx)) / Math.max(...entered);
    expect(unit).toBeGreaterThan(500);
    // The hosts take turns a burst at a time.
    const near = (count: number, share: number) =>
      Math.abs(count - share * unit) <= SLACK + 3 * BURST;
    expect(ports.map(({ rx }, host) => near(rx, entered[host] ?? 0))).toEqual(Array(4).fill(true));
    expect(ports.map(({ tx }, host) => near(tx, left[host] ?? 0))).toEqual(Array(4).fill(true));
  });

  it("two senders share the hosts", async ({ skip }) => {
    if (availableParallelism() < 2) skipped(skip, ONE_CPU);
    const { result, ports } = await drive("bridge:4", "fully-meshed", { senders: 2 });
    expect(result.metrics.frame_loss).toBe(0);
    for (const { rx } of ports) expect(rx).toBeGreaterThan(500);
  });

  it("a receiver that the bridge keeps apart shows as loss, and as nothing else", async () => {
    const { result } = await drive("bridge:4", "one-to-many", {}, async (lab) => {
      for (const port of ["p1", "p3"]) {
        await inSwitch(
          lab,
          "ip",
          ...`link set dev ${port} type bridge_slave isolated on`.split(" "),
        );
      }
    });
    expect(result.metrics.frame_loss).toBeCloseTo(1 / 3, 1);
    expect(result.warnings).toEqual([]);
  });

  it("frames that go to the wrong hosts do not count as received", async () => {
    const { result } = await drive("bridge:4,ageing_time=0", "one-to-many");
    expect(result.warnings?.join()).toMatch(/not for: the bridge flooded/);
    expect(result.metrics.frame_loss).toBe(0);
  });

  it("a fixed rate sends what is due and no more", async () => {
    const { result, ports } = await drive("bridge:2", "forward", { rate: 20_000 });
    const due = (20_000 * ROUND_NS) / 1e9;
    expect(ports[0]?.rx).toBeGreaterThanOrEqual(2);
    expect(ports[0]?.rx).toBeLessThanOrEqual(due + 2 + 1);
    expect(result.metrics.ns_per_frame).toBeUndefined();
  });

  it.for([1, 2])(
    "a link that vanishes ends a round of %i senders with a sentence",
    async (senders, { skip }) => {
      if (availableParallelism() < senders) skipped(skip, ONE_CPU);
      const { signal } = new AbortController();
      const lab = await buildPrivateLab(parseTopology("bridge:2"));
      try {
        await waitUntilReady(lab);
        const driver = await workloadNamed("forward").prepare({
          lab,
          options: { senders },
          cpus: threadCpus(),
          signal,
        });
        const told = driver.round(60e9).then(() => "no error", sentence);
        await inSwitch(lab, "ip", "link", "del", `p${senders}`);
        expect(await told).toMatch(/an interface .* went away .*E(NETDOWN|NXIO|NODEV)/);
        await driver.close();
      } finally {
        await lab.close();
      }
    },
  );

  it("a rate that nobody can reach is said, and the round ends", async () => {
    const { result } = await drive("bridge:2", "forward", { rate: 1e9 });
    expect(result.warnings?.join()).toMatch(/rate of 1000000000 frames\/s was not reached/);
    expect(result.metrics.frame_rate).toBeGreaterThan(0);
  });
});

/** Lets 80 Mbit/s out of a port and drops the rest: less than any sender offers. */
const throttle = (lab: BuiltLab) =>
  inSwitch(lab, "tc", ..."qdisc add dev p2 root tbf rate 80mbit burst 15kb limit 15kb".split(" "));

describe("searches", () => {
  it("throughput finds a rate below what is lost, and every trial is kept", async () => {
    const { result } = await drive("bridge:2", "throughput", { frameSize: 1514 }, throttle);
    const { trials = [], metrics } = result;
    expect(result.warnings).toEqual([]);
    expect(metrics.frame_loss).toBeGreaterThan(0.1);
    const passed = trials.filter((trial) => trial.passed).map((trial) => trial.delivered);
    expect(metrics.throughput_rate).toBe(Math.max(...passed));
    // 80 Mbit/s are 6,605 frames of 1514 bytes a second; the bucket holds ten more.
    expect(metrics.throughput_rate).toBeGreaterThan(0);
    expect(metrics.throughput_rate).toBeLessThan(6605 + (10 / ROUND_NS) * 1e9 + 500);
  });

  it("throughput without loss says what bounds it", async () => {
    const { result } = await drive("bridge:2", "throughput");
    expect(result.warnings?.join()).toMatch(/no loss at the highest rate/);
    expect(result.metrics.throughput_rate).toBe(result.metrics.frame_rate);
  });

  it("the maximum forwarding rate is the highest of all offered loads", async () => {
    const { result } = await drive(
      "bridge:2",
      "max-forwarding-rate",
      { frameSize: 1514 },
      throttle,
    );
    const delivered = (result.trials ?? []).map((trial) => trial.delivered);
    expect(delivered).toHaveLength(6);
    expect(result.metrics.max_forwarding_rate).toBe(Math.max(...delivered));
  });

  it("address caching without a limit ends at the most that was asked for", async () => {
    const { result } = await drive("bridge:3", "address-caching", { addresses: 1000 });
    expect(result.metrics.address_capacity).toBe(1002);
    expect(result.warnings?.join()).toMatch(/no limit of the FDB up to 1000/);
  });

  it("address caching finds the limit of the FDB exactly", async ({ skip }) => {
    const limited = drive("bridge:3,fdb_max_learned=200", "address-caching");
    const { result } = await limited.catch((error: unknown) => {
      if (!(error instanceof PrerequisiteError)) throw error;
      return skipped(skip, error.message);
    });
    expect(result.metrics.address_capacity).toBe(200);
    expect(result.warnings).toEqual([]);
    const failed = (result.trials ?? []).filter(({ passed }) => !passed);
    expect(failed.every(({ flooded }) => flooded > 0)).toBe(true);
  });

  it("address caching on a port that does not learn says so", async () => {
    const unlearned = drive("bridge:3", "address-caching", { addresses: 100 }, (lab) =>
      inSwitch(lab, "ip", ..."link set dev p1 type bridge_slave learning off".split(" ")),
    );
    await expect(unlearned).rejects.toThrow(/not one address could be learned/);
  });

  it("learning tells what a frame took while the FDB filled", async () => {
    const { result } = await drive("bridge:3", "learn", { addresses: 1000 });
    expect(result.learning?.map(({ entries }) => entries)).toEqual([0, 256, 512, 768]);
    expect(result.learning?.every(({ nsPerFrame }) => nsPerFrame > 100)).toBe(true);
  });

  it("address learning at full speed leaves no address to flood to", async () => {
    const { result } = await drive("bridge:3", "address-learning", { addresses: 500 });
    expect(result.metrics.learning_rate).toBeGreaterThan(0);
    expect(result.trials?.map(({ flooded, passed }) => [flooded, passed])).toEqual([[0, true]]);
  });
});
