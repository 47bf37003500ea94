/** Which rules frames of one flow meet, told by the kernel. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { placeOf } from "../../../src/bridge/find-namespace.ts";
import { withFilters } from "../../../src/bridge/netfilter.ts";
import { readBridge } from "../../../src/bridge/read-bridge.ts";
import { planRuleTrace, type RuleTraceOptions } from "../../../src/explain/journey/trace-rules.ts";
import { onStage, type Stage } from "./stage.ts";

const RULES = `nft -f - <<'RULES'
table ip fw {
 chain odd {
  icmp type echo-request ip daddr 10.77.0.2 counter drop comment "the one"
 }
 chain forward {
  type filter hook forward priority 0; policy accept
  ip saddr 10.77.0.3 drop
  jump odd
 }
}
RULES
sysctl -qw net.bridge.bridge-nf-call-iptables=1
for one in b c; do ip -n a neigh replace 10.77.0.$([ $one = b ] && echo 2 || echo 3) lladdr 02:00:00:00:0d:0$([ $one = b ] && echo 2 || echo 3) dev eth0 nud permanent; done
`;

async function traced({ island, bridge, own }: Stage): Promise<RuleTraceOptions> {
  const state = withFilters(
    await readBridge(await placeOf(`/proc/${island.netns}/ns/net`), bridge),
  );
  const end = (number: number) => ({
    macs: [own(`02:00:00:00:0d:0${number}`)],
    ips: [`10.77.0.${number}`, `fd77::${number}`],
  });
  return { state, ends: [end(1), end(2)] };
}

const tables = ({ shell }: Stage) => shell("nft list tables");

it("names the very rule, and leaves nothing", async () => {
  await onStage({ set: RULES }, async (stage) => {
    const before = await tables(stage);
    const plan = planRuleTrace(await traced(stage));
    expect(plan.text).toMatch(
      /^--trace-rules adds the nftables table "bridge bridgescope_\d+_\d+"/,
    );
    expect(await tables(stage)).toBe(before);
    const trace = plan.open();
    try {
      expect(await tables(stage)).toContain("table bridge bridgescope_");
      await stage.shell(
        "at a ping -q -c 5 -i 0.05 -W 1 10.77.0.2 || true; at a ping -q -c 5 -i 0.05 -W 1 10.77.0.3 || true",
      );
      const seen = await trace.seen();
      expect(seen).toMatchObject([
        { chain: "forward", verdict: "jump odd", from: 0, frames: 5 },
        {
          ...{ family: "ip", table: "fw", chain: "odd", verdict: "drop", from: 0, frames: 5 },
          text: expect.stringMatching(/^icmp type echo-request .* drop comment "the one"$/),
        },
      ]);
    } finally {
      trace.close();
    }
    expect(await tables(stage)).toBe(before);
  });
});

it("marks no more than ten frames a second", async () => {
  await onStage({ set: RULES }, async (stage) => {
    const trace = planRuleTrace(await traced(stage)).open();
    try {
      await stage.shell("at a ping -q -c 100 -i 0.002 -W 1 10.77.0.2 || true");
      const dropped = (await trace.seen()).find(({ verdict }) => verdict === "drop");
      // Ten at once, and ten more in each second that a hundred take.
      expect(dropped?.frames).toBeGreaterThanOrEqual(10);
      expect(dropped?.frames).toBeLessThan(100);
    } finally {
      trace.close();
    }
  });
});

it("leaves no table where it is killed, though a child of it goes on", async () => {
  await onStage({ set: RULES }, async (stage) => {
    const before = await tables(stage);
    const options = JSON.stringify(await traced(stage));
    const program = `
      const { planRuleTrace } = await import("${new URL("../../../dist/explain/journey/trace-rules.js", import.meta.url)}");
      planRuleTrace(JSON.parse(process.argv[1])).open();
      const { spawn } = await import("node:child_process");
      console.log(spawn("sleep", ["60"], { stdio: "ignore" }).pid);
      setInterval(() => {}, 1000);`;
    const words = ["--input-type=module", "-e", program, options];
    const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
    const [pid] = await once(child.stdout, "data");
    try {
      expect(await tables(stage)).toContain("table bridge bridgescope_");
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
      await stage.shell("wait_for '! nft list tables | grep -q bridgescope_'");
      expect(await tables(stage)).toBe(before);
    } finally {
      child.kill("SIGKILL");
      process.kill(Number(String(pid)));
    }
  });
});

it("says so where neither end has an address", async () => {
  await onStage({}, async (stage) => {
    const { state } = await traced(stage);
    const nobody = { macs: [], ips: [] };
    expect(() => planRuleTrace({ state, ends: [nobody, nobody] })).toThrow(
      "neither MAC nor IP addresses are known",
    );
  });
});
