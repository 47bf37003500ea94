import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Explanation, explainSchema } from "../../../src/document/explain.ts";
import { type ExplainOptions, explainBridge } from "../../../src/explain/explain.ts";
import { converse } from "./conversation.ts";
import { type FloodLab, floodLab, macOf } from "./lab.ts";

const GONE = "02:00:00:00:99:99";
const EVERYBODY = "ff:ff:ff:ff:ff:ff";
const GROUP = "01:00:5e:01:02:03";

let lab: FloodLab;

beforeEach(async () => {
  lab = await floodLab();
});
afterEach(async () => {
  await lab.leave();
});

/** Explains while frames go from a to an address, in bursts until the answer is there. */
async function explainDuring(
  act: () => void,
  limits: ExplainOptions = { seconds: 1.5, maxOverhead: 1 },
): Promise<Explanation> {
  let over = false;
  const answer = explainBridge({
    bridge: "br0",
    netns: String(lab.bridge.pid),
    ...limits,
  }).finally(() => {
    over = true;
  });
  while (!over) {
    act();
    await sleep(20);
  }
  return explainSchema.parse(await answer);
}

function learn(...hosts: ("a" | "b" | "c")[]): void {
  for (const host of hosts) lab.got(host, { from: host, to: macOf(host), count: 1 });
}

const flood = (to: string, count: number) => () => {
  lab.got("c", { from: "a", to, count });
};

function only(explanation: Explanation): Explanation["findings"][number] {
  const [finding, ...others] = explanation.findings;
  expect(others).toEqual([]);
  if (finding === undefined) throw new Error("nothing was found");
  return finding;
}

function apply(finding: Explanation["findings"][number]): void {
  const before = lab.local();
  execFileSync("sh", ["-ec", finding.remedy?.command ?? "false"]);
  expect(lab.local()).toBe(before);
}

describe("a flood that is seen is named, with who, to whom and what stops it:", () => {
  it("never-learned", async () => {
    learn("a");
    const finding = only(await explainDuring(flood(macOf("b"), 20)));
    expect(finding).toMatchObject({
      cause: "never-learned",
      source: macOf("a"),
      destination: macOf("b"),
      addresses: { source: "10.77.0.1", destination: "239.1.2.3", protocol: "UDP" },
      ingressPort: { name: "pa", owner: expect.stringContaining("sleep") },
    });
    // Each frame went to b, whose it is, and to c.
    expect(finding.copies).toBe(2 * finding.frames);
    expect(finding.bytes).toBe(60 * finding.frames);
    expect(finding.victims.map(({ port, copies }) => [port.name, copies]).sort()).toEqual([
      ["pb", finding.frames],
      ["pc", finding.frames],
    ]);
    apply(finding);
    expect(lab.got("c", { from: "a", to: macOf("b") })).toBe(0);
    expect((await explainDuring(flood(macOf("b"), 20))).findings).toEqual([]);
  });

  it("never-learned, of a few frames each for many addresses, and since when", async () => {
    learn("a");
    let calls = 0;
    const began = Date.now();
    let first = 0;
    const scan = () => {
      if (Date.now() - began < 4500) return;
      first ||= Date.now();
      for (let one = 0; one < 20; one++) {
        const to = `02:00:00:01:${(calls & 255).toString(16).padStart(2, "0")}:${one.toString(16).padStart(2, "0")}`;
        lab.got("c", { from: "a", to, count: 2, settleMs: 1 });
      }
      calls++;
    };
    const thresholds = { unknownUnicast: 2 };
    const limits = { seconds: 7, maxOverhead: 1, thresholds };
    const finding = only(await explainDuring(scan, limits));
    expect(finding).toMatchObject({
      cause: "never-learned",
      source: macOf("a"),
      destination: null,
    });
    expect(finding.title).toMatch(/behind port pa .* sends to \d{2,} addresses/);
    expect(Math.abs(Date.parse(finding.since) - first)).toBeLessThan(1000);
    expect(finding.evidence[0]).toContain("frames of one source");
    expect(finding.victims.map(({ port }) => port.name).sort()).toEqual(["pb", "pc"]);
  });

  it("never-learned, by a port that joined meanwhile", async () => {
    const began = Date.now();
    let joined = false;
    const finding = only(
      await explainDuring(
        () => {
          if (!joined && Date.now() - began > 3500) {
            joined = true;
            lab.shell("ip link add late type veth peer name guest && ip link set guest up");
            lab.shell("ip link set late master br0 up && ip addr add 10.77.0.88/24 dev guest");
            lab.shell(`ip neigh add 10.77.0.99 lladdr ${GONE} dev guest nud permanent`);
          }
          if (joined) lab.shell("ping -q -c 20 -i 0.002 -W 0.01 -I guest 10.77.0.99 || true");
        },
        { seconds: 8, maxOverhead: 1 },
      ),
    );
    expect(finding.ingressPort?.name).toBe("late");
    expect(finding.destination).toBe(GONE);
    expect(finding.since).not.toBe("before attach");
  });

  it("destination-gone", async () => {
    lab.shell(`ip neigh add 10.77.0.99 lladdr ${GONE} dev eth0 nud permanent`, "a");
    const ping = () => lab.shell("ping -q -c 10 -i 0.002 -W 0.1 10.77.0.99 || true", "a");
    const finding = only(await explainDuring(ping));
    expect(finding).toMatchObject({
      cause: "destination-gone",
      destination: GONE,
      addresses: { source: "10.77.0.1", destination: "10.77.0.99", protocol: "ICMP" },
    });
    apply(finding);
    expect((await explainDuring(ping)).findings).toEqual([]);
  });

  it("entry-removed, and by whom", async () => {
    const entry = `${macOf("b")} dev pb master`;
    const finding = only(
      await explainDuring(() => {
        lab.shell(`bridge fdb replace ${entry} static && bridge fdb del ${entry}`);
        flood(macOf("b"), 20)();
      }),
    );
    expect(finding).toMatchObject({ cause: "entry-removed", basis: "observed" });
    expect(finding.title).toMatch(/deleted by bridge \(pid \d+\)/);
    apply(finding);
    expect(lab.got("c", { from: "a", to: macOf("b") })).toBe(0);
  });

  it.each([
    ["ageing-disabled", "ip link set br0 type bridge ageing_time 0"],
    ["learning-off", "bridge link set dev pb learning off"],
    ["locked-port", "bridge link set dev pb learning off locked on"],
  ])("%s", async (cause, how) => {
    lab.shell(how);
    learn("a", "b");
    const finding = only(await explainDuring(flood(macOf("b"), 20)));
    expect(finding).toMatchObject({ cause, destination: macOf("b") });
    apply(finding);
    learn("b");
    expect(lab.got("c", { from: "a", to: macOf("b") })).toBe(0);
  });

  it("asymmetric-path, by the progress of the conversation", async () => {
    detour();
    const talk = await converse(lab, "a", "b", "10.77.0.2");
    try {
      const finding = only(await explainDuring(() => {}));
      expect(finding).toMatchObject({
        cause: "asymmetric-path",
        basis: "inferred",
        destination: macOf("b"),
        addresses: { source: "10.77.0.1", destination: "10.77.0.2", protocol: "TCP" },
      });
      expect(finding.title).toMatch(/acknowledgements of \S+ advanced \d{2,} times/);
      apply(finding);
      expect((await explainDuring(() => {})).findings).toEqual([]);
    } finally {
      await talk.end();
    }
  });

  it("broadcast-storm", async () => {
    const finding = only(await explainDuring(flood(EVERYBODY, 100)));
    expect(finding).toMatchObject({ cause: "broadcast-storm", source: macOf("a") });
    expect(finding.victims.map(({ port }) => port.name).sort()).toEqual(["host", "pb", "pc"]);
    apply(finding);
    expect(lab.got("c", { from: "a", to: EVERYBODY })).toBe(0);
    execFileSync("sh", ["-ec", finding.remedy?.undo ?? "false"]);
    expect(lab.got("c", { from: "a", to: EVERYBODY })).toBe(5);
  });

  it("multicast-unregistered", async () => {
    lab.shell("ip link set br0 type bridge mcast_snooping 0");
    const finding = only(await explainDuring(flood(GROUP, 100)));
    expect(finding).toMatchObject({ cause: "multicast-unregistered", destination: GROUP });
    expect(finding.remedy?.command).toContain("mcast_snooping 1");
  });

  it("mac-flapping, and its remedy holds the address where it lives", async () => {
    learn("b", "c");
    const move = () => {
      for (let time = 0; time < 10; time++) {
        lab.got("b", { from: "b", to: macOf("b"), count: 1, settleMs: 1 });
        lab.got("c", { from: "c", source: macOf("b"), to: macOf("c"), count: 1, settleMs: 1 });
      }
    };
    const finding = only(await explainDuring(move));
    expect(finding).toMatchObject({ cause: "mac-flapping", source: macOf("b"), basis: "observed" });
    apply(finding);
    expect((await explainDuring(move)).findings).toEqual([]);
  }, 60_000);
});

