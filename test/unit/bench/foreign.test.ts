import { describe, expect, it } from "vitest";
import { isSound, isWhole } from "../../../src/bench/fold/faults.ts";
import { changeDuring } from "../../../src/bench/fold/foreign.ts";
import { RunFold } from "../../../src/bench/fold/run-fold.ts";
import { VersusFold } from "../../../src/bench/fold/versus-fold.ts";
import { planFor } from "../../../src/bench/plan/request.ts";
import { planVersus, type VersusPlan } from "../../../src/bench/plan/versus-plan.ts";
import { runPlan } from "../../../src/bench/schedules/plan.ts";
import { versus } from "../../../src/bench/schedules/versus.ts";
import type { MeasuredRound, RunEvent } from "../../../src/document/event.ts";
import type { ForeignProbe } from "../../../src/document/foreign.ts";
import { compareRuns } from "../../../src/stats/compare/runs.ts";
import { seededRandom } from "../../../src/stats/random.ts";
import { completeRun } from "../../fixtures/report/runs.ts";
import { type Fake, FakeRunner, resumed } from "./fake-runner.ts";

const SEED = 7;
const probe = (id: number, where: string): ForeignProbe => ({
  ...{ id, name: `on_${id}`, type: "tracepoint", where, pid: 40, process: "bpftrace" },
  container: null,
});
const RX = probe(3, "net:netif_rx");
const TX = probe(4, "net:net_dev_queue");
/** Presence at each reading, the last one for good. */
const script = (...readings: (readonly ForeignProbe[])[]) => {
  let at = 0;
  return () => readings[Math.min(at++, readings.length - 1)] ?? [];
};

describe("what came or went during adjacent rounds", () => {
  const rounds = (...readings: (string[] | undefined)[]): MeasuredRound[] =>
    Array.from({ length: readings.length / 2 }, (_, index) => {
      const reading = (foreign: string[] | undefined) => ({
        ...{
          cpu: null,
          softnetDrops: null,
          squeezed: null,
          involuntarySwitches: 0,
          pressureUs: null,
          atNs: 0,
        },
        ...(foreign === undefined ? {} : { foreign }),
      });
      return {
        ...{ driver: "base", side: "off" as const, startNs: 0, durationNs: 1 },
        before: reading(readings[2 * index]),
        after: reading(readings[2 * index + 1]),
        measured: { metrics: {}, cpu: null },
      };
    });

  it("is seen within a round and between two of them, and also where it came and went", () => {
    expect(changeDuring(rounds(["a"], ["a"], ["a"], ["a"]))).toEqual({ came: [], went: [] });
    expect(changeDuring(rounds([], ["a"], ["a"], ["a"]))).toEqual({ came: ["a"], went: [] });
    expect(changeDuring(rounds(["a"], ["a"], [], []))).toEqual({ came: [], went: ["a"] });
    expect(changeDuring(rounds([], ["a"], ["a"], []))).toEqual({ came: ["a"], went: ["a"] });
    expect(changeDuring(rounds(["a"], ["b"]))).toEqual({ came: ["b"], went: ["a"] });
  });

  it("is nothing where nobody could look", () => {
    expect(changeDuring(rounds(undefined, undefined))).toEqual({ came: [], went: [] });
    expect(changeDuring(rounds(undefined, ["a"]))).toEqual({ came: [], went: [] });
  });
});

