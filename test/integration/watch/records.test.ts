import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { WatchPort, WatchRecord } from "../../../src/document/watch.ts";
import type { WatchOptions } from "../../../src/watch/watch.ts";
import { type FloodLab, floodLab, macOf } from "../explain/lab.ts";
import { type HostState, hostChanges, hostState } from "../host-state.ts";
import {
  during as duringIn,
  expectBalanced,
  portOf,
  sum,
  sumAll,
  until as untilIn,
  watching as watchingIn,
} from "./records.ts";

const GONE = "02:00:00:00:99:99";

let lab: FloodLab;
let before: HostState;

beforeEach(async () => {
  before = hostState();
  lab = await floodLab();
});
afterEach(async () => {
  await lab.leave();
  expect(await hostChanges(before, 3000)).toEqual({});
});

const watching = (options?: WatchOptions) => watchingIn(lab, options);
const during = (act: (step: number) => void, options?: WatchOptions) => duringIn(lab, act, options);
const until = (
  enough: (records: readonly WatchRecord[]) => boolean,
  act: (step: number) => void,
  options?: WatchOptions,
) => untilIn(lab, enough, act, options);

const learn = (...hosts: ("a" | "b" | "c")[]) => {
  for (const host of hosts) lab.got(host, { from: host, to: macOf(host), count: 1 });
};

describe("a record", () => {
  it("has every frame by what became of it, equal to the interface counters", async () => {
    learn("a", "b");
    const records = await during((step) => {
      if (step !== 1) return;
      lab.got("b", { from: "a", to: macOf("b"), count: 30 });
      lab.got("c", { from: "a", to: GONE, count: 20 });
      lab.got("b", { from: "c", to: "ff:ff:ff:ff:ff:ff", count: 10 });
      lab.got("c", { from: "b", to: macOf("b"), count: 5, settleMs: 10 });
    });
    expect(records.map(({ counted, seconds }) => counted === seconds)).not.toContain(false);
    const pa = (of: (port: WatchPort) => number | null) => sum(records, "pa", of);
    expect(pa(({ decisions }) => decisions?.knownUnicast ?? null)).toBe(30);
    expect(pa(({ decisions }) => decisions?.unknownUnicast ?? null)).toBe(20);
    expect(pa(({ ingress }) => ingress)).toBe(50);
    expect(pa(({ copies }) => copies)).toBe(30 + 2 * 20);
    // Two ports, and the host.
    expect(sum(records, "pc", ({ copies }) => copies)).toBe(30);
    expect(sum(records, "pb", ({ decisions }) => decisions?.filtered ?? null)).toBe(5);
    expect(sum(records, "pc", ({ learned }) => learned)).toBe(1);
    expectBalanced(records);
    const [amplified] = records.map((one) => portOf(one, "pa")).filter(({ ingress }) => ingress);
    expect(amplified?.amplification).toBeCloseTo(70 / 50);
    expect(amplified?.latency["bridge.flood"]?.sampled).toBe(20);
    expect(amplified?.latency["bridge.forward"]?.sampled).toBe(30);
    expect(amplified?.owner).toMatchObject({ pid: lab.hosts.a.pid, command: "sleep" });
    expect(records.flatMap(({ notes }) => notes)).toEqual([]);
    expect(records.map(({ lost }) => lost)).toEqual(records.map(() => 0));
  });

  it("has what the host sends and hears", async () => {
    lab.shell("ip addr add 10.77.0.9/24 dev br0");
    const records = await during((step) => {
      if (step === 1) lab.shell("ping -c 3 -i 0.05 -q 10.77.0.1");
    });
    // Three requests and an ARP request and reply; the first frame may be asked for twice.
    const sent = sum(records, "host", ({ ingress }) => ingress);
    expect(sent).toBeGreaterThanOrEqual(4);
    expect(sent).toBe(sum(records, "host", ({ counters }) => counters.rx));
    expect(sum(records, "pa", ({ decisions }) => decisions?.local ?? null)).toBeGreaterThanOrEqual(
      4,
    );
    expect(sumAll(records, ({ unattributed }) => unattributed)).toBe(0);
    expectBalanced(records);
  });

  it("has no frame that the host sends for a group and hears itself", async () => {
    lab.shell("ip addr add 10.77.0.9/24 dev br0");
    const records = await during((step) => {
      if (step === 1) lab.shell("ping -c 3 -i 0.05 -W 0.2 -q -I br0 224.0.0.1 || true");
    });
    // A report of the groups that it has joined may come on top.
    const sent = sum(records, "host", ({ decisions }) => decisions?.multicast ?? null);
    expect(sent).toBeGreaterThanOrEqual(3);
    expect(sumAll(records, ({ unattributed }) => unattributed)).toBe(0);
    expectBalanced(records);
  });

  it("has interface counters and nothing else without probes", async () => {
    const records = await during(
      (step) => {
        if (step === 1) lab.got("c", { from: "a", to: GONE, count: 20 });
      },
      { probes: false },
    );
    expect(sum(records, "pa", ({ counters }) => counters.rx)).toBe(20);
    expect(records.every((record) => portOf(record, "pa").ingress === null)).toBe(true);
    expect(records.every(({ counted, overhead }) => counted === 0 && overhead.share === null)).toBe(
      true,
    );
  });
});