/** From b to a there is another way than the bridge, and nobody asks for anybody's address. */
function detour(): void {
  const link = `x1 netns ${lab.hosts.b.pid}`;
  lab.shell(`ip link add x0 type veth peer name ${link} && ip link set x0 up`, "a");
  lab.shell("sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.x0.rp_filter=0", "a");
  lab.shell(`ip neigh add 10.77.0.2 lladdr ${macOf("b")} dev eth0 nud permanent`, "a");
  const back = lab.shell("ip -br link show x0", "a").split(/\s+/)[2];
  lab.shell("ip link set x1 up && ip route add 10.77.0.1/32 dev x1", "b");
  lab.shell(`ip neigh add 10.77.0.1 lladdr ${back} dev x1 nud permanent`, "b");
}

describe("what only looks like another way is told apart:", () => {
  it("a conversation whose answers come in by a port that does not learn", async () => {
    lab.shell("bridge link set dev pb learning off");
    const talk = await converse(lab, "a", "b", "10.77.0.2");
    try {
      expect(only(await explainDuring(() => {})).cause).toBe("learning-off");
    } finally {
      await talk.end();
    }
  });
});

describe("nothing harmful is found", () => {
  it("in traffic between hosts that are known", async () => {
    const talk = () => lab.shell("ping -q -f -c 200 10.77.0.2", "a");
    const { findings, seconds, overhead } = await explainDuring(talk);
    expect(findings).toEqual([]);
    expect(seconds).toBeGreaterThan(1.4);
    expect(overhead).toBeGreaterThan(0);
  });

  it("in a few frames that nobody has learned, some broadcasts and a group now and then", async () => {
    let times = 0;
    const { findings } = await explainDuring(() => {
      if (times++ > 1) return;
      flood(GONE, 5)();
      flood(EVERYBODY, 5)();
      flood(GROUP, 5)();
    });
    expect(findings).toEqual([]);
  });
});

it("detaches before it takes more than it may, and says so", async () => {
  const limits = { seconds: 30, maxOverhead: 0.000_001 };
  const explanation = await explainDuring(flood(GONE, 50), limits);
  const { notes, seconds } = explanation;
  expect(seconds).toBeLessThan(20);
  expect(notes[0]?.text).toContain("were detached");
  // What was counted until then is the answer all the same.
  expect(only(explanation).cause).toBe("never-learned");
});
