import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { workloadNamed } from "../../../src/bench/workloads/index.ts";
import type { RoundResult } from "../../../src/bench/workloads/workload.ts";
import { connectExternal } from "../../../src/setup/external.ts";
import type { BuiltLab } from "../../../src/setup/lab.ts";
import { readLab } from "../../../src/setup/read-lab.ts";
import type { ExternalCommands } from "../../../src/setup/spec.ts";
import { readCounters } from "../../../src/system/counters.ts";
import { threadCpus } from "../../../src/system/libc.ts";
import { scratch } from "../bench/cli.ts";
import { hostChanges, hostState, uniqueName } from "../host-state.ts";
import { type Machine, newMachine } from "./machine.ts";
import { noProcessWith, processesWith } from "./no-process.ts";

let machine: Machine;
let folder: ReturnType<typeof scratch>;
let warnings: string[];

/** For groups whose tests come one after the other. */
function eachItsMachine(): void {
  beforeEach(() => {
    machine = newMachine();
    folder = scratch();
    warnings = [];
  });
  afterEach(() => {
    machine.close();
    folder.remove();
  });
}

const warn = (sentence: string) => void warnings.push(sentence);
const connect = (commands: ExternalCommands, signal?: AbortSignal) =>
  connectExternal(commands, { signal, warn });

const scripted = (file: string, name: string): ExternalCommands => ({
  setup: machine.script(file, "add", name),
  teardown: machine.script(file, "del", name),
});

/** A set-up of a few lines: $1 and $2 are the namespaces. */
const lines = (text: string, { enter } = machine): string[] => [...enter, "sh", "-ec", text, "sh"];

async function forward(lab: BuiltLab, frameSize = 60): Promise<RoundResult> {
  const { signal } = new AbortController();
  const driver = await workloadNamed("forward").prepare({
    lab,
    options: { frameSize },
    cpus: threadCpus(),
    signal,
  });
  try {
    return await driver.round(30e6);
  } finally {
    await driver.close();
  }
}

/** A row of /proc/net/snmp in a host. */
async function snmp(lab: BuiltLab, host: string, protocol: string) {
  const text = await lab.site.runOk("cat", ["/proc/net/snmp"], { namespace: host });
  const [names = [], values = []] = text
    .split("\n")
    .filter((line) => line.startsWith(`${protocol}: `))
    .map((line) => line.split(" ").slice(1));
  return Object.fromEntries(names.map((name, index) => [name, Number(values[index])]));
}