describe("a run", () => {
  const asked = { topology: ["veth"], workload: ["udp-rr"], rounds: 5, backend: "off" };
  const { plan } = planFor(undefined, asked);
  const run = async (fake: Fake) => {
    const runner = new FakeRunner(fake);
    await runner.run(runPlan(plan, { seed: SEED, clock: "wall", timed: true, refusal: null }));
    return documentOf(runner.recorded);
  };
  const documentOf = (events: readonly RunEvent[]) => {
    const begun = { ...completeRun(), cases: [] };
    const context = {
      plan,
      seed: SEED,
      clock: "wall" as const,
      cpu: 0,
      backend: null,
      untimed: null,
    };
    const fold = new RunFold(begun, context);
    for (const event of events) fold.enter(event);
    return fold.document({ interrupted: false, durationNs: 1 });
  };

  it("names all that were there once, and each case those of its own rounds", async () => {
    const found = await run({ foreign: script([], [RX], [RX, TX], [TX]) });
    expect(found.environment.foreignProbes).toEqual([RX, TX]);
    expect(found.cases[0]?.foreignProbes).toEqual([RX, TX]);
    expect(isWhole(found)).toBe(true);
    expect(isSound(found)).toBe(false);
  });

  it("says that nobody was there, and nothing where nobody could look", async () => {
    const alone = await run({ foreign: () => [] });
    expect(alone.environment.foreignProbes).toEqual([]);
    expect(alone.cases[0]?.foreignProbes).toBeUndefined();
    expect(isSound(alone)).toBe(true);
    const blind = await run({});
    expect(blind.environment.foreignProbes).toBeUndefined();
  });

  it("names one that was there before the first round and was gone by then, but not in the case", async () => {
    const runner = new FakeRunner({
      foreign: () => [],
      act: (action) =>
        action.act === "begin" ? { act: "begin", id: action.id, foreign: [RX] } : undefined,
    });
    await runner.run(runPlan(plan, { seed: SEED, clock: "wall", timed: true, refusal: null }));
    const found = documentOf(runner.recorded);
    expect(found.environment.foreignProbes).toEqual([RX]);
    expect(found.cases[0]?.foreignProbes).toBeUndefined();
  });

  it("warns of rounds that spread or drift, and of no others", async () => {
    const series = (values: readonly number[]): Fake => {
      let at = 0;
      return { metrics: () => ({ ns_per_frame: values[at++ % values.length] ?? 0 }) };
    };
    const warnings = async (...values: number[]) =>
      (await run(series(values))).cases[0]?.warnings ?? [];
    expect(await warnings(100, 101, 99, 102, 100)).toEqual([]);
    expect(await warnings(100, 140, 80, 130, 90)).toEqual([
      expect.stringContaining("the rounds of ns_per_frame spread by 40 %"),
    ]);
  });
});

