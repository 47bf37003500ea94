import { describe, expect, it } from "vitest";
import type { EventBody } from "../../../src/bench/engine/perform.ts";
import { type Action, doing, type Schedule } from "../../../src/bench/engine/schedule.ts";
import { timesHold } from "../../../src/bench/fold/faults.ts";
import { RunFold } from "../../../src/bench/fold/run-fold.ts";
import { makePlan, type Plan } from "../../../src/bench/plan/plan.ts";
import { planFor } from "../../../src/bench/plan/request.ts";
import { boots, bootsOf } from "../../../src/bench/schedules/boots.ts";
import { runPlan } from "../../../src/bench/schedules/plan.ts";
import { workloadNamed } from "../../../src/bench/workloads/index.ts";
import type { EventOf, RunEvent } from "../../../src/document/event.ts";
import { parseTopology } from "../../../src/setup/topology.ts";
import { PrerequisiteError, ToolError } from "../../../src/system/errors.ts";
import { completeRun } from "../../fixtures/report/runs.ts";
import { COUNTED, cutEverywhere, type Fake, FakeRunner, resumed } from "./fake-runner.ts";

const SEED = 7;
const wall = { seed: SEED, clock: "wall", timed: true, refusal: null } as const;
const icount = { seed: SEED, clock: "icount", timed: false, refusal: () => null } as const;

const planOf = (topology: string, workload: string, more = {}): Plan =>
  planFor(undefined, { topology: [topology], workload: [workload], rounds: 3, ...more }).plan;

/** The run's document after these events. */
function document(plan: Plan, events: readonly RunEvent[], interrupted = false) {
  const fold = new RunFold(
    { ...completeRun(), cases: [], checks: [] },
    {
      ...{ plan, seed: SEED, clock: plan.clock, cpu: 0, untimed: null },
      backend: { name: "tracepoint", reason: "asked for" },
    },
  );
  for (const event of events) fold.enter(event);
  return fold.document({ interrupted, durationNs: 1 });
}

const startsOf = (events: readonly RunEvent[]) =>
  events.flatMap((event) =>
    event.act === "measure" ? event.rounds.map(({ startNs }) => startNs) : [],
  );

describe("a chain", () => {
  it("is measured without probes by the wall clock, and says why", async () => {
    const plan = planOf("chain:3", "forward");
    const runner = new FakeRunner();
    await runner.run(runPlan(plan, wall));
    expect(runner.did).not.toContain("attach");
    const [one] = document(plan, runner.recorded).cases;
    expect(one?.warnings).toEqual([expect.stringMatching(/a chain has several/)]);
    expect(one?.metrics.ns_per_frame?.samples).toHaveLength(3);
  });

  it("has its stages counted in instructions", async () => {
    const plan = { ...planOf("chain:3", "forward"), clock: "icount" as const };
    const runner = new FakeRunner();
    await runner.run(runPlan(plan, icount));
    const stages = runner.actions.flatMap((action) =>
      action.act === "attach-stage" ? [[action.stage, action.inChain]] : [],
    );
    // Of a hop between others, and not how frames come to the first bridge.
    expect(stages).toEqual([
      ["bridge.forward", true],
      ["veth.out", true],
      ["bridge.lookup", true],
    ]);
  });

  it("takes no workload that floods or teaches one bridge", () => {
    expect(() => planOf("chain:3", "flood")).toThrow(/flood does not run on chain/);
    expect(() => planOf("chain:3", "learn")).toThrow(/learn does not run on chain/);
  });
});

