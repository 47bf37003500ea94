/** One flow's journey, on stages of its own: where its frames are seen, where they are lost, and what else is said. */
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Explanation, explainSchema } from "../../../src/document/explain.ts";
import type { Journey } from "../../../src/document/journey.ts";
import type { ExplainOptions } from "../../../src/explain/explain.ts";
import { explain } from "../../../src/index.ts";
import { renderExplanation } from "../../../src/report/explanation.ts";
import { bridgescope, start } from "../bench/cli.ts";
import { FAR, WHOLE } from "./losses/overlay.ts";
import { onStage, type Stage } from "./stage.ts";

const PING = "at a ping -q -i 0.05 10.77.0.2";

async function journeyOf(
  { look }: Stage,
  options: ExplainOptions = {},
): Promise<{
  seen: Explanation;
  journey: Journey;
  there: Journey["directions"][number];
  back: Journey["directions"][number];
}> {
  const seen = explainSchema.parse(
    await look({ from: "10.77.0.1", to: "10.77.0.2", seconds: 1, ...options }),
  );
  const { journey } = seen;
  const [there, back] = journey?.directions ?? [];
  if (journey === undefined || there === undefined || back === undefined) {
    throw new Error("there is no journey");
  }
  return { seen, journey, there, back };
}

const text = (seen: Explanation) =>
  renderExplanation("terminal", seen, { width: 100, color: false, full: false, cut: true });
const counts = ({ hops }: Journey["directions"][number]) => hops.map(({ frames }) => frames);