describe("pairs during which somebody's probe comes or goes", () => {
  const base = { topology: ["veth"], vs: "netns", workload: ["udp-rr"] };
  const sixty = planVersus({ ...base, rounds: 60 });
  const noisy = (): Fake => {
    const random = seededRandom(1);
    return { metrics: () => ({ ns_per_frame: 1000 + 100 * random() }) };
  };
  /** Comes and goes every so many readings. */
  const flapping = (every: number) => {
    let at = 0;
    return () => (Math.floor(at++ / every) % 2 === 1 ? [RX] : []);
  };
  const documents = (plan: VersusPlan, events: readonly RunEvent[]) => {
    const fold = new VersusFold({ ...completeRun(), cases: [] }, plan, SEED);
    for (const event of events) fold.enter(event);
    const both = fold.documents({ interrupted: false, durationNs: 1 });
    const [one, other] = [both.base.cases[0], both.candidate.cases[0]];
    if (one === undefined || other === undefined) throw new Error("the plan has one case");
    return { ...both, one, other };
  };
  const counting = ({ rounds }: { rounds: { discarded: string | null }[] }) =>
    rounds.filter(({ discarded }) => discarded === null).length;

  it("do not count on either side, say why, and are measured anew", async () => {
    const runner = new FakeRunner({ ...noisy(), foreign: flapping(21) });
    await runner.run(versus(sixty, SEED));
    const { one, other, candidate } = documents(sixty, runner.recorded);
    const [session] = one.sessions ?? [];
    expect(session).toMatchObject({ pairs: 60, stopped: "pairs" });
    expect(session?.discarded).toBeGreaterThan(2);
    expect([counting(one), counting(other)]).toEqual([60, 60]);
    const reasons = (item: typeof one) => item.rounds.map(({ discarded }) => discarded);
    expect(reasons(other)).toEqual(reasons(one));
    const told = reasons(one).filter((reason) => reason !== null && reason !== "warm-up");
    expect(told).toHaveLength(session?.discarded ?? 0);
    expect([...new Set(told)].toSorted()).toEqual([
      "other people's probes came (bpftrace (pid 40): on_3 on net:netif_rx)",
      "other people's probes went (bpftrace (pid 40): on_3 on net:netif_rx)",
    ]);
    expect(candidate.environment.foreignProbes).toEqual([RX]);
    expect(one.metrics.ns_per_frame?.samples).toHaveLength(one.rounds.length);
  });

  it("are not left out for what they say: the same readings discard the same pairs", async () => {
    const places = async (fake: Fake) => {
      const runner = new FakeRunner({ ...fake, foreign: flapping(21) });
      await runner.run(versus(sixty, SEED));
      const { rounds } = documents(sixty, runner.recorded).one;
      return rounds.slice(0, 70).map(({ discarded }) => discarded);
    };
    const calm = await places({ metrics: () => ({ ns_per_frame: 1000 }) });
    expect(calm.some((reason) => reason?.includes("came"))).toBe(true);
    expect(await places(noisy())).toEqual(calm);
  });

  it("count where a probe is there all the time, and the case is measured under it", async () => {
    const runner = new FakeRunner({ ...noisy(), foreign: () => [RX] });
    await runner.run(versus(sixty, SEED));
    const { one } = documents(sixty, runner.recorded);
    expect(one.sessions?.[0]).toMatchObject({ pairs: 60 });
    expect(one.sessions?.[0]?.discarded).toBeUndefined();
    expect(one.foreignProbes).toEqual([RX]);
  });

  it("lengthen a session that has a budget by the time that they took", async () => {
    const plan = planVersus({ ...base, budget: "2s" });
    const pairs = async (fake: Fake) => {
      const random = seededRandom(1);
      const metrics = () => ({ ns_per_frame: 1000 + 4000 * random() });
      const runner = new FakeRunner({ metrics, ...fake, takes: () => 5e6 });
      await runner.run(versus(plan, SEED));
      const [session] = documents(plan, runner.recorded).one.sessions ?? [];
      expect(session?.stopped).toBe("budget");
      return session;
    };
    const [calm, disturbed] = [await pairs({}), await pairs({ foreign: flapping(30) })];
    expect(disturbed?.discarded).toBeGreaterThan(10);
    expect(Math.abs((disturbed?.pairs ?? 0) - (calm?.pairs ?? 0))).toBeLessThan(12);
  });

  it("end the session where few or no others are left, and nothing is declared", async () => {
    for (const given of [{ rounds: 60 }, { budget: "2s" }]) {
      for (const calm of [0, 120]) {
        const plan = planVersus({ ...base, ...given });
        let at = 0;
        const flap = flapping(3);
        const runner = new FakeRunner({
          metrics: (_, side) => ({ ns_per_frame: side === "base" ? 100 : 200 }),
          ...{ foreign: () => (at++ < calm ? [] : flap()), takes: () => 5e6 },
        });
        await runner.run(versus(plan, SEED));
        const both = documents(plan, runner.recorded);
        expect(both.one.state).toBe("complete");
        const { verdicts, unmatched } = compareRuns(both.base, both.candidate, { margin: 0.05 });
        const headline = verdicts.find(({ metric }) => metric === "ns_per_frame");
        const [session] = both.one.sessions ?? [];
        if (calm === 0) {
          expect(session?.pairs).toBe(0);
          expect(headline).toBeUndefined();
          expect(unmatched[0]?.reason).toBe("no pair that counts was measured");
        } else {
          expect(session?.pairs).toBeGreaterThan(5);
          expect(headline).toMatchObject({ verdict: "inconclusive", confirmation: null });
          expect(headline?.reason).toMatch(/^only \d+ pairs of labs were measured/);
        }
      }
    }
  });

  it("stay what they are in a comparison that is cut off and goes on", async () => {
    const whole = new FakeRunner({ ...noisy(), foreign: flapping(21) });
    await whole.run(versus(sixty, SEED));
    const again = new FakeRunner(noisy());
    await again.run(versus(sixty, SEED), whole.recorded);
    expect(again.did).toEqual([]);
    expect(documents(sixty, again.entered).one).toEqual(documents(sixty, whole.recorded).one);
    const cut = await new FakeRunner({ ...noisy(), foreign: flapping(21) }).cut(
      versus(sixty, SEED),
      [],
      90,
    );
    const rest = new FakeRunner({ ...noisy(), foreign: () => [RX] });
    await rest.run(versus(sixty, SEED), resumed(cut));
    const { one } = documents(sixty, [...resumed(cut), ...rest.recorded]);
    expect(one.sessions?.[0]).toMatchObject({ pairs: 60 });
    expect(counting(one)).toBe(60);
  });
});
