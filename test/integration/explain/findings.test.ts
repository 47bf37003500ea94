import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Explanation, explainSchema, type Finding } from "../../../src/document/explain.ts";
import { type ExplainOptions, explainBridge } from "../../../src/explain/explain.ts";
import { THRESHOLDS } from "../../../src/explain/judge/findings.ts";
import { FULL } from "../../full.ts";
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

interface During extends ExplainOptions {
  /** Ends as soon as this was found and as much has been looked at as tells whether anything else is. */
  until?: Finding["cause"];
  /** Begins with the frames when they are being looked at for so long. */
  afterS?: number;
}

const ENOUGH_S = 0.7;

/** Explains while something is done again and again until the answer is there. */
async function explainDuring(
  act: () => void,
  { until, afterS, ...options }: During = {},
): Promise<Explanation> {
  const seconds = until === undefined ? 1 : 20;
  let over = false;
  let looked: number | null = null;
  const found = new AbortController();
  const answer = explainBridge({
    ...{ bridge: "br0", netns: String(lab.bridge.pid), seconds, maxOverhead: 1 },
    signal: found.signal,
    onCounting: () => {
      looked = performance.now();
    },
    onSoFar: (findings, left) => {
      const told = findings.some(({ cause }) => cause === until);
      if (told && seconds - left >= ENOUGH_S) found.abort();
    },
    ...options,
  }).finally(() => {
    over = true;
  });
  while (!over) {
    const since = looked === null ? 0 : (performance.now() - looked) / 1000;
    if (afterS === undefined || since > afterS) act();
    await sleep(20);
  }
  return explainSchema.parse(await answer);
}

/** The one thing that is found, which is of that cause. */
async function found(
  cause: Finding["cause"],
  act: () => void,
  during: During = {},
): Promise<Finding> {
  const finding = only(await explainDuring(act, { until: cause, ...during }));
  expect(finding.cause).toBe(cause);
  return finding;
}

function learn(...hosts: ("a" | "b" | "c")[]): void {
  for (const host of hosts) lab.got(host, { from: host, to: macOf(host), count: 1 });
}

const flood = (to: string, count: number) => () => {
  lab.got("c", { from: "a", to, count, settleMs: 10 });
};

function only(explanation: Explanation): Finding {
  const [finding, ...others] = explanation.findings;
  expect(others).toEqual([]);
  if (finding === undefined) throw new Error("nothing was found");
  return finding;
}

function apply(finding: Finding): void {
  const before = lab.local();
  execFileSync("sh", ["-ec", finding.remedy?.command ?? "false"]);
  expect(lab.local()).toBe(before);
}