describe.concurrent("on a bridge with a, b and c", () => {
  it("follows both directions from hop to hop, in the order of time", async ({ expect }) => {
    await onStage({ act: PING }, async (stage) => {
      const { seen, journey, there, back } = await journeyOf(stage, { from: "v-a", to: "v-b" });
      expect(seen.findings).toEqual([]);
      for (const one of [there, back]) {
        expect(one.hops.map(({ role }) => role)).toEqual([
          "source",
          "ingress",
          "egress",
          "destination",
        ]);
        expect(one.frames).toBeGreaterThan(5);
        expect(counts(one)).toEqual([one.frames, one.frames, one.frames, one.frames]);
        expect(one).toMatchObject({ arrived: one.frames, lost: [], unmatched: 0 });
        const times = one.hops.map(({ medianNs }) => medianNs ?? -1);
        expect(times).toEqual([...times].sort((x, y) => x - y));
        expect(times[0]).toBe(0);
      }
      expect(there.what).toEqual([{ what: "echo request", frames: there.frames }]);
      expect(journey.verdict).toContain(
        `${there.frames} of ${there.frames} echo requests reached eth0`,
      );
      expect(there.decision).toMatch(/^its FDB has 02:.* at v-b \(learned\)$/);
      expect(text(seen).trimEnd().split("\n").length).toBeLessThanOrEqual(30);
    });
  });

  it("says what isolation does as policy, and where frames were seen last", async ({ expect }) => {
    const set = `bridge link set dev v-a isolated on; bridge link set dev v-b isolated on
      at a ip neigh replace 10.77.0.2 lladdr 02:00:00:00:0d:02 dev eth0`;
    await onStage({ set, act: PING }, async (stage) => {
      const { seen, journey, there } = await journeyOf(stage);
      expect(seen.findings).toMatchObject([{ kind: "policy", cause: "isolated" }]);
      expect(there.lost).toMatchObject([
        { what: "echo request", frames: there.frames, last: "v-a's ingress", lastRole: "ingress" },
      ]);
      expect(counts(there)).toEqual([there.frames, there.frames, 0, 0]);
      expect(journey.verdict).toContain(`0 of ${there.frames} echo requests reached eth0`);
    });
  });

  it("tells frames that are too long, with the drop behind the port and its remedy", async ({
    expect,
  }) => {
    const act = "at a ping -q -i 0.05 -s 1200 10.77.0.2";
    const set = "at a ping -q -c 1 10.77.0.2 > /dev/null; at b ip link set eth0 mtu 1000";
    await onStage({ set, act }, async (stage) => {
      const { seen, there } = await journeyOf(stage);
      expect(seen.findings).toMatchObject([{ kind: "loss", cause: "mtu", lost: there.frames }]);
      expect(there.lost).toMatchObject([
        {
          last: "v-b's egress",
          drop: { where: expect.stringMatching(/dev_forward_skb|veth/), device: "v-b" },
        },
      ]);
      const shown = text(seen);
      expect(shown).toContain("loss, mtu:");
      expect(shown.trimEnd().split("\n").length).toBeLessThanOrEqual(30);
      // A filter that takes none of them says so, and what there is instead.
      const none = await journeyOf(stage, { filter: "udp port 53" });
      expect(none.there.frames + none.back.frames).toBe(0);
      expect(none.seen.findings).toEqual([]);
      expect(none.journey.verdict).toContain(
        "nothing that the filter takes between 10.77.0.1 and 10.77.0.2 was seen",
      );
      expect(none.journey.heard).toContainEqual({
        what: "echo request of 10.77.0.1 to 10.77.0.2",
        port: "v-a",
        frames: expect.any(Number),
      });
      const some = await journeyOf(stage, { filter: "icmp[icmptype] == icmp-echo" });
      expect(some.there.frames).toBeGreaterThan(5);
    });
  });

  it("names the rule that drops a flow, and leaves no table", async ({ expect }) => {
    const set = `at a ping -q -c 1 10.77.0.2 > /dev/null
      nft add table bridge guard; nft 'add chain bridge guard pass { type filter hook forward priority 0; }'
      nft add rule bridge guard pass ip protocol icmp counter drop`;
    await onStage({ set, act: PING }, async (stage) => {
      const { there, journey, seen } = await journeyOf(stage, { traceRules: true });
      expect(there.lost).toMatchObject([
        { last: "v-a's ingress", drop: { reason: "NETFILTER_DROP" } },
      ]);
      expect(seen.findings).toMatchObject([
        { cause: "netfilter", title: expect.stringContaining("guard") },
      ]);
      expect(journey.rules).toContainEqual(
        expect.objectContaining({
          ...{
            family: "bridge",
            table: "guard",
            chain: "pass",
            verdict: "drop",
            from: "10.77.0.1",
          },
          text: expect.stringContaining("ip protocol icmp"),
        }),
      );
      // A child that another test forks has the table's socket too until it runs its program.
      await stage.shell("wait_for '! nft list tables | grep -q bridgescope'");
    });
  });

  it("tells a question that nobody answers from one that does not come through", async ({
    expect,
  }) => {
    await onStage({}, async (stage) => {
      const nobody = await journeyOf(stage, { to: "10.77.0.9", probe: "ping", seconds: 2 });
      expect(nobody.there).toMatchObject({ frames: 0, resolution: { answered: 0 } });
      expect(nobody.there.resolution.asked).toBeGreaterThan(0);
      expect(nobody.journey.verdict).toMatch(/who has 10\.77\.0\.9, and nobody answered$/);
      expect(nobody.seen.findings).toEqual([]);
      await stage.shell("at b ip link set eth0 arp off; at a ip neigh flush all");
      const silent = await journeyOf(stage, { probe: "ping", seconds: 2 });
      expect(silent.journey.verdict).toMatch(/the question reached eth0 .*, which gave none$/);
    });
  });

  it("sends what it is asked to, to the other end alone", async ({ expect }) => {
    await onStage({}, async (stage) => {
      const ping = await journeyOf(stage, { probe: "ping", seconds: 2 });
      expect(ping.there.what).toMatchObject([{ what: "echo request" }]);
      expect(ping.there.arrived).toBe(ping.there.frames);
      expect(ping.there.resolution).toMatchObject({ asked: 1, answered: 1 });
      const udp = await journeyOf(stage, { probe: "udp:9", from: "v-a", seconds: 2 });
      expect(udp.there.what).toMatchObject([{ what: "UDP datagram" }]);
      expect(udp.journey.probe).toMatchObject({ what: "udp:9", sent: udp.there.frames });
      // Nobody listens there, which is no loss of the bridge's.
      expect(udp.back.what).toMatchObject([{ what: "ICMP unreachable" }]);
      expect(udp.seen.findings).toEqual([]);
      const quiet = await journeyOf(stage, {});
      expect(quiet.there.frames + quiet.there.resolution.asked).toBe(0);
    });
  });

  it("answers where a device of the way is down", async ({ expect }) => {
    await onStage({ set: "at b ip link set eth0 down" }, async (stage) => {
      const { there, journey } = await journeyOf(stage, { from: "v-a", to: "v-b", probe: "ping" });
      expect(there.resolution.asked + there.frames).toBeGreaterThan(0);
      expect(there).toMatchObject({ arrived: 0, resolution: { reached: 0, answered: 0 } });
      expect(journey.verdict).toContain("10.77.0.2");
    });
  });

  it("takes the host itself for an end", async ({ expect }) => {
    const set = "ip addr add 10.77.0.254/16 dev br0";
    await onStage({ set, act: "at a ping -q -i 0.05 10.77.0.254" }, async (stage) => {
      const { there, back } = await journeyOf(stage, { to: stage.bridge });
      expect(there.hops.map(({ role, device }) => `${role} ${device}`)).toEqual([
        "source eth0",
        "ingress v-a",
        `destination ${stage.bridge}`,
      ]);
      expect(there.arrived).toBe(there.frames);
      expect(back.arrived).toBe(back.frames);
      expect(back.frames).toBeGreaterThan(5);
    });
  });

  it("says what it takes for ends, and why not", async ({ expect }) => {
    const set = `
      ip link add v-d type veth peer name eth1 netns c; ip link set v-d master br0 up
      ip -n c link set eth1 up; ip -n c addr add 10.77.0.4/16 dev eth1
      ip link add br2 type bridge; ip link set br2 up; home d
      ip link add v-e type veth peer name eth0 address 02:00:00:00:0d:05 netns d; ip link set v-e master br2 up
      ip -n d link set eth0 up; ip -n d addr add 10.77.0.5/16 dev eth0`;
    await onStage({ set }, async (stage) => {
      const { bridge, island, own } = stage;
      const c = (await stage.shell("ip netns pids c")).trim().split("\n")[0];
      const children = await stage.shell("cat /proc/self/status | grep ^NSpid");
      expect(children).toContain("NSpid");
      expect(Number(c)).toBeGreaterThan(0);
      const said = (from: string, to: string, more: ExplainOptions = {}) =>
        explain({ bridge, netns: island.netns, from, to, ...more }).then(
          () => "nothing",
          (error: Error) => `${error.name}: ${error.message}`,
        );
      expect(await said("v-a", "10.77.0.1")).toMatch(
        /^UsageError: --from and --to are the same end, 10\.77\.0\.1 /,
      );
      expect(await said("v-x", "v-a")).toMatch(
        /^UsageError: --from "v-x" is no port of mix.*, and as a namespace: /,
      );
      expect(await said("port v-x", "v-a")).toMatch(
        /^UsageError: --from "port v-x" is no port of mix/,
      );
      expect(await said("v-a", own("02:00:00:00:0d:77"))).toMatch(
        /is not behind mix.* the FDB has no entry for it$/,
      );
      expect(await said("v-a", "10.77.0.5")).not.toContain("common");
      expect(await said("v-a", own("02:00:00:00:0d:05"), { bridge: undefined })).toMatch(
        /^UsageError: "v-a" and "02:.*" are on no common bridge: the first is behind mix\d+ \(.*\), the second behind br2/,
      );
      expect(await said("v-a", "v-b", { filter: "bad filter" })).toMatch(
        /^UsageError: --filter takes an expression of tcpdump, which says of "bad filter": .*syntax error/,
      );
      expect(await said("v-a", "v-b", { probe: "tcp:80" })).toMatch(
        /^UsageError: --probe sends "ping" or "udp:PORT"/,
      );
      expect(await said("v-a", "v-b", { pcap: "/tmp/never" })).toMatch(/^UsageError: .*pcap/);
      expect(readdirSync("/tmp")).not.toContain("never");
    });
  });
});

