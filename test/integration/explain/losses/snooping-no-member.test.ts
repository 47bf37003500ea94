/** A bridge that snoops, a querier, and hosts whose reports it does not hear: their groups do not come to them. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { Explanation, Finding } from "../../../../src/document/explain.ts";
import { onStage, type Stage } from "../stage.ts";

/** A querier whose queries have been out for as long as it waits before it trusts what it heard. */
const QUERIER = `ip addr add fe80::b/64 dev br0 nodad
ip link set br0 type bridge mcast_query_response_interval 100
ip link set br0 type bridge mcast_querier 1; sleep 2.5
`;
/** From now on b tells nobody of its groups, as behind a firewall that drops ICMPv6, and has a group more of each family. */
const SILENT = `at b nft 'add table inet f; add chain inet f o { type filter hook output priority 0; }
add rule inet f o icmpv6 type { mld-listener-report, mld2-listener-report } drop
add rule inet f o ip protocol igmp drop'
ip -n b addr add fd77::b2/64 dev eth0 nodad
`;
const ASKING =
  "at a sysctl -qw net.ipv6.neigh.eth0.retrans_time_ms=100; while :; do ip -n a neigh flush dev eth0; at a ping -q -c 5 -i 0.2 -W 1 fd77::b2; done";

function lossesIn({ findings }: Explanation): Finding[] {
  return findings.filter(({ kind }) => kind === "loss");
}

function only(explanation: Explanation): Finding {
  const [first, ...more] = lossesIn(explanation);
  expect(more).toEqual([]);
  return first ?? expect.fail(`nothing was lost: ${JSON.stringify(explanation.findings)}`);
}

/** As a person does it: on the host. */
const host = (line: string) => promisify(execFile)("sh", ["-ec", line]);
const holds = (line: string) =>
  host(line).then(
    () => true,
    () => false,
  );
const entries = ({ shell }: Stage) => shell("bridge mdb show dev br0 | sort");

describe.concurrent("a group without a member at a port", () => {
  it("is a neighbour solicitation that reaches nobody, until the port has an entry of it", () =>
    onStage({ set: SILENT + QUERIER, act: ASKING }, async (stage) => {
      const { look, own, shell } = stage;
      const finding = only(await look());
      expect(finding).toMatchObject({ cause: "snooping-no-member", protocol: "ICMPv6" });
      expect(finding.title).toMatch(/^fd77::b2 is behind port v-b \(pid \d+ \(sleep\)\), /);
      expect(finding.title).toContain("its solicited-node group ff02::1:ff00:b2 has no member");
      expect(finding.evidence).toEqual(
        expect.arrayContaining([
          own("bridge mdb show dev br0: no entry of ff02::1:ff00:b2"),
          own("MLD queries come from br0 itself"),
          expect.stringContaining("has joined ff02::1:ff00:b2 (/proc/net/igmp6 there)"),
        ]),
      );
      const before = await entries(stage);
      const remedy = finding.remedy ?? expect.fail("nothing is proposed");
      expect(await holds(remedy.verify)).toBe(false);
      await host(remedy.command);
      expect(await holds(remedy.verify)).toBe(true);
      expect(lossesIn(await look())).toEqual([]);
      await shell("at a ping -q -c 2 -i 0.2 fd77::b2");
      await host(remedy.undo);
      expect(await holds(remedy.verify)).toBe(false);
      expect(await entries(stage)).toBe(before);
      // Nobody asks who is there any more: every group goes everywhere.
      await shell("ip link set br0 type bridge mcast_querier 0");
      expect(lossesIn(await look())).toEqual([]);
    }));

  it("misses what others get", () =>
    onStage(
      {
        set: `${SILENT + QUERIER}for one in b c; do ip -n $one addr add 239.1.2.3/32 dev eth0 autojoin; done; sleep 1`,
        act: "at a ping -q -i 0.1 -I eth0 239.1.2.3",
      },
      async ({ look, own }) => {
        const finding = only(await look());
        expect(finding.cause).toBe("snooping-no-member");
        expect(finding.title).toContain("239.1.2.3 was joined behind port v-b");
        expect(finding.evidence).toContain(own("bridge mdb show dev br0: 239.1.2.3 at v-c alone"));
        await host(finding.remedy?.command ?? "false");
        expect(lossesIn(await look())).toEqual([]);
      },
    ));

  it("is nobody's loss where nobody waits for it, or its member has told of itself", () =>
    onStage(
      {
        set: `${QUERIER}ip -n b addr add fd77::b2/64 dev eth0 nodad
ip -n c addr add 239.1.2.3/32 dev eth0 autojoin; sleep 1`,
        act: `at a ping -q -i 0.1 -I eth0 239.1.2.3 & at a ping -q -i 0.1 -I eth0 239.9.9.9 & at a ping -q -i 0.1 -I eth0 224.0.0.251 &
at a ping -q -i 0.1 -I eth0 ff02::1 & at a ping -q -i 0.1 -I eth0 ff02::1234 & ${ASKING}`,
      },
      async ({ look, received }) => {
        const explanation = await look();
        expect(explanation.findings).toEqual([]);
        expect(await received()).toBeGreaterThan(50);
      },
    ));
});