describe("the FDB's events", () => {
  it("say what came and went, and who did it", async () => {
    lab.shell("ip link set br0 type bridge ageing_time 100");
    const aged = ({ fdb }: WatchRecord) => fdb.events.some(({ event }) => event === "aged");
    const records = await until(
      (seen) => seen.some(aged),
      (step) => {
        if (step === 1) {
          learn("a");
          lab.got("b", { from: "b", source: macOf("a"), to: macOf("a"), count: 1 });
          lab.shell(`bridge fdb add ${GONE} dev pc master static; sleep 0.1`);
          lab.shell(`bridge fdb del ${GONE} dev pc master`);
        }
      },
    );
    const events = records.flatMap(({ fdb }) => fdb.events);
    const of = (address: string) =>
      events
        .filter((event) => event.address === address)
        .map(({ event, port, from, by }) => [event, port, from, by.replace(/\d+/, "N")]);
    expect(of(macOf("a"))).toEqual([
      ["learned", "pa", null, "kernel"],
      ["moved", "pb", "pa", "kernel"],
      ["aged", "pb", null, "kernel"],
    ]);
    expect(of(GONE)).toEqual([
      ["added", "pc", null, "bridge (pid N)"],
      ["deleted", "pc", null, "bridge (pid N)"],
    ]);
    expect(sum(records, "pb", ({ moved }) => moved)).toBe(1);
  });

  it("of one address, and where that is", async () => {
    learn("b");
    const records = await during(
      (step) => {
        if (step === 1) learn("a", "c");
      },
      { mac: macOf("a").toUpperCase().replaceAll(":", "-"), probes: false },
    );
    const events = records.flatMap(({ fdb }) => fdb.events);
    expect(events.map(({ address }) => address)).toEqual([macOf("a")]);
    expect(records[0]?.fdb.follow?.entries).toEqual([]);
    expect(records.at(-1)?.fdb.follow).toEqual({
      address: macOf("a"),
      entries: [{ vlan: 0, port: "pa", kind: "learned" }],
    });
  });
});

describe("a bridge", () => {
  it("whose entry was set by hand is known from then on", async () => {
    const records = await during((step) => {
      if (step === 1) lab.shell(`bridge fdb add ${GONE} dev pc master static`);
      if (step === 2) lab.got("c", { from: "a", to: GONE, count: 9 });
    });
    expect(sum(records, "pa", ({ decisions }) => decisions?.knownUnicast ?? null)).toBe(9);
    expect(sum(records, "pa", ({ decisions }) => decisions?.unknownUnicast ?? null)).toBe(0);
  });

  it("has its ports' states as they are", async () => {
    const spanningTree = (on: 0 | 1) =>
      lab.shell(
        `ip link set br0 type bridge stp_state ${on} forward_delay 3000 && ip link set pb down && ip link set pb up`,
      );
    const records = await during((step) => {
      if (step === 1) spanningTree(1);
      if (step === 2) spanningTree(0);
    });
    const states = records.map((record) => portOf(record, "pb").state);
    expect(states).toEqual(["forwarding", "listening", ...states.slice(2).map(() => "forwarding")]);
  });

  it("gains ports while it is watched", async () => {
    const pairs = Array.from({ length: 100 }, (_, index) => [`x${index}`, `y${index}`]);
    const lines = [
      ...pairs.map(([one, other]) => `link add ${one} type veth peer name ${other}`),
      ...pairs.flat().map((name) => `link set ${name} master br0`),
    ];
    const batch = lines.join("\\n");
    const records = await until(
      (seen) => seen.at(-1)?.ports.length === 204,
      (step) => {
        if (step === 1) lab.shell(`printf "${batch}\n" | ip -batch -`);
      },
    );
    expect(records[0]?.ports).toHaveLength(4);
    expect(records.at(-1)?.ports).toHaveLength(204);
    lab.got("c", { from: "a", to: GONE, count: 4 });
  });

  it("has all that a port does that joins, from its first frame on", async () => {
    const records = await during(
      (step) => {
        if (step !== 1) return;
        lab.shell(
          `ip link add q0 type veth peer name q1 address 02:00:00:00:0b:99 netns ${lab.hosts.c.pid}`,
        );
        lab.shell("ip addr add 10.77.0.99/32 dev q1 && ip link set q1 up", "c");
        lab.shell("ip route add 10.77.0.1/32 dev q1 src 10.77.0.99", "c");
        lab.shell("ip link set q0 up master br0");
        lab.shell("ping -c 5 -i 0.02 -W 1 -q 10.77.0.1", "c");
      },
      { seconds: 1.5 },
    );
    const [link] = JSON.parse(lab.shell("ip -j -s link show dev q0")) as {
      stats64: { rx: { packets: number }; tx: { packets: number } };
    }[];
    const seen = records.filter(({ ports }) => ports.some(({ name }) => name === "q0"));
    // In the record of the interval in which it came.
    expect(seen.length).toBe(records.length - 1);
    const q0 = (of: (port: WatchPort) => number | null) => sum(seen, "q0", of);
    expect(link?.stats64.rx.packets).toBeGreaterThanOrEqual(6);
    expect(q0(({ counters }) => counters.rx)).toBe(link?.stats64.rx.packets);
    expect(q0(({ ingress }) => ingress)).toBe(link?.stats64.rx.packets);
    expect(q0(({ counters }) => counters.tx)).toBe(link?.stats64.tx.packets);
    expect(q0(({ egress }) => egress)).toBe(link?.stats64.tx.packets);
    expect(q0(({ learned }) => learned)).toBe(1);
    expect(q0(({ moved }) => moved)).toBe(0);
    expect(q0(({ decisions }) => decisions?.filtered ?? null)).toBe(0);
    expectBalanced(seen, ["host", "pa", "pb", "pc", "q0"]);
  });

  it("that is deleted ends the watching with a sentence", async () => {
    await expect(
      during((step) => {
        if (step === 1) lab.shell("ip link del br0");
      }),
    ).rejects.toThrow('the bridge "br0" was deleted');
  });

  it("is left as soon as nobody looks any more", async () => {
    const seen: string[] = [];
    for await (const { bridge } of watching()) {
      seen.push(bridge.name);
      break;
    }
    const controller = new AbortController();
    for await (const { bridge } of watching({ signal: controller.signal })) {
      seen.push(bridge.name);
      controller.abort();
    }
    expect(seen).toEqual(["br0", "br0"]);
  });
});

