import { describe, expect, it } from "vitest";
import { VersusFold } from "../../../src/bench/fold/versus-fold.ts";
import { planVersus, type VersusPlan } from "../../../src/bench/plan/versus-plan.ts";
import { versus } from "../../../src/bench/schedules/versus.ts";
import type { RunEvent } from "../../../src/document/event.ts";
import { seededRandom } from "../../../src/stats/random.ts";
import { UsageError } from "../../../src/system/errors.ts";
import { completeRun } from "../../fixtures/report/runs.ts";
import { type Fake, FakeRunner, resumed } from "./fake-runner.ts";

const SEED = 7;
const base = { topology: ["veth"], vs: "netns", workload: ["udp-rr"] };
const sixty = planVersus({ ...base, rounds: 60 });

/** Rounds that say whatever a seeded generator does; `effect` is the candidate's share of change. */
function noisy(effect = 0): Fake {
  const random = seededRandom(1);
  return {
    metrics: (driver) => {
      const value = 1000 + 100 * random();
      return { ns_per_frame: driver === "candidate" ? value * (1 + effect) : value };
    },
  };
}

/** Both documents, as the fold has them after these events. */
function documents(plan: VersusPlan, events: readonly RunEvent[], interrupted = false) {
  const fold = new VersusFold({ ...completeRun(), cases: [] }, plan, SEED);
  for (const event of events) fold.enter(event);
  const { base: one, candidate } = fold.documents({ interrupted, durationNs: 1 });
  const [a, b] = [one.cases[0], candidate.cases[0]];
  if (a === undefined || b === undefined) throw new Error("the plan has one case");
  return { base: a, candidate: b };
}

describe("two variants in pairs", () => {
  it("are measured as often as was asked for, behind a warm-up, in blocks of labs built anew", async () => {
    const runner = new FakeRunner(noisy());
    await runner.run(versus(sixty, SEED));
    const { base: one, candidate } = documents(sixty, runner.recorded);
    const [session] = one.sessions ?? [];
    expect(session).toMatchObject({ pairs: 60, stopped: "pairs", measurement: 1 });
    expect(one.rounds.filter(({ discarded }) => discarded === null)).toHaveLength(60);
    expect(one.rounds.filter(({ discarded }) => discarded === "warm-up").length).toBe(
      session?.warmUp,
    );
    const blocks = new Set(one.rounds.map(({ block }) => block));
    expect([...blocks]).toEqual([...Array(blocks.size).keys()]);
    expect(session?.blocks).toBe(blocks.size - 1);
    expect(candidate.rounds).toHaveLength(one.rounds.length);
    expect(one.metrics.setup_time?.samples).toHaveLength(blocks.size);
    const builds = runner.actions.flatMap((action) => (action.act === "build" ? action.lab : []));
    // In this order and in the other one in turn.
    expect(builds.slice(0, 4)).toEqual(["base", "candidate", "candidate", "base"]);
  });

  it("take their turns in an order that the seed draws", async () => {
    const orderOf = async (seed: number) => {
      const runner = new FakeRunner(noisy());
      await runner.run(versus(sixty, seed));
      return runner.actions.flatMap((action) =>
        action.act === "measure" ? action.drivers[0]?.driver : [],
      );
    };
    const [one, again, other] = [await orderOf(1), await orderOf(1), await orderOf(2)];
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
    expect(new Set(one)).toEqual(new Set(["base", "candidate"]));
  });

  it("are measured again with another seed where a change was found, and not otherwise", async () => {
    const seeds = async (effect: number) => {
      const runner = new FakeRunner(noisy(effect));
      await runner.run(versus(sixty, SEED));
      return documents(sixty, runner.recorded).base.sessions?.map(({ seed }) => seed);
    };
    expect(await seeds(0)).toEqual([SEED]);
    expect(await seeds(0.5)).toEqual([SEED, SEED + 1]);
  });

  it("may take as long as the budget says, and stop early where the interval is narrow", async () => {
    const plan = planVersus({ ...base, budget: "2s" });
    const stopped = async (fake: Fake) => {
      const runner = new FakeRunner({ ...fake, takes: () => 5e6 });
      await runner.run(versus(plan, SEED));
      const [session] = documents(plan, runner.recorded).base.sessions ?? [];
      expect(session?.blocks).toBeGreaterThanOrEqual(10);
      return session?.stopped;
    };
    expect(await stopped({ metrics: () => ({ ns_per_frame: 100 }) })).toBe("width");
    expect(await stopped(noisy())).toBe("budget");
  });

  it("of networks that were there before are of one pair of labs, through all interim analyses", async () => {
    const plan = planVersus({ topology: ["attach:1,2"], vs: "attach:3,4", budget: "2s" });
    const random = seededRandom(1);
    const metrics = () => ({ rtt_p50: 1000 + 4000 * random() });
    const runner = new FakeRunner({ metrics, takes: () => 5e6 });
    await runner.run(versus(plan, SEED));
    const { base: one } = documents(plan, runner.recorded);
    expect(one.sessions?.[0]?.looks.length).toBeGreaterThan(2);
    expect(one.sessions?.[0]?.blocks).toBe(1);
  });

  it("are refused a budget that cannot carry a verdict, with the least that can", async () => {
    const plan = planVersus({ ...base, budget: "1s" });
    const takes = ({ act }: { act: string }) => (act === "build" ? 100e6 : 30e6);
    const runner = new FakeRunner({ takes });
    const refused = runner.run(versus(plan, SEED));
    await expect(refused).rejects.toThrow(UsageError);
    const least = /at least (\d+)s/.exec(await refused.then(String, String))?.[1];
    expect(runner.did.at(-2)).toBe("close");
    const enough = planVersus({ ...base, budget: `${least}s` });
    const again = new FakeRunner({ takes });
    await again.run(versus(enough, SEED));
    expect(documents(enough, again.recorded).base.sessions?.[0]?.blocks).toBeGreaterThanOrEqual(10);
  });

  it("carry a verdict though the machine becomes slower than the budget was checked for", async () => {
    const plan = planVersus({ ...base, budget: "1s" });
    let pairs = 0;
    const takes = ({ act }: { act: string }) => (act === "measure" && pairs++ > 30 ? 200e6 : 5e6);
    const runner = new FakeRunner({ ...noisy(), takes });
    await runner.run(versus(plan, SEED));
    const [session] = documents(plan, runner.recorded).base.sessions ?? [];
    expect(session).toMatchObject({ blocks: 10, stopped: "budget" });
    expect(session?.pairs).toBeGreaterThanOrEqual(40);
  });

  it("interrupted keep what is finished, and say so", async () => {
    let pairs = 0;
    const runner: FakeRunner = new FakeRunner({
      act: ({ act }) => {
        if (act === "measure" && ++pairs === 30) runner.controller.abort();
        return undefined;
      },
    });
    expect(await runner.run(versus(sixty, SEED))).toBeNull();
    const { base: one } = documents(sixty, runner.entered, true);
    expect(one.state).toBe("interrupted");
    expect(one.rounds).toHaveLength(30);
    expect(one.sessions?.[0]?.stopped).toBe("interrupted");
  });

  it("fail with the round that has not what the others have", async () => {
    let pairs = 0;
    const runner = new FakeRunner({
      metrics: (driver): { ns_per_frame?: number; rtt_p50: number } =>
        driver === "base" && pairs++ === 30 ? { rtt_p50: 1 } : { ns_per_frame: 1, rtt_p50: 1 },
    });
    await runner.run(versus(sixty, SEED));
    const { base: one } = documents(sixty, runner.recorded);
    expect(one).toMatchObject({ state: "failed", sessions: [{ stopped: "failed", pairs: 10 }] });
    expect(one.error).toContain("ns_per_frame is not in every round (base, pair 31)");
    expect(runner.did.slice(-4)).toEqual(["fail", "close", "session", "end"]);
  });
});