// The causes that causes.test.ts has too, by what is set, are looked for in frames in full.
describe("a flood that is seen is named, with who, to whom and what stops it:", () => {
  it("never-learned", async () => {
    learn("a");
    const finding = await found("never-learned", flood(macOf("b"), 20));
    expect(finding).toMatchObject({
      source: macOf("a"),
      destination: macOf("b"),
      addresses: { source: "10.77.0.1", destination: "239.1.2.3" },
      protocol: "UDP",
      ingressPort: { name: "pa", owner: expect.stringContaining("sleep") },
    });
    // Each frame went to b, whose it is, and to c.
    expect(finding).toMatchObject({ kind: "flood", copies: finding.frames });
    expect(finding.bytes).toBe(60 * finding.frames);
    expect(finding.victims.map(({ port, copies }) => [port.name, copies])).toEqual([
      ["pc", finding.frames],
    ]);
    apply(finding);
    expect(lab.got("c", { from: "a", to: macOf("b") })).toBe(0);
    expect((await explainDuring(flood(macOf("b"), 20))).findings).toEqual([]);
  });

  it("never-learned, of a few frames each for many addresses, and since when", FULL, async () => {
    learn("a");
    let calls = 0;
    let first = 0;
    const scan = () => {
      first ||= Date.now();
      for (let one = 0; one < 20; one++) {
        const to = `02:00:00:01:${(calls & 255).toString(16).padStart(2, "0")}:${one.toString(16).padStart(2, "0")}`;
        lab.got("c", { from: "a", to, count: 2, settleMs: 1 });
      }
      calls++;
    };
    // What was there in the first second may have been there before.
    const during = { afterS: 1.1, thresholds: { unknownUnicast: 2 } };
    const finding = await found("never-learned", scan, during);
    expect(finding).toMatchObject({ source: macOf("a"), destination: null });
    expect(finding.title).toMatch(/behind port pa .* sends to \d{2,} addresses/);
    expect(Math.abs(Date.parse(finding.since) - first)).toBeLessThan(1000);
    expect(finding.evidence[0]).toContain("frames of one source");
    expect(finding.victims.map(({ port }) => port.name).sort()).toEqual(["pb", "pc"]);
  });

  it("destination-gone, by a port that joined meanwhile", FULL, async () => {
    let joined = false;
    const join = () => {
      if (!joined) {
        joined = true;
        lab.shell("ip link add late type veth peer name guest && ip link set guest up");
        lab.shell("ip link set late master br0 up && ip addr add 10.77.0.88/24 dev guest");
        lab.shell(`ip neigh add 10.77.0.99 lladdr ${GONE} dev guest nud permanent`);
      }
      lab.shell("ping -q -c 20 -i 0.002 -W 0.01 -I guest 10.77.0.99 || true");
    };
    const during = { until: "never-learned", afterS: 0 } as const;
    const finding = only(await explainDuring(join, during));
    // That guest sends to it is in the state that is read last.
    expect(finding.cause).toBe("destination-gone");
    expect(finding.ingressPort?.name).toBe("late");
    expect(finding.destination).toBe(GONE);
    expect(finding.since).not.toBe("before attach");
  });

  it("destination-gone", FULL, async () => {
    lab.shell(`ip neigh add 10.77.0.99 lladdr ${GONE} dev eth0 nud permanent`, "a");
    const ping = () => lab.shell("ping -q -c 10 -i 0.002 -W 0.1 10.77.0.99 || true", "a");
    const finding = await found("destination-gone", ping);
    expect(finding).toMatchObject({
      destination: GONE,
      addresses: { source: "10.77.0.1", destination: "10.77.0.99" },
      protocol: "ICMP",
    });
    apply(finding);
    expect((await explainDuring(ping)).findings).toEqual([]);
  });

  it("entry-removed, and by whom", async () => {
    const entry = `${macOf("b")} dev pb master`;
    const finding = await found("entry-removed", () => {
      lab.shell(`bridge fdb replace ${entry} static && bridge fdb del ${entry}`);
      flood(macOf("b"), 20)();
    });
    expect(finding.basis).toBe("observed");
    expect(finding.title).toMatch(/deleted by bridge \(pid \d+\)/);
    apply(finding);
    expect(lab.got("c", { from: "a", to: macOf("b") })).toBe(0);
  });

  it.each([
    ["ageing-disabled", "ip link set br0 type bridge ageing_time 0"],
    ["learning-off", "bridge link set dev pb learning off"],
    ["locked-port", "bridge link set dev pb learning off locked on"],
  ] as const)("%s", FULL, async (cause, how) => {
    lab.shell(how);
    learn("a", "b");
    const finding = await found(cause, flood(macOf("b"), 20));
    expect(finding.destination).toBe(macOf("b"));
    apply(finding);
    learn("b");
    expect(lab.got("c", { from: "a", to: macOf("b") })).toBe(0);
  });

  it("asymmetric-path, by the progress of the conversation", async () => {
    detour();
    const talk = await converse(lab, "a", "b", "10.77.0.2");
    try {
      const finding = await found("asymmetric-path", () => {});
      expect(finding).toMatchObject({
        basis: "inferred",
        destination: macOf("b"),
        addresses: { source: "10.77.0.1", destination: "10.77.0.2" },
        protocol: "TCP",
      });
      expect(finding.title).toMatch(/acknowledgements of \S+ advanced \d{2,} times/);
      apply(finding);
      expect((await explainDuring(() => {})).findings).toEqual([]);
    } finally {
      await talk.end();
    }
  });

  it("broadcast-storm", async () => {
    const finding = await found("broadcast-storm", flood(EVERYBODY, 100));
    expect(finding.source).toBe(macOf("a"));
    expect(finding.victims.map(({ port }) => port.name).sort()).toEqual(["pb", "pc"]);
    expect(finding.evidence[0]).toContain("; the host itself got ");
    apply(finding);
    expect(lab.got("c", { from: "a", to: EVERYBODY })).toBe(0);
    execFileSync("sh", ["-ec", finding.remedy?.undo ?? "false"]);
    expect(lab.got("c", { from: "a", to: EVERYBODY })).toBe(5);
  });

  it("multicast-unregistered", FULL, async () => {
    lab.shell("ip link set br0 type bridge mcast_snooping 0");
    const finding = await found("multicast-unregistered", flood(GROUP, 100));
    expect(finding).toMatchObject({ destination: GROUP, remedy: null });
    expect(finding.noRemedy).toContain("IPv6 neighbour solicitations");
  });

  it("mac-flapping, and its remedy holds the address where it lives", {
    ...FULL,
    timeout: 60_000,
  }, async () => {
    learn("b", "c");
    const move = () => {
      for (let time = 0; time < 10; time++) {
        lab.got("b", { from: "b", to: macOf("b"), count: 1, settleMs: 1 });
        lab.got("c", { from: "c", source: macOf("b"), to: macOf("c"), count: 1, settleMs: 1 });
      }
    };
    const finding = await found("mac-flapping", move, { afterS: 0 });
    expect(finding).toMatchObject({ source: macOf("b"), basis: "observed" });
    expect(finding.remedy?.risk).toContain(`uses ${macOf("b")} behind pc is cut off`);
    apply(finding);
    expect((await explainDuring(move, { afterS: 0 })).findings).toEqual([]);
  });
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
  it("a conversation whose answers come in by a port that does not learn", FULL, async () => {
    lab.shell("bridge link set dev pb learning off");
    const talk = await converse(lab, "a", "b", "10.77.0.2");
    try {
      await found("learning-off", () => {});
    } finally {
      await talk.end();
    }
  });
});