describe("the rounds of a case", () => {
  const watched = planOf("bridge:2", "forward", { latencySessions: 2 });

  it("are unwatched before, between and after those that count and those that time", async () => {
    const metrics = (_: string, side: string) => ({
      ns_per_frame: { off: 1000, count: 2500, time: 1400 }[side] ?? 0,
    });
    const runner = new FakeRunner({ metrics });
    await runner.run(runPlan(watched, wall));
    const session = ["attach-time", "warm-up", "measure", "read-time"];
    expect(runner.did).toEqual([
      ...["begin", "build", "prepare", "warm-up", "measure"],
      ...["attach", "measure", "measure", "measure", "cost", "read", "measure"],
      ...Array(6).fill(session).flat(),
      ...["measure", "close", "end"],
    ]);
    const [one] = document(watched, runner.recorded).cases;
    expect(one?.state).toBe("complete");
    expect(one?.rounds.map(({ side, stage }) => stage ?? side)).toEqual([
      ...["off", "count", "count", "count", "off"],
      ...["bridge", "sender", "empty", "bridge", "sender", "empty"],
      "off",
    ]);
    expect(one?.metrics.ns_per_frame?.samples).toEqual([1000, 1000, 1000]);
    expect(one?.probe?.slowdown?.value).toBeCloseTo(2.5);
    // Of 400 ns that were measured, 100 are the observer's.
    expect(one?.latency["bridge.forward"]).toMatchObject({
      ...{ p50: 300, withheld: null, sampled: 200 },
      ...{ raw: { p50: 400 }, observer: { value: 100 }, estimate: { value: 300, n: 2 } },
    });
    // Two whole events lie inside: (1400 - 1000) ns over the four that a frame passes.
    expect(one?.latency.path).toMatchObject({ p50: 700, observer: { value: 300 } });
    expect(one?.timeCheck).toMatchObject({
      ...{ passed: true, sum: 650, ratio: 0.65 },
      stages: { "veth.in": 150, "bridge.forward": 300, "veth.out": 200 },
    });
  });

  it("of which only one is without probes tell what an event costs too, though it comes last", async () => {
    const plan = planOf("bridge:2", "forward", { rounds: 1, latencySessions: 2 });
    const metrics = (_: string, side: string) => ({ ns_per_frame: side === "off" ? 1000 : 1400 });
    const runner = new FakeRunner({ metrics });
    await runner.run(runPlan(plan, wall));
    const [one] = document(plan, runner.recorded).cases;
    expect(one?.rounds.at(-1)?.side).toBe("off");
    expect(one?.latency.path).toMatchObject({ withheld: null, p50: 700 });
  });

  it("have no verdict on their times by one session, which has no interval", async () => {
    const plan = planOf("bridge:2", "forward", { latencySessions: 1 });
    const runner = new FakeRunner({ metrics: () => ({ ns_per_frame: 500 }) });
    await runner.run(runPlan(plan, wall));
    const [one] = document(plan, runner.recorded).cases;
    expect(one?.timeCheck).toMatchObject({
      ...{ passed: null, ci: null, ratio: 1.3, sum: 650 },
      reason: "one session has no interval",
    });
    expect(one?.latency["bridge.forward"]).toMatchObject({ withheld: null, p50: 300 });
  });

  it("that were interrupted in a session keep the whole ones", async () => {
    const runner = new FakeRunner();
    await runner.run(runPlan(watched, wall));
    const second = runner.recorded.findLastIndex(
      (event) => event.act === "read-time" && event.timed.probe === "sender",
    );
    const [one] = document(watched, runner.recorded.slice(0, second + 1), true).cases;
    expect(one?.latency["bridge.forward"]).toMatchObject({
      withheld: null,
      sampled: 100,
      p50: 300,
    });
  });

  it("have no net times where the stages come to more than the whole", async () => {
    const runner = new FakeRunner({ metrics: () => ({ ns_per_frame: 500 }) });
    await runner.run(runPlan(watched, wall));
    const [one] = document(watched, runner.recorded).cases;
    expect(one?.timeCheck).toMatchObject({ passed: false, ratio: 1.3 });
    expect(one?.latency["bridge.forward"]).toMatchObject({
      ...{ p10: null, p50: null, p90: null, estimate: null, raw: { p50: 400 } },
      withheld: expect.stringMatching(/^time check: the stages come to 130 % of/),
    });
  });

  it("time nothing on a machine whose time means nothing", async () => {
    const runner = new FakeRunner();
    await runner.run(runPlan(watched, { ...wall, timed: false }));
    expect(runner.did).not.toContain("attach-time");
  });

  it("without a backend are those of the base, and no probe is attached", async () => {
    const plan = planOf("bridge:2", "forward", { backend: "off" });
    const runner = new FakeRunner();
    await runner.run(runPlan(plan, wall));
    expect(runner.did).not.toContain("attach");
    const [one] = document(plan, runner.recorded).cases;
    expect(one?.rounds.map(({ side }) => side)).toEqual(["off", "off", "off"]);
  });

  it("whose probes missed a burst are measured again in another lab, three times at most", async () => {
    const missing = (times: number): Fake => {
      let reads = 0;
      return {
        act: ({ act }) => {
          if (act !== "read" || ++reads > times) return undefined;
          const probe = {
            ...COUNTED.probe,
            degraded: ["12 probe firings were missed (recursion)"],
          };
          return { act: "read", counted: { ...COUNTED, probe } };
        },
      };
    };
    for (const [times, labs] of [
      [0, 1],
      [1, 2],
      [9, 3],
    ] as const) {
      const runner = new FakeRunner(missing(times));
      await runner.run(runPlan(watched, wall));
      expect(runner.did.filter((act) => act === "build")).toHaveLength(labs);
      const [one] = document(watched, runner.recorded).cases;
      expect(one?.rounds.filter(({ discarded }) => discarded !== null)).toHaveLength(
        3 * (labs - 1),
      );
      expect(one?.warnings.filter((text) => text.startsWith("measured again"))).toHaveLength(
        labs - 1,
      );
      expect(one?.metrics.setup_time?.samples).toHaveLength(labs);
      expect(one?.rounds.filter(({ discarded }) => discarded === null)).toHaveLength(12);
    }
  });

  it("cut off anywhere come to the same number, none that counts is lost, and none counts twice", async () => {
    await cutEverywhere(
      () => runPlan(watched, wall),
      () => ({}),
      (events, stop) => {
        const run = document(watched, events);
        const [one] = run.cases;
        expect(run.cases).toHaveLength(1);
        expect(one?.state, `cut off after ${stop}`).toBe("complete");
        const counted = one?.rounds.filter(({ discarded }) => discarded === null);
        expect(counted?.map(({ side }) => side).sort()).toEqual([
          ...Array(3).fill("count"),
          ...Array(3).fill("off"),
          ...Array(6).fill("time"),
        ]);
        expect(one?.latency["bridge.forward"]?.sampled).toBe(200);
        expect(one?.rounds.map(({ startNs }) => startNs)).toEqual(startsOf(events));
        expect(one?.metrics.ns_per_frame?.samples).toHaveLength(3);
        expect(run.provenance.resumedAt).toHaveLength(1);
      },
    );
  });

  it("interrupted under the probes keep their counts", async () => {
    let rounds = 0;
    const runner: FakeRunner = new FakeRunner({
      act: (action) => {
        const counts = action.act === "measure" && action.drivers[0]?.side === "count";
        if (counts && ++rounds === 2) runner.controller.abort();
        return undefined;
      },
    });
    await runner.run(runPlan(watched, wall));
    expect(runner.did.slice(-3)).toEqual(["measure", "read", "close"]);
    const [one] = document(watched, runner.entered, true).cases;
    expect(one).toMatchObject({ state: "interrupted", probe: { backend: "tracepoint" } });
    expect(one?.rounds.map(({ side }) => side)).toEqual(["off", "count", "count"]);
  });
});

