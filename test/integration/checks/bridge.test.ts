import { existsSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { checkBridge } from "../../../src/setup/checks/index.ts";
import { type BuiltLab, buildPrivateLab } from "../../../src/setup/lab.ts";
import { macAddress } from "../../../src/setup/mac.ts";
import type { TopologySpec } from "../../../src/setup/spec.ts";
import { parseTopology } from "../../../src/setup/topology.ts";
import { writeSysctl } from "../../../src/system/netns.ts";
import { cannot } from "../../skipped.ts";
import { failed, leftovers, observed, typed } from "./support.ts";

const ALL = [
  "bridge/ports-forwarding",
  "bridge/netfilter-hooks",
  "bridge/ipv6-autoconfiguration",
  "bridge/learning",
  "bridge/forwarding",
  "bridge/filtering",
  "bridge/flooding",
  "bridge/ageing",
];

afterAll(async () => {
  expect(await leftovers()).toEqual([]);
});

interface Broken {
  how: string;
  topology?: string;
  /** Changes what is built. */
  spec?: (spec: TopologySpec) => void;
  /** Breaks what has been built. */
  lab?: (lab: BuiltLab) => unknown;
  fails: string[];
  reads: string | RegExp;
}

/** Bridge port option of the `index`th host. */
function port(index: number, option: string, value: string): (spec: TopologySpec) => void {
  return (spec) => {
    const host = spec.hosts[index];
    if (host !== undefined) host.port[option] = value;
  };
}

function inSwitch(line: string): (lab: BuiltLab) => Promise<void> {
  return (lab) => typed(lab.site, "sw", line);
}

/** A static entry for the made-up address that the check of this number uses. */
function staticEntry(number: number, device: string, ...more: string[]) {
  return (lab: BuiltLab) => {
    const address = macAddress(lab.id, "sender", number);
    const words = ["bridge fdb add", address, "dev", device, "master static", ...more];
    return typed(lab.site, "sw", words.join(" "));
  };
}

/** A bridge reports its own multicast groups once, soon after it came up (IGMP): one stray frame. */
const STRAY = { none: "[01]", burst: "6[45]" };

function leftBy(...bursts: boolean[]): RegExp {
  const ports = bursts.map((burst, index) => `p${index + 1} ${burst ? STRAY.burst : STRAY.none}`);
  return new RegExp(`^left by ${ports.join(", ")}\\b`);
}

const ONE_FAILS: Broken[] = [
  {
    how: "learning off on a port",
    spec: port(2, "learning", "off"),
    fails: ["bridge/learning"],
    reads: /^before: no entry; after: \S+ on p1, \S+ on p2, \S+ on no port$/,
  },
  {
    how: "a host has spoken before",
    lab: (lab) => typed(lab.site, "h3", "ping -c 1 -W 1 198.18.0.4"),
    fails: ["bridge/learning"],
    reads: /^before: \S+ on p3; after/,
  },
  {
    how: "a sticky entry leads to the wrong port",
    lab: staticEntry(2, "p3", "sticky"),
    fails: ["bridge/forwarding"],
    reads: leftBy(false, false, true, false),
  },
  {
    how: "hairpin on",
    spec: port(0, "hairpin", "on"),
    fails: ["bridge/filtering"],
    reads: leftBy(true, false, false, false),
  },
  {
    how: "flood off on a port",
    spec: port(3, "flood", "off"),
    fails: ["bridge/flooding"],
    reads: leftBy(true, false, true, false),
  },
  {
    how: "the entry is static",
    lab: staticEntry(6, "p1"),
    fails: ["bridge/ageing"],
    reads: /learned on p1, still there after 4\.\d s$/,
  },
  {
    how: "IPv6 on for one port",
    lab: ({ bridge }) => {
      if (bridge !== null) writeSysctl(bridge.namespace, "net.ipv6.conf.p2.disable_ipv6", "0");
    },
    fails: ["bridge/ipv6-autoconfiguration"],
    reads: /IPv6 on for p2$/,
  },
  {
    how: "the bridge's own netfilter option is on",
    lab: inSwitch("ip link set br0 type bridge nf_call_iptables 1"),
    fails: ["bridge/netfilter-hooks"],
    reads: "iptables on (by an option of br0), ip6tables off, arptables off",
  },
];

const SEVERAL_FAIL: Broken[] = [
  {
    how: "a hub: ageing time 0",
    topology: "bridge:4,ageing_time=0s",
    fails: ["bridge/learning", "bridge/forwarding", "bridge/filtering"],
    reads: /^before: no entry; after: \S+ on no port, \S+ on no port, \S+ on no port$/,
  },
  {
    how: "a hub of two",
    topology: "bridge:2,ageing_time=0s",
    fails: ["bridge/learning", "bridge/forwarding", "bridge/filtering"],
    reads: /on no port$/,
  },
  {
    how: "two ports isolated from each other",
    spec: (spec) => {
      port(0, "isolated", "on")(spec);
      port(1, "isolated", "on")(spec);
    },
    fails: ["bridge/forwarding", "bridge/flooding"],
    reads: leftBy(false, false, false, false),
  },
  {
    how: "a port that takes nothing in: filtering is not shown by silence",
    spec: port(0, "state", "1"),
    fails: ALL.filter((id) => !/netfilter|ipv6/.test(id)),
    reads: "3 of 4 ports forwarding (p1 listening), br0 UP",
  },
  {
    how: "no carrier: the bridge is down",
    lab: inSwitch("ip link set br0 down"),
    fails: ALL.filter((id) => !/netfilter|ipv6/.test(id)),
    reads: /^0 of 4 ports forwarding \(p1 disabled, p2 disabled, p3 disabled\), br0 DOWN$/,
  },
];

async function checkBroken(
  { topology = "bridge:4", spec: change, lab: harm }: Omit<Broken, "how" | "fails" | "reads">,
  between?: (lab: BuiltLab, id: string) => Promise<(() => Promise<unknown>) | undefined>,
) {
  const spec = parseTopology(topology);
  change?.(spec);
  const lab = await buildPrivateLab(spec);
  try {
    await harm?.(lab);
    return await checkBridge(lab, { between: between && ((id) => between(lab, id)) });
  } finally {
    await lab.close();
  }
}

describe.concurrent("a healthy lab passes every check", () => {
  test.for(["bridge:2", "bridge:3", "bridge:4", "bridge:40"])(
    "%s",
    async (topology, { expect }) => {
      const checks = await checkBroken({ topology });
      expect(failed(checks)).toEqual([]);
      expect(checks.map((check) => check.id)).toEqual(ALL);
    },
  );

  test("with IPv6 on its devices as asked for", async ({ expect }) => {
    const checks = await checkBroken({ topology: "bridge:4,ipv6=1" });
    expect(failed(checks)).toEqual([]);
    expect(observed(checks, "bridge/ipv6-autoconfiguration")).toMatch(/on for br0, p1, p2, p3,/);
  });

  test("with STP, once its ports forward", async ({ expect }) => {
    const topology = "bridge:4,stp_state=1,forward_delay=2s";
    expect(failed(await checkBroken({ topology }))).toEqual([]);
  });
});

describe.concurrent("broken on purpose, exactly the right check fails", () => {
  test.for(ONE_FAILS)("$fails.0: $how", async ({ fails, reads, ...broken }, { expect }) => {
    const checks = await checkBroken(broken);
    expect(failed(checks)).toEqual(fails);
    expect(observed(checks, fails[0] ?? "")).toMatch(reads);
  });

  test("bridge/ports-forwarding: a port listens for a while", async ({ expect }) => {
    const state = (value: number) => `ip link set p4 type bridge_slave state ${value}`;
    const checks = await checkBroken({}, async (lab, id) => {
      if (id !== "bridge/ports-forwarding") return undefined;
      await inSwitch(state(1))(lab);
      return () => inSwitch(state(3))(lab);
    });
    expect(failed(checks)).toEqual(["bridge/ports-forwarding"]);
    expect(observed(checks, "bridge/ports-forwarding")).toBe(
      "3 of 4 ports forwarding (p4 listening), br0 UP",
    );
  });

  test("every check of the rung has been broken alone", ({ expect }) => {
    const alone = new Set(ONE_FAILS.flatMap((one) => one.fails));
    expect(ALL.filter((id) => !alone.has(id))).toEqual(["bridge/ports-forwarding"]);
  });
});

describe.concurrent("what breaks more fails more, and nothing else", () => {
  test.for(SEVERAL_FAIL)("$how", async ({ fails, reads, ...broken }, { expect }) => {
    const checks = await checkBroken(broken);
    expect(failed(checks)).toEqual(fails);
    expect(observed(checks, fails[0] ?? "")).toMatch(reads);
  });
});

const without = existsSync("/proc/sys/net/bridge") ? null : "br_netfilter is not loaded";

describe.skipIf(cannot("the bridge's netfilter hooks", without))("with br_netfilter", () => {
  const id = "bridge/netfilter-hooks";
  const sysctl = (value: string) => (lab: BuiltLab) => {
    if (lab.bridge !== null) {
      writeSysctl(lab.bridge.namespace, "net.bridge.bridge-nf-call-ip6tables", value);
    }
  };

  test("hooks that nobody asked for fail", async () => {
    const checks = await checkBroken({ lab: sysctl("1") });
    expect(failed(checks)).toEqual([id]);
    expect(observed(checks, id)).toBe("iptables off, ip6tables on, arptables off");
  });

  test("nf_call=1 passes with the hooks on, and fails when one is not", async () => {
    const topology = "bridge:4,nf_call=1";
    const on = await checkBroken({ topology });
    expect(failed(on)).toEqual([]);
    expect(observed(on, id)).toBe("iptables on, ip6tables on, arptables on");
    expect(failed(await checkBroken({ topology, lab: sysctl("0") }))).toEqual([id]);
  });
});

test("ageing puts the bridge's own ageing time back", async () => {
  const lab = await buildPrivateLab(parseTopology("bridge:2,ageing_time=77s"));
  try {
    expect(failed(await checkBridge(lab))).toEqual([]);
    const shown = await lab.site.runOk("ip", ["-d", "link", "show", "br0"], { namespace: "sw" });
    expect(shown).toMatch(/ ageing_time 7700 /);
  } finally {
    await lab.close();
  }
});