describe("an overlay whose other end is another host", () => {
  it("follows frames into VXLAN, says what to run there, and why a half entry ends them", async () => {
    const act = "at a ping -q -i 0.05 10.77.0.12";
    await onStage({ set: WHOLE, act }, async (stage) => {
      const whole = await journeyOf(stage, { to: "10.77.0.12" });
      expect(whole.seen.findings).toEqual([]);
      expect(whole.there.hops.map(({ role, device }) => `${role} ${device}`)).toEqual([
        ...["source eth0", "ingress v-a", "egress vxlan0", "underlay eth0"],
      ]);
      expect(whole.there.arrived).toBe(whole.there.frames);
      expect(whole.back.hops.map(({ role }) => role)).toEqual([
        ...["underlay", "ingress", "egress", "destination"],
      ]);
      expect(whole.back.arrived).toBe(whole.back.frames);
      expect(whole.back.frames).toBeGreaterThan(5);
      expect(whole.journey.elsewhere).toContain(
        "the host of 198.18.1.2 alone: bridgescope explain --from 10.77.0.1 --to 10.77.0.12 there",
      );
      await stage.shell(`bridge fdb del ${FAR} dev vxlan0 dst 198.18.1.2 self`);
      const half = await journeyOf(stage, { to: "10.77.0.12" });
      expect(half.there.arrived).toBe(0);
      expect(half.there.lost).toMatchObject([{ last: "vxlan0's egress" }]);
      expect(half.seen.findings).toMatchObject([{ kind: "loss", cause: "vxlan-no-remote" }]);
    });
  });
});