describe("a plan", () => {
  const two = planFor(undefined, {
    ...{ topology: ["bridge:2", "bridge:3"], workload: ["forward"], rounds: 2 },
  }).plan;
  const failing = (tool: string) => {
    let failed = false;
    return new FakeRunner({
      act: ({ act }) => {
        if (act !== "attach" || failed) return undefined;
        failed = true;
        throw new ToolError(tool, `${tool} exited with 3`);
      },
    });
  };

  it("goes on with the next case when one fails, whose lab is taken down", async () => {
    const runner = failing("ping");
    await runner.run(runPlan(two, wall));
    const run = document(two, runner.recorded);
    expect(run.state).toBe("failed");
    expect(run.cases.map(({ state }) => state)).toEqual(["failed", "complete"]);
    expect(run.cases[0]?.error).toBe("ping exited with 3");
    expect(runner.did.slice(0, 5)).toEqual(["begin", "build", "prepare", "warm-up", "measure"]);
    expect(runner.did.slice(5, 8)).toEqual(["attach", "close", "end"]);
  });

  it("ends where the probes themselves fail", async () => {
    const runner = failing("bpftrace");
    await runner.run(runPlan(two, wall));
    expect(document(two, runner.recorded).cases).toHaveLength(1);
  });

  it("says of a case without probes of ours why that is so", async () => {
    const plan = planFor(undefined, { topology: ["attach:1,2"], rounds: 1 }).plan;
    const runner = new FakeRunner();
    await runner.run(runPlan(plan, wall));
    expect(document(plan, runner.recorded).cases[0]?.warnings[0]).toContain("without probes");
  });
});

