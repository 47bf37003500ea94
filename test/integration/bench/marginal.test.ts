import { describe, expect, it } from "vitest";
import { runPlan } from "../../../src/bench/bench.ts";
import { type MarginalPlan, makePlan } from "../../../src/bench/plan/plan.ts";
import { workloadNamed } from "../../../src/bench/workloads/index.ts";
import type { Slopes } from "../../../src/document/run.ts";
import { parseTopology } from "../../../src/setup/topology.ts";

const ROUNDS = 7;
const ROUND_NS = 10e6;

/** Labs side by side: the first is what the tax is paid over. */
function planOf(workload: string, members: readonly (readonly [string, number])[]): MarginalPlan {
  const requests = ["veth", ...members.map(([topology]) => topology)].map((topology, index) => ({
    topology: parseTopology(topology),
    workload: workloadNamed(index === 0 ? "forward" : workload),
    options: {},
  }));
  const timing = { rounds: ROUNDS, durationNs: ROUND_NS };
  const { cases } = makePlan("test", requests, timing, "off", false);
  const ids = cases.map(({ id }) => id);
  const [base = "", first = ""] = ids;
  const counts = members.map(([, count]) => count);
  return {
    rounds: ROUNDS,
    roundNs: ROUND_NS,
    cases,
    per: [{ what: "thing", workload, cases: ids.slice(1), counts }],
    tax: [base, first],
  };
}

async function slopesOf(
  marginal: MarginalPlan,
  signal = new AbortController().signal,
  onProgress: (what: string) => void = () => {},
): Promise<Slopes> {
  const plan = { ...makePlan("costs", [], {}, "off", false), marginal };
  const told = ({ what }: { what: string }) => onProgress(what);
  const { slopes } = await runPlan(plan, { argv: [], seed: 7, signal, onProgress: told });
  if (slopes === undefined) throw new Error("the run has no marginal costs");
  if (!signal.aborted) expect(slopes.error).toBeNull();
  return slopes;
}

describe("what one more costs", () => {
  it("a port more costs a flood something, and the bridge taxes what a veth pair carries", async () => {
    const { per, tax, cases } = await slopesOf(
      planOf("flood", [
        ["bridge:2", 2],
        ["bridge:8", 8],
        ["bridge:24", 24],
      ]),
    );
    expect(cases.map(({ samples }) => samples.length)).toEqual([ROUNDS, ROUNDS, ROUNDS, ROUNDS]);
    const [port] = per;
    expect(port?.ci?.[0]).toBeGreaterThan(0);
    expect(port?.value).toBeGreaterThanOrEqual(port?.ci?.[0] ?? Number.NaN);
    expect(tax?.ci[0]).toBeGreaterThan(1);
  });

  it("a hundred firewall rules cost more than one", async () => {
    const { per } = await slopesOf(
      planOf("forward", [
        ["bridge:2,nft_rules=1", 1],
        ["bridge:2,nft_rules=100", 100],
      ]),
    );
    expect(per[0]?.ci?.[0]).toBeGreaterThan(0);
  });

  it("what this kernel cannot build has its reason, or else a number", async () => {
    const vlans = planOf("forward", [
      ["bridge:2,vlan_filtering=1", 0],
      ["bridge:2,vlan_filtering=1,vlans=10", 10],
    ]);
    const [vlan] = (await slopesOf(vlans)).per;
    if (vlan?.reason === null) expect(vlan.value).not.toBeNull();
    else expect(vlan?.reason).toMatch(/CONFIG_BRIDGE_VLAN_FILTERING/);
  });

  it("interrupted, it keeps the rounds that were whole and leaves no lab", async () => {
    const controller = new AbortController();
    const plan = planOf("forward", [
      ["bridge:2", 0],
      ["bridge:2,fdb_entries=10", 10],
    ]);
    const slopes = await slopesOf(plan, controller.signal, (what) => {
      if (what.startsWith("round 3 ")) controller.abort();
    });
    expect(slopes.cases.map(({ samples }) => samples.length)).toEqual([2, 2, 2]);
    expect(slopes.per[0]?.reason).toMatch(/fewer than five/);
  });
});