describe("from the command line", () => {
  const words = ({ bridge, island }: Stage, ...more: string[]) => [
    ...["explain", bridge, "--netns", island.netns, ...more],
  ];

  it("exits with 3 for a loss, with 2 for what cannot be, and answers when it is interrupted", async () => {
    const set = "at a ping -q -c 1 10.77.0.2 > /dev/null; at b ip link set eth0 mtu 1000";
    await onStage({ set, act: "at a ping -q -i 0.05 -s 1200 10.77.0.2" }, async (stage) => {
      const lost = await bridgescope(words(stage, "--from", "10.77.0.1", "--to", "10.77.0.2"));
      expect(lost.stdout).toMatch(
        /^10\.77\.0\.1 → 10\.77\.0\.2: 0 of \d+ echo requests reached eth0/,
      );
      expect(lost.stdout).toContain("loss, mtu");
      expect(lost.code).toBe(3);
      const alone = await bridgescope(words(stage, "--from", "v-a"));
      expect(alone.code).toBe(2);
      expect(alone.stderr).toContain(
        "--from is one end of a flow: say with --to what the other is",
      );
      const useless = await bridgescope(
        words(stage, "--from", "v-a", "--to", "v-b", "--pcap", "x"),
      );
      expect(useless.code).toBe(2);
      expect(useless.stderr).toContain("--pcap is for `explain` with probes");
      const without = await bridgescope(words(stage, "--filter", "icmp"));
      expect(without.code).toBe(2);
      expect(without.stderr).toContain("--filter is for `explain --from A --to B`");
      const long = start(
        words(stage, "--from", "v-a", "--to", "v-b", "--duration", "60s", "--json"),
      );
      await long.saw("looking at frames");
      long.process.kill("SIGINT");
      const { code, stdout } = await long.finished;
      expect([0, 3]).toContain(code);
      expect(explainSchema.parse(JSON.parse(stdout)).journey?.from.port).toBe("v-a");
    });
  });
});