describe("a network that a script connects", () => {
  eachItsMachine();

  it("with a bridge: the kernel's addresses, and datagrams that are counted and swallowed", async () => {
    const before = hostState();
    const lab = await connect(scripted("bridge.sh", "demo"));
    try {
      expect(lab.bridge).toBeNull();
      expect(lab.setupNs).toBeGreaterThan(1e6);
      expect(lab.hosts.map(({ name, device, address }) => [name, device, address])).toEqual([
        ["h1", "eth0", "10.77.0.1/24"],
        ["h2", "eth0", "10.77.0.2/24"],
      ]);
      expect(lab.way).toEqual({ gateway: null, nextHop: lab.hosts[1]?.mac });
      const { ports } = await readLab(lab);
      expect(ports.map(({ ifindex }) => ifindex)).toEqual(lab.hosts.map(({ ifindex }) => ifindex));

      const { metrics, warnings: told } = await forward(lab);
      expect(told).toEqual([]);
      expect(metrics.frame_loss).toBe(0);
      expect(metrics.ns_per_frame).toBeGreaterThan(0);
      const sent = (metrics.frame_rate ?? 0) * 0.03;
      const udp = await snmp(lab, "h2", "Udp");
      expect(udp.RcvbufErrors).toBeGreaterThan(sent / 2);
      expect(udp.NoPorts).toBe(0);
      expect((await snmp(lab, "h2", "Ip")).InHdrErrors).toBe(0);
      expect((await snmp(lab, "h2", "Icmp")).OutMsgs).toBe(0);
    } finally {
      await lab.close();
    }
    expect(warnings).toEqual([]);
    expect(await machine.devicesOnce(["lo"])).toEqual(["lo"]);
    expect(await hostChanges(before)).toEqual({});
  });

  it("with a router: frames go to its address and come out at the other side", async () => {
    const name = uniqueName();
    const lab = await connect(scripted("routed.sh", name));
    try {
      const router = (port: string) =>
        JSON.parse(machine.ip("-n", name, "-j", "-s", "link", "show", port))[0];
      expect(lab.hosts.map(({ address }) => address)).toEqual(["10.77.1.2/24", "10.77.2.2/24"]);
      expect(lab.way).toEqual({ gateway: "10.77.1.1", nextHop: router("port1").address });
      const before = router("port2").stats64.tx.packets;
      const { metrics } = await forward(lab, 1514);
      expect(metrics.frame_loss).toBe(0);
      const frames = Math.round((metrics.frame_rate ?? 0) * 0.03);
      expect(frames).toBeGreaterThan(500);
      expect(router("port2").stats64.tx.packets - before).toBeGreaterThanOrEqual(frames * 0.9);
    } finally {
      await lab.close();
    }
    expect(existsSync(`/run/netns/${name}`)).toBe(false);
  });

  it("frames that do not fit the MTU are refused with a sentence", async () => {
    const lab = await connect(scripted("bridge.sh", "demo"));
    try {
      await expect(forward(lab, 1515)).rejects.toThrow(/1515 bytes do not fit .* 1514 bytes/);
    } finally {
      await lab.close();
    }
  });

  it("raw frames are refused where the device is no Ethernet", async () => {
    const lab = await connect(scripted("bridge.sh", "demo"));
    try {
      // What nextHopOf says of a tunnel, which not every kernel has.
      const tunnel = { ...lab, way: { nextHop: "", gateway: null } };
      await expect(forward(tunnel)).rejects.toThrow(/need an Ethernet device, and eth0 of h1/);
    } finally {
      await lab.close();
    }
  });

  it("loss on the way is loss", async () => {
    const lab = await connect(scripted("bridge.sh", "demo"));
    try {
      machine.ip("link", "set", "demo-2", "down");
      expect((await forward(lab)).metrics.frame_loss).toBe(1);
    } finally {
      await lab.close();
    }
  });

  it("two stand at once, and one goes without the other", async () => {
    const [first, second] = await Promise.all([
      connect(scripted("bridge.sh", "one")),
      connect(scripted("bridge.sh", "two")),
    ]);
    try {
      for (const lab of [first, second, first, second]) {
        const at = () => readCounters(lab.hosts[1]?.namespace as never).get("eth0")?.rx ?? 0;
        const other = lab === first ? second : first;
        const beside = readCounters(other.hosts[1]?.namespace as never).get("eth0")?.rx ?? 0;
        const before = at();
        expect((await forward(lab)).metrics.frame_loss).toBe(0);
        expect(at() - before).toBeGreaterThan(500);
        const after = readCounters(other.hosts[1]?.namespace as never).get("eth0")?.rx ?? 0;
        expect(after - beside).toBeLessThan(50);
      }
      await first.close();
      expect(await machine.devicesOnce(["lo", "two", "two-1", "two-2"])).toHaveLength(4);
      expect((await forward(second)).metrics.frame_loss).toBe(0);
    } finally {
      await second.close();
    }
    expect(await machine.devicesOnce(["lo"])).toEqual(["lo"]);
  });
});

describe("a set-up command that goes wrong", () => {
  eachItsMachine();

  it("fails: it is named with its last line, and the teardown has its turn", async () => {
    const log = join(folder.path, "log");
    const setup = lines("echo first >&2; echo 'no such network' >&2; exit 3");
    const teardown = ["sh", "-c", `echo "$@" > ${log}`, "sh", "del"];
    await expect(connect({ setup, teardown })).rejects.toThrow(
      /^the set-up command nsenter .* failed with 3: no such network$/,
    );
    expect(readFileSync(log, "utf8")).toMatch(/^del \/proc\/\d+\/fd\/3 \/proc\/\d+\/fd\/4\n$/);
    expect(warnings).toEqual([]);
  });

  it("is not there: nothing is torn down, for nothing was done", async () => {
    const log = join(folder.path, "log");
    const teardown = ["touch", log];
    await expect(connect({ setup: ["/nowhere/connect"], teardown })).rejects.toThrow(
      /set-up command \/nowhere\/connect cannot be run: there is no \/nowhere\/connect/,
    );
    expect(existsSync(log)).toBe(false);
  });

  it("hangs with a child: all of it is ended, and what it made is torn down", async () => {
    const word = `300.${process.pid}`;
    const setup = lines(`ip link add demo type bridge; sleep ${word} & sleep ${word}; true`);
    const teardown = machine.script("bridge.sh", "del", "demo");
    await expect(connect({ setup, teardown, limitMs: 700 })).rejects.toThrow(
      /set-up command nsenter .* did not answer within 0\.7 s and was stopped/,
    );
    await noProcessWith(word);
    expect(await machine.devicesOnce(["lo"])).toEqual(["lo"]);
  });

  it("is interrupted: it ends at once, and what it made is torn down", async () => {
    const word = `301.${process.pid}`;
    const abort = new AbortController();
    const setup = lines(`ip link add demo type bridge; sleep ${word} & sleep ${word}; true`);
    const teardown = machine.script("bridge.sh", "del", "demo");
    setTimeout(() => abort.abort(new Error("enough")), 500);
    await expect(connect({ setup, teardown }, abort.signal)).rejects.toThrow("enough");
    await noProcessWith(word);
    expect(await machine.devicesOnce(["lo"])).toEqual(["lo"]);
  });
});

