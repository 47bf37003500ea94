import { describe, expect, it } from "vitest";
import { RunFold } from "../../../src/bench/fold/run-fold.ts";
import { planFor } from "../../../src/bench/plan/request.ts";
import { runPlan } from "../../../src/bench/schedules/plan.ts";
import type { RunEvent } from "../../../src/document/event.ts";
import { PrerequisiteError } from "../../../src/system/errors.ts";
import { completeRun } from "../../fixtures/report/runs.ts";
import { cutEverywhere, FakeRunner } from "./fake-runner.ts";

const SEED = 7;
const TURNS = 2;
const { plan } = planFor("truth", { latencySessions: TURNS });
const schedule = (of = plan) =>
  runPlan(of, { seed: SEED, clock: "wall", timed: true, refusal: null });

/** What a frame costs unobserved: each bridge of the chain adds 400 ns, as its two net stages do (300 and 200, less 100 each). */
const metrics = (driver: string) => ({
  ns_per_frame: driver.includes("chain:8") ? 1000 + 7 * 500 : 1000,
});

function truthOf(events: readonly RunEvent[]) {
  const fold = new RunFold(
    { ...completeRun(), cases: [], checks: [] },
    {
      ...{ plan, seed: SEED, clock: "wall", cpu: 0, untimed: null },
      backend: { name: "tracepoint", reason: "asked for" },
    },
  );
  for (const event of events) fold.enter(event);
  return fold.document({ interrupted: false, durationNs: 1 }).truth;
}

/** A chain as the kernel gives it: ports that lead to another bridge are in one namespace with their peers. */
const act: NonNullable<ConstructorParameters<typeof FakeRunner>[0]>["act"] = (action) => {
  if (action.act !== "build") return undefined;
  const peer = { name: "p", ifindex: 9, namespace: "sw", address: "02:00:00:00:00:01" };
  const port = {
    ...{ name: "q", ifindex: 0, namespace: "sw", peer, flags: {}, state: "forwarding", mtu: 1500 },
    ...{ qdisc: "noqueue", offloads: {}, xdp: false, rps: "0" },
  };
  return {
    ...{ act: "build", lab: action.lab, setupNs: 1000, warnings: [] },
    read: { topology: action.topology.label, bridge: null, ports: [port] },
  };
};

describe("bench truth", () => {
  it("holds the net stages of a hop against what one more bridge costs", async () => {
    const runner = new FakeRunner({ metrics, act });
    await runner.run(schedule());
    const hop = truthOf(runner.recorded)?.rows.find(({ id }) => id === "hop");
    // Of 400 and 300 ns that were measured, 100 each are the observer's.
    expect(hop).toMatchObject({
      ...{ unobserved: { value: 500 }, observed: { value: 500 }, ratio: 1, n: TURNS },
      ...{ closes: true, reason: null },
    });
  });

  it("comes to the same whenever it was cut off: a turn that was not whole is measured again", async () => {
    const rows = plan.truth?.rows.slice(0, 1) ?? [];
    const short = { ...plan, truth: plan.truth === null ? null : { ...plan.truth, rows } };
    const whole = new FakeRunner({ metrics, act });
    await whole.run(schedule(short));
    const expected = truthOf(whole.recorded);
    await cutEverywhere(
      () => schedule(short),
      () => ({ metrics, act }),
      (events, stop) => {
        expect(truthOf(events), `cut after ${stop} actions`).toEqual(expected);
      },
    );
  });

  it("leaves a row out that this kernel cannot build, and says why", async () => {
    const runner = new FakeRunner({
      metrics,
      act: (action) => {
        if (action.act === "build" && action.topology.label.includes("nft_rules")) {
          throw new PrerequisiteError("nft is missing");
        }
        return act(action);
      },
    });
    await runner.run(schedule());
    const truth = truthOf(runner.recorded);
    expect(truth?.error).toBeNull();
    expect(truth?.rows.map(({ id, reason }) => [id, reason === "nft is missing"])).toContainEqual([
      "rules",
      true,
    ]);
    expect(truth?.rows.find(({ id }) => id === "hop")?.n).toBe(TURNS);
  });
});