describe("a burst is above threshold", () => {
  it("whatever the mean over the time is", async () => {
    const looked = 4;
    let sent = false;
    const burst = () => {
      if (!sent) flood(EVERYBODY, 300)();
      sent = true;
    };
    const { findings, seconds } = await explainDuring(burst, { seconds: looked, afterS: 1 });
    expect(findings).toMatchObject([{ cause: "broadcast-storm", frames: 300 }]);
    expect(300 / seconds).toBeLessThan(THRESHOLDS.broadcast);
    expect(findings[0]?.framesPerSecond).toBe(300);
  });

  it("and so are the copies of a few frames on many ports; fewer are below", async () => {
    const PORTS = 60;
    const ports = Array.from(
      { length: PORTS },
      (_, n) => `link add m${n} type veth peer name n${n}`,
    );
    const up = ports.flatMap((_, n) => [`link set n${n} up`, `link set m${n} master br0 up`]);
    lab.shell(`printf '${[...ports, ...up].join("\\n")}\\n' | ip -batch -`);
    const few = () => {
      flood(EVERYBODY, 1)();
      lab.shell("sleep 0.03");
    };
    const options = { seconds: 2.5, afterS: 0 };
    const quiet = await explainDuring(few, options);
    expect(quiet.findings).toEqual([]);
    expect(quiet.below[0]).toMatchObject({ kind: "flood", class: "broadcast", source: macOf("a") });
    expect(quiet.below[0]?.copies).toBe((PORTS + 2) * (quiet.below[0]?.frames ?? 0));
    const copies = { copies: 300 };
    const loud = await explainDuring(few, { ...options, thresholds: copies });
    expect(loud.findings).toMatchObject([{ cause: "broadcast-storm", source: macOf("a") }]);
    expect(loud.findings[0]?.framesPerSecond).toBeLessThan(THRESHOLDS.broadcast);
    expect(loud.findings[0]?.victims).toHaveLength(PORTS + 2);
  });
});

describe("nothing above threshold is found", () => {
  it("in traffic between hosts that are known", async () => {
    const talk = () => lab.shell("ping -q -f -c 200 10.77.0.2", "a");
    const { findings, seconds, overhead } = await explainDuring(talk);
    expect(findings).toEqual([]);
    expect(seconds).toBeGreaterThan(0.9);
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

it("says nothing of frames that an uplink hears for hosts on its own side", async () => {
  // Both are behind pa.
  const other = "02:00:00:00:0e:01";
  lab.got("c", { from: "a", source: other, to: macOf("a"), count: 1 });
  const { findings, notes, below } = await explainDuring(flood(other, 50));
  expect(findings).toEqual([]);
  expect(notes.filter(({ about }) => about === "frames")).toEqual([]);
  expect(below.filter(({ destination }) => destination === other)).toEqual([]);
});

it("does not propose an entry that somebody has set meanwhile", async () => {
  let times = 0;
  const act = () => {
    flood(macOf("b"), 50)();
    if (times++ === 2) lab.shell(`bridge fdb replace ${macOf("b")} dev pb master static`);
  };
  const finding = await found("never-learned", act, { afterS: 0 });
  expect(finding).toMatchObject({
    remedy: null,
    noRemedy: `the static entry of ${macOf("b")} at pb is in force already`,
  });
});

it("counts for a part of the time where it may take little, says so, and scales what it saw to all of it", async () => {
  let sent = 0;
  const act = () => {
    flood(GONE, 50)();
    sent += 50;
  };
  const explanation = await explainDuring(act, { seconds: 5, maxOverhead: 0.0005, afterS: 0 });
  const { notes, seconds, counted } = explanation;
  expect(counted).toBeGreaterThan(0);
  expect(counted).toBeLessThan(0.9 * seconds);
  expect(notes[0]?.text).toMatch(/^frames were counted for .* --max-overhead allows/);
  const { cause, frames, evidence } = only(explanation);
  expect(cause).toBe("never-learned");
  expect(frames / sent).toBeGreaterThan(0.8);
  expect(frames / sent).toBeLessThan(1.2);
  expect(evidence.join()).toContain("estimated of");
});
