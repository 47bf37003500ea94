/** Frames that netfilter drops: the host's rules through br_netfilter, and what was meant for bridged frames. */
import { execFileSync } from "node:child_process";
import { describe, type ExpectStatic, it } from "vitest";
import type { Explanation, Finding } from "../../../../src/document/explain.ts";
import { onStage, type Stage } from "../stage.ts";

const nft = (rules: string) => `nft -f - <<'RULES'\n${rules}\nRULES\n`;
const ping = (from: string, to: string) => `at ${from} ping -q -i 0.05 ${to} > /dev/null 2>&1`;
const CALLS =
  "sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1";
const NO_CALLS =
  "sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0";
/** They know each other: what is lost is no ARP. */
const KNOWN = `
know() { ip -n $1 neigh replace $2 lladdr 02:00:00:00:0d:0$3 dev eth0 nud permanent; }
know a 10.77.0.2 2; know a fd77::2 2; know b 10.77.0.1 1; know b fd77::1 1
know a 10.77.0.3 3; know c 10.77.0.1 1
`;
const LOOK = { seconds: 1.5 };
const CAN_PING = "at a ping -q -c 1 -W 1 10.77.0.2";

function losses({ findings }: Explanation): Finding[] {
  return findings.filter(({ kind }) => kind !== "flood");
}

function only(explanation: Explanation): Finding {
  const [one, ...more] = losses(explanation);
  if (one === undefined || more.length > 0) {
    throw new Error(`one loss was expected: ${JSON.stringify(explanation.findings)}`);
  }
  return one;
}