describe("instructions", () => {
  const plan = { ...planOf("bridge:2", "forward"), clock: "icount" as const };
  const fake = (): Fake => ({ metrics: () => ({ instructions_per_frame: 900 }) });

  it("are counted in a lab of its own for each round, a stage at a time", async () => {
    const runner = new FakeRunner(fake());
    await runner.run(runPlan(plan, icount));
    expect(runner.did.filter((act) => act === "build")).toHaveLength(3 + 4 * 3);
    expect(runner.did.filter((act) => act === "attach-stage")).toHaveLength(4);
    const [one] = document(plan, runner.recorded).cases;
    expect(one?.metrics).toEqual({
      instructions_per_frame: expect.objectContaining({ samples: [900, 900, 900] }),
    });
    expect(Object.keys(one?.latency ?? {}).sort()).toEqual(
      ["bridge.forward", "bridge.lookup", "veth.in", "veth.out"].sort(),
    );
    const marks = one?.latency["bridge.forward"]?.perRound?.map(({ round }) => round);
    expect(marks).toEqual([4, 5, 6]);
    expect(one?.rounds.map(({ index }) => index)).toEqual([...Array(15).keys()].map((n) => n + 1));
  });

  it("of a stage that cannot be counted here have its reason", async () => {
    const runner = new FakeRunner(fake());
    await runner.run(runPlan(plan, { ...icount, refusal: (stage) => `no ${stage}` }));
    expect(runner.did).not.toContain("attach-stage");
    const [one] = document(plan, runner.recorded).cases;
    expect(one?.probe?.notObservable).toContainEqual({ stage: "veth.in", reason: "no veth.in" });
  });

  it("cut off anywhere come to the same stages", async () => {
    await cutEverywhere(
      () => runPlan(plan, icount),
      fake,
      (events, stop) => {
        const [one] = document(plan, events).cases;
        expect(one?.state, `cut off after ${stop}`).toBe("complete");
        expect(one?.metrics.instructions_per_frame?.samples).toHaveLength(3);
        for (const latency of Object.values(one?.latency ?? {})) {
          expect(latency.perRound).toHaveLength(3);
        }
        expect(Object.keys(one?.latency ?? {})).toHaveLength(4);
        const rounds = one?.rounds.filter(({ discarded }) => discarded === null);
        expect(rounds).toHaveLength(15);
      },
    );
  });
});

describe("marginal costs", () => {
  const members = ["veth", "bridge:2", "bridge:2,nft_rules=5"].map((topology) => ({
    ...{ topology: parseTopology(topology), workload: workloadNamed("forward"), options: {} },
  }));
  const { cases } = makePlan("costs", members, { rounds: 6, durationNs: 10e6 }, "off", false);
  const [veth = "", two = "", rules = ""] = cases.map(({ id }) => id);
  const plan: Plan = {
    ...planFor("marginal", {}).plan,
    marginal: {
      ...{ rounds: 6, roundNs: 10e6, cases, tax: [veth, two] },
      per: [{ what: "firewall rule", workload: "forward", cases: [two, rules], counts: [0, 5] }],
    },
  };
  const fake = (): Fake => ({
    metrics: (driver) => ({ ns_per_frame: driver === veth ? 100 : driver === two ? 300 : 350 }),
  });

  it("are measured on labs that stand at once, every case once a round in an order that is drawn", async () => {
    const runner = new FakeRunner(fake());
    await runner.run(runPlan(plan, wall));
    expect(runner.did.filter((act) => act === "build")).toHaveLength(3);
    const orders = runner.actions.flatMap((action) =>
      action.act === "measure" ? action.drivers.map(({ driver }) => driver).join() : [],
    );
    expect(orders).toHaveLength(6);
    expect(new Set(orders).size).toBeGreaterThan(1);
    const { slopes } = document(plan, runner.recorded);
    expect(slopes?.per[0]).toMatchObject({ value: 10, reason: null });
    expect(slopes?.tax).toMatchObject({ difference: 200 });
    expect(slopes?.tax?.ratio).toBeCloseTo(3);
  });

  it("of what this kernel cannot build have its reason, and the others their numbers", async () => {
    const runner = new FakeRunner({
      ...fake(),
      act: (action) => {
        if (action.act === "build" && action.lab.includes("nft")) {
          throw new PrerequisiteError("this kernel lacks CONFIG_NF_TABLES_BRIDGE");
        }
        return undefined;
      },
    });
    await runner.run(runPlan(plan, wall));
    const { slopes, state } = document(plan, runner.recorded);
    expect(state).toBe("complete");
    expect(slopes?.per[0]?.reason).toContain("CONFIG_NF_TABLES_BRIDGE");
    expect(slopes?.tax?.ratio).toBeCloseTo(3);
  });

  it("cut off anywhere come to as many whole rounds", async () => {
    await cutEverywhere(
      () => runPlan(plan, wall),
      fake,
      (events, stop) => {
        const { slopes } = document(plan, events);
        const lengths = slopes?.cases.map(({ samples }) => samples.length);
        expect(lengths, `cut off after ${stop}`).toEqual([6, 6, 6]);
      },
    );
  });
});