/** A device in each namespace, whose other ends are joined or not. */
const PAIRS = `
  for n in 1 2; do
    eval netns=\\$$n
    ip link add p$n type veth peer name tmp
    ip link set tmp netns $netns
    ip link set p$n up
    nsenter --net=$netns ip link set tmp name eth0 up
  done`;
const addresses = (a: string, b: string) => `
  nsenter --net=$1 ip address add ${a} dev eth0
  nsenter --net=$2 ip address add ${b} dev eth0`;
const JOINED =
  "ip link add sw0 type bridge; ip link set sw0 up; ip link set p1 master sw0; ip link set p2 master sw0";

// Two of them wait for an answer for as long as there may be one.
describe.concurrent("namespaces that were left unconnected", () => {
  it.for<[string, string, RegExp]>([
    ["no device", "true", /^h1 is not connected: it has no network device but lo$/],
    [
      "no device in the second",
      "ip link add p type veth peer name q; ip link set p netns $1; nsenter --net=$1 ip address add 10.1.0.1/24 dev p",
      /^h2 is not connected: it has no network device but lo$/,
    ],
    ["no address", PAIRS, /^h1 is not connected: no device of it has an IPv4 address \(eth0\)$/],
    [
      "no route",
      `${PAIRS}; ${addresses("10.1.0.1/24", "10.2.0.1/24")}`,
      /^h1 has no route to 10\.2\.0\.1 of h2 \(Network is unreachable\)$/,
    ],
    [
      "the same address twice",
      `${PAIRS}; ${addresses("10.1.0.1/24", "10.1.0.1/24")}`,
      /^h1 has no route to 10\.1\.0\.1 of h2 \(it has that address itself\)$/,
    ],
    [
      "no wire",
      `${PAIRS}; ${addresses("10.1.0.1/24", "10.1.0.2/24")}`,
      /^h1 had no answer from 10\.1\.0\.2 of h2 within 5 s: nobody answers ARP for 10\.1\.0\.2 on eth0$/,
    ],
    [
      "no way back",
      `${PAIRS}; ${JOINED}; ${addresses("10.1.0.1/24", "10.1.0.2/32")}`,
      /^h1 had no answer .*: its datagrams arrive, and the answers do not come back: h2 has no route to 10\.1\.0\.1 \(Network is unreachable\)$/,
    ],
  ])("%s", async ([_name, text, message], { expect }) => {
    const own = newMachine();
    const told: string[] = [];
    try {
      const clear = "for d in p1 p2 sw0; do ip link delete $d || true; done 2> /dev/null";
      const commands = { setup: lines(text, own), teardown: lines(clear, own) };
      const connected = connectExternal(commands, { warn: (sentence) => void told.push(sentence) });
      await expect(connected).rejects.toThrow(message);
      expect(told).toEqual([]);
      expect(await own.devicesOnce(["lo"])).toEqual(["lo"]);
    } finally {
      own.close();
    }
  });
});

describe("a teardown that goes wrong is a warning", () => {
  eachItsMachine();

  const failing: [string, string, RegExp][] = [
    ["fails", "echo 'device is busy' >&2; exit 5", /failed with 5: device is busy/],
    ["hangs", "sleep 302.1; true", /did not answer within 0\.7 s and was stopped/],
  ];
  it.each(failing)("%s", async (_name, text, message) => {
    const lab = await connect({
      setup: machine.script("bridge.sh", "add", "demo"),
      teardown: lines(text),
      limitMs: 700,
    });
    await lab.close();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^the teardown command nsenter /);
    expect(warnings[0]).toMatch(message);
    expect(warnings[0]).toMatch(/what the set-up command made .* may still be there$/);
    expect(processesWith("sleep 302.1")).toEqual([]);
  });
});