/** As a person types it on the host; false where it fails. */
function succeeds(line: string): boolean {
  try {
    execFileSync("sh", ["-ec", line], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

interface Remedied {
  /** Shell that fails while the trouble lasts. */
  works: string;
  /** Shell that prints what undo restores. */
  shown: string;
}

async function remedied(
  { shell }: Stage,
  { remedy }: Finding,
  { works, shown }: Remedied,
  expect: ExpectStatic,
): Promise<void> {
  if (remedy === null) throw new Error("there is no remedy");
  const doesWork = () =>
    shell(works).then(
      () => true,
      () => false,
    );
  const before = await shell(shown);
  expect([succeeds(remedy.verify), await doesWork()]).toEqual([false, false]);
  expect(succeeds(remedy.command)).toBe(true);
  expect([succeeds(remedy.verify), await doesWork()]).toEqual([true, true]);
  expect(succeeds(remedy.undo)).toBe(true);
  expect(await shell(shown)).toBe(before);
  expect([succeeds(remedy.verify), await doesWork()]).toEqual([false, false]);
}

describe.concurrent("a loss by the host's rules, which br_netfilter applies", () => {
  it("is the FORWARD policy of iptables, and not where the sysctl is 0", async ({ expect }) => {
    const scene = {
      set: `${KNOWN}${CALLS}; iptables-nft -P FORWARD DROP`,
      act: ping("a", "10.77.0.2"),
    };
    await onStage(scene, async (stage) => {
      const finding = only(await stage.look(LOOK));
      expect(finding).toMatchObject({
        ...{ kind: "loss", cause: "netfilter", basis: "observed", reason: "NETFILTER_DROP" },
        title: stage.own(
          "the policy of chain FORWARD (ip filter) drops frames between ports of br0 at the hook forward: br_netfilter applies it to bridged frames",
        ),
        alternatives: [],
      });
      expect(finding.evidence.join("\n")).toMatch(
        /counted \d+ frames, of which \d+ were seen.*\nnet\.bridge\.bridge-nf-call-iptables is 1 in /,
      );
      const shown = "iptables-nft -S";
      await remedied(stage, finding, { works: CAN_PING, shown }, expect);
      await stage.shell(NO_CALLS);
      expect(losses(await stage.look(LOOK))).toEqual([]);
    });
  });

  it("is a reverse-path filter of IPv6, whatever IPv4 does", async ({ expect }) => {
    const scene = {
      set: `${KNOWN}${CALLS}; ip link add other type bridge
${nft(`table inet firewalld {
 chain filter_PREROUTING {
  type filter hook prerouting priority filter + 10; policy accept
  icmpv6 type { nd-router-advert, nd-neighbor-solicit } accept
  meta nfproto ipv6 fib saddr . mark . iif oif missing counter drop
 }
}`)}`,
      act: `${ping("a", "fd77::2")} & ${ping("a", "10.77.0.2")}`,
    };
    await onStage(scene, async (stage) => {
      const finding = only(await stage.look(LOOK));
      expect(finding).toMatchObject({
        ...{ kind: "loss", cause: "netfilter", basis: "observed" },
        title: expect.stringMatching(
          /^rule \d+ of chain filter_PREROUTING \(inet firewalld\) drops/,
        ),
        addresses: { source: "fd77::1" },
      });
      expect(finding.remedy?.risk).toContain("it goes for other of that namespace too");
      const works = "at a ping -q -c 1 -W 1 fd77::2";
      const shown = "sysctl net.bridge; nft list ruleset | sed 's/packets [0-9]* bytes [0-9]*//'";
      await remedied(stage, finding, { works, shown }, expect);
    });
  });

  it("is a rule that refuses in a chain of another one, where Docker needs what it sees", async ({
    expect,
  }) => {
    const scene = {
      set: `${KNOWN}${CALLS}
${nft(`table inet fw {
 chain end {
  counter reject
 }
 chain forward {
  type filter hook forward priority 0; policy accept
  ct state established accept
  iifname "eth0" drop
  jump end
 }
}
table ip nat {
 chain DOCKER {
 }
}`)}`,
      act: ping("a", "10.77.0.2"),
    };
    await onStage(scene, async (stage) => {
      const finding = only(await stage.look(LOOK));
      expect(finding).toMatchObject({
        ...{ kind: "loss", cause: "netfilter", basis: "observed" },
        title: expect.stringMatching(/^rule \d+ of chain end \(inet fw\) refuses frames/),
      });
      expect(finding.remedy?.command).toContain("insert rule inet fw forward");
      const shown = "nft list ruleset | sed 's/packets [0-9]* bytes [0-9]*//'";
      await remedied(stage, finding, { works: CAN_PING, shown }, expect);
    });
  });
});

describe.concurrent("a policy, which somebody asked for", () => {
  const POLICIES: Record<string, { rules: string; title: RegExp }> = {
    "is a rule of the bridge family": {
      rules: `table bridge filter {
 chain FORWARD {
  type filter hook forward priority -200; policy accept
  oifname "v-b" ether saddr 02:00:00:00:0d:01 counter drop
 }
}`,
      title: /^rule \d+ of chain FORWARD \(bridge filter\) drops them at the hook forward$/,
    },
    "is a rule about two hosts, beside a FORWARD policy that drops others": {
      rules: `table ip filter {
 chain FORWARD {
  type filter hook forward priority 0; policy drop
  ip saddr 10.77.0.1 ip daddr 10.77.0.2 counter drop
  ip daddr 10.77.0.0/16 accept
 }
}`,
      title: /^rule \d+ of chain FORWARD \(ip filter\) drops them at the hook forward$/,
    },
    "is a rule at a port's ingress": {
      rules: `table netdev guard {
 chain in {
  type filter hook ingress device "v-a" priority 0; policy accept
  ip daddr 10.77.0.2 counter drop
 }
}`,
      title: /^rule \d+ of chain in \(netdev guard\) drops them at the hook ingress$/,
    },
  };
  for (const [name, { rules, title }] of Object.entries(POLICIES)) {
    it(name, async ({ expect }) => {
      const scene = {
        set: `${KNOWN}${CALLS}\n${nft(rules)}`,
        act: `${ping("a", "10.77.0.2")} & ${ping("a", "10.77.0.3")}`,
      };
      await onStage(scene, async (stage) => {
        const finding = only(await stage.look(LOOK));
        expect(finding).toMatchObject({ kind: "policy", cause: "netfilter", remedy: null });
        expect(finding.title).toMatch(title);
        expect(finding.addresses.destination).toBe("10.77.0.2");
      });
    });
  }

  it("is not told of a host that filters for itself", async ({ expect }) => {
    const scene = {
      set: `${KNOWN}at b nft 'table ip own { chain input { type filter hook input priority 0; policy drop; }; }'`,
      act: ping("a", "10.77.0.2"),
    };
    await onStage(scene, async (stage) => {
      expect(losses(await stage.look(LOOK))).toEqual([]);
    });
  });
});