describe("the truth", () => {
  const plan = planFor("truth", { latencySessions: 3 }).plan;
  /** A hop, a port, a new source and a hundred rules more, in nanoseconds without probes. */
  const COSTS: Record<string, number> = {
    "chain:8": 7 * 600,
    "bridge: bridge:2": 620,
    "bridge:9": 6 * 500,
    "/learn": 1000,
  };
  const cost = (driver: string) =>
    Object.entries(COSTS).find(([word]) => driver.includes(word))?.[1] ??
    (driver.includes("nft_rules=100") ? 3000 : 0);
  const bridgeNs: Record<string, number> = {
    "bridge:9": 1800,
    "/learn": 950,
    "nft_rules=100": 2900,
  };
  const extra = (lab: string) =>
    Object.entries(bridgeNs).find(([word]) => lab.includes(word))?.[1] ?? 0;
  const fake = (more: (action: Action) => EventBody | undefined = () => undefined): Fake => ({
    metrics: (driver) => ({ ns_per_frame: 2000 + cost(driver) }),
    act: (action) => {
      const other = more(action);
      if (other !== undefined) return other;
      if (action.act === "build" && action.lab.includes("chain:8")) {
        const port = (ifindex: number, namespace: string) => ({
          ...completeRun().cases[3]?.lab.ports[0],
          ...{ ifindex, namespace: "sw", peer: { name: "x", ifindex: 0, namespace, address: "" } },
        });
        const ports = [port(1, "h1"), port(2, "sw"), port(3, "sw"), port(4, "h2")];
        return {
          ...{ act: "build", lab: action.lab, setupNs: 1, warnings: [] },
          read: { topology: "chain:8", bridge: null, ports } as never,
        };
      }
      if (action.act !== "read-time" || action.probe !== "bridge") return undefined;
      const ns = 400 + extra(action.lab);
      const sample = (
        stage: "bridge.forward" | "bridge.flood" | "veth.out",
        at: number,
        port: number,
      ) => ({
        ...{ stage, port, buckets: [[at - 4, at + 4, 100]] as [number, number, number][] },
      });
      const through = action.planned.workload.name === "flood" ? "bridge.flood" : "bridge.forward";
      // The ends of a chain are no hop between others.
      const ends = [sample(through, 9000, 1), sample("veth.out", 9000, 4)];
      const inner = [sample(through, ns, 3), sample("veth.out", 400, 2)];
      const samples = action.lab.includes("chain:8") ? [...ends, ...inner] : inner;
      return { act: "read-time", timed: { probe: "bridge", faults: [], samples } };
    },
  });

  it("is what net stages say of differences that nobody watched", async () => {
    const runner = new FakeRunner(fake());
    await runner.run(runPlan(plan, wall));
    const { truth, state } = document(plan, runner.recorded);
    expect(state).toBe("complete");
    const rows = Object.fromEntries((truth?.rows ?? []).map((row) => [row.id, row]));
    expect(rows.hop).toMatchObject({ n: 3, closes: true, unobserved: { value: 600 } });
    // Of 400 ns each, 100 are the observer's.
    expect(rows.hop?.observed?.value).toBeCloseTo(600);
    expect(rows.bridge).toMatchObject({ closes: true, unobserved: { value: 620 } });
    expect(rows.port).toMatchObject({ kind: "bound", closes: true });
    expect(rows.learn).toMatchObject({ closes: true, ratio: expect.closeTo(0.95) });
    expect(rows.rules?.ratio).toBeCloseTo(2900 / 3000);
  });

  it("does not close where stages leave out what frames take", async () => {
    const runner = new FakeRunner({
      ...fake(),
      metrics: (driver) => ({ ns_per_frame: 2000 + 3 * cost(driver) }),
    });
    await runner.run(runPlan(plan, wall));
    const run = document(plan, runner.recorded);
    expect(run.truth?.rows.find(({ id }) => id === "learn")?.closes).toBe(false);
    expect(timesHold(run)).toBe(false);
  });

  it("of what this kernel cannot build has its reason, and of the others its number", async () => {
    const runner = new FakeRunner(
      fake((action) => {
        if (action.act === "build" && action.lab.includes("nft")) {
          throw new PrerequisiteError("this kernel lacks CONFIG_NF_TABLES_BRIDGE");
        }
        return undefined;
      }),
    );
    await runner.run(runPlan(plan, wall));
    const { truth } = document(plan, runner.recorded);
    expect(truth?.rows.map(({ closes }) => closes)).toEqual([true, true, true, true, null]);
    expect(truth?.rows[4]?.reason).toContain("CONFIG_NF_TABLES_BRIDGE");
  });

  it("cut off anywhere comes to the same numbers", async () => {
    const { truth } = plan;
    if (truth === null) throw new Error("no truth is planned");
    const rows = truth.rows.filter(({ id }) => id === "hop");
    const two = { ...plan, truth: { ...truth, turns: 2, rows } };
    await cutEverywhere(
      () => runPlan(two, wall),
      () => fake(),
      (events, stop) => {
        const { truth } = document(two, events);
        const found = truth?.rows.map(({ n, ratio }) => [n, ratio?.toFixed(2)]);
        expect(found, `cut off after ${stop}`).toEqual([[2, "1.00"]]);
      },
    );
  });
});