describe("a comparison that is played again", () => {
  const tape = async (earlier: RunEvent[], actions = Number.POSITIVE_INFINITY) =>
    new FakeRunner(noisy()).cut(versus(sixty, SEED), earlier, actions);

  it("comes to the same documents and decisions, and does nothing", async () => {
    for (const plan of [sixty, planVersus({ ...base, budget: "2s" })]) {
      const first = new FakeRunner(noisy());
      await first.run(versus(plan, SEED));
      const again = new FakeRunner(noisy());
      await again.run(versus(plan, SEED), first.recorded);
      expect(again.did).toEqual([]);
      expect(again.entered).toEqual(first.recorded);
    }
  });

  it("goes on with a new block wherever it was cut off, and loses no pair", async () => {
    const whole = (await tape([])).length;
    for (let stop = 1; stop < whole; stop += 11) {
      const cut = await tape([], stop);
      const before = documents(sixty, cut, true).base;
      const all = await tape(resumed(cut));
      const { base: one, candidate } = documents(sixty, all);
      expect(one.sessions?.[0]).toMatchObject({ pairs: 60, stopped: "pairs" });
      expect(one.rounds.slice(0, before.rounds.length)).toEqual(before.rounds);
      expect(candidate.rounds).toHaveLength(one.rounds.length);
      expect(one.metrics.ns_per_frame?.samples).toHaveLength(one.rounds.length);
      const blocks = new Set(one.rounds.map(({ block }) => block));
      expect([...blocks]).toEqual([...Array(blocks.size).keys()]);
      expect(one.sessions?.[0]?.blocks).toBe(blocks.size - 1);
    }
  });

  it("stays whole however often it is cut off, in the warm-up and when labs have just been built", async () => {
    for (const each of [1, 2, 5, 7, 11, 23]) {
      let events: RunEvent[] = [];
      for (let turn = 0; events.at(-1)?.act !== "end"; turn++) {
        // One that is cut off before its first pair has got nowhere.
        const actions = turn % 3 === 2 ? each : Math.max(6, each);
        events = await tape(turn === 0 ? [] : resumed(events), actions);
      }
      const { base: one } = documents(sixty, events);
      const pairs = events.filter(({ act }) => act === "measure");
      expect(one.rounds).toHaveLength(pairs.length);
      expect(one.sessions?.[0]).toMatchObject({ pairs: 60, stopped: "pairs" });
    }
  });
});