describe("all bridges", () => {
  it("have a record each, and one that comes or goes is taken in or left out", async () => {
    lab.shell("ip link add br1 type bridge && ip link set br1 up");
    const seen: string[] = [];
    for await (const record of watching({ bridge: undefined, seconds: 1 })) {
      seen.push(record.bridge.name);
      if (seen.length === 2) lab.shell("ip link del br1");
    }
    expect(seen.slice(0, 2).sort()).toEqual(["br0", "br1"]);
    expect(seen.at(-1)).toBe("br0");
    await sleep(1);
  });

  it("keep their addresses apart", async () => {
    lab.shell("ip link add br1 type bridge && ip link set br1 up");
    lab.shell("ip link add q0 type veth peer name q1 && ip link set q0 master br1 up");
    learn("b");
    lab.shell(`bridge fdb add ${macOf("b")} dev q0 master static`);
    const records = await during(
      (step) => {
        // On br1 alone: br0 still knows it.
        if (step === 2) lab.shell(`bridge fdb del ${macOf("b")} dev q0 master; sleep 0.2`);
        if (step === 4) lab.got("b", { from: "a", to: macOf("b"), count: 8 });
      },
      { bridge: undefined, seconds: 1.5 },
    );
    const br0 = records.filter(({ bridge }) => bridge.name === "br0");
    expect(sum(br0, "pa", ({ decisions }) => decisions?.knownUnicast ?? null)).toBe(8);
  });
});

describe("a load that the probes would make worse", () => {
  /** Records of it, and then it is over. */
  const LOADED = 12;

  it("is counted for part of the time, or not at all, which is said, until it is over", async () => {
    const [file = "", ...enter] = lab.hosts.a.enter;
    const load = spawn(file, [...enter, "ping", "-q", "-f", "-w", "60", "10.77.0.2"], {
      stdio: "ignore",
    });
    const ended = once(load, "exit");
    const counts = (one: WatchRecord) => one.counted > 0;
    const records = await until(
      (seen) => seen.slice(LOADED + 1).some(counts),
      (step) => {
        if (step === LOADED) load.kill("SIGKILL");
      },
      { maxOverhead: 0.005 },
    );
    await ended;
    const during = records.slice(2, LOADED);
    const total = (all: WatchRecord[], of: (record: WatchRecord) => number) =>
      all.reduce((sum, record) => sum + of(record), 0);
    expect(during.flatMap(({ notes }) => notes).join()).toMatch(/--max-overhead|of the time/);
    expect(total(during, ({ counted }) => counted)).toBeLessThan(
      total(during, ({ seconds }) => seconds) / 2,
    );
    expect(total(during, (record) => portOf(record, "pa").counters.rx)).toBeGreaterThan(5000);
    // What is not counted is not 0; nor is it where so little was counted that none of its frames was.
    for (const record of records) {
      if (record.counted === 0) expect(portOf(record, "pa").ingress).toBeNull();
    }
    expect(records.slice(LOADED + 1).filter(counts)).toHaveLength(1);
    // Hooks that come and go cut no frame in two: all of these reached the other.
    const cut = ({ decisions, held, later, originated, unattributed }: WatchPort) =>
      [decisions?.filtered, held, later, originated, unattributed].map((count) => count ?? 0);
    const parts = during.filter(({ estimated }) => estimated);
    expect(parts.length).toBeGreaterThan(0);
    for (const record of parts) {
      expect(["pa", "pb"].map((name) => cut(portOf(record, name)))).toEqual([
        ...[
          [0, 0, 0, 0, 0],
          [0, 0, 0, 0, 0],
        ],
      ]);
    }
  });
});