describe("boots of guests", () => {
  const run = completeRun();
  const boot = (failing: (kernel: number, boot: number) => boolean = () => false): Fake => ({
    act: (action) => {
      if (action.act !== "boot") return undefined;
      const { kernel, boot: turn } = action;
      if (failing(kernel, turn)) throw new Error("the guest did not boot");
      return { act: "boot", kernel, boot: turn, run };
    },
  });
  const booted = (events: readonly RunEvent[]) =>
    events.filter((event): event is EventOf<"boot"> => event.act === "boot");

  it("are made of every kernel, as many at once as there are lanes", async () => {
    const runner = new FakeRunner(boot());
    await runner.run(boots(2, 3, 2));
    const events = booted(runner.recorded);
    expect(events).toHaveLength(6);
    expect(bootsOf(events, 1).map((event) => event.boot)).toEqual([0, 1, 2]);
  });

  it("of a kernel that failed are not made again, and the other's are", async () => {
    const runner = new FakeRunner(boot((kernel) => kernel === 0));
    await runner.run(boots(2, 3, 2));
    expect(runner.actions).toHaveLength(4);
    expect(bootsOf(booted(runner.recorded), 1)).toHaveLength(3);
    // What failed beside another is tried again when the run goes on.
    expect(runner.recorded.map(({ act }) => act)).not.toContain("fail");
  });

  it("whose only one fails end without it, and it is tried again when the run goes on", async () => {
    const runner = new FakeRunner(boot(() => true));
    await expect(runner.run(boots(1, 3, 2))).resolves.toBeUndefined();
    expect(runner.recorded).toEqual([]);
    const again = new FakeRunner(boot());
    await again.run(boots(1, 1, 2), resumed([]));
    expect(booted(again.recorded)).toHaveLength(1);
  });

  it("that were made before are not made again, in whatever order they ended", async () => {
    const first = new FakeRunner(boot());
    await first.run(boots(2, 2, 2));
    const [one, , three] = booted(first.recorded).toReversed();
    if (one === undefined || three === undefined) throw new Error("four boots were made");
    const again = new FakeRunner(boot());
    await again.run(boots(2, 2, 4), resumed([one, three]));
    expect(again.actions).toHaveLength(2);
    expect(booted(again.entered)).toHaveLength(4);
  });

  it("ask for nothing that is not theirs", async () => {
    function* other(): Schedule {
      yield* doing({ act: "check" });
    }
    await expect(new FakeRunner(boot()).run(other())).resolves.toBeUndefined();
  });
});
