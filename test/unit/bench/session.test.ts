import { describe, expect, it } from "vitest";
import { emptyCase } from "../../../src/bench/case-document.ts";
import type { SessionEvent } from "../../../src/bench/journal/line.ts";
import { planVersus } from "../../../src/bench/versus/plan.ts";
import { measureSession, type Stand } from "../../../src/bench/versus/session.ts";
import type { SessionPlan } from "../../../src/bench/versus/sides.ts";
import { seededRandom } from "../../../src/stats/random.ts";

const { cases: planned } = planVersus({ topology: ["veth"], vs: "netns", workload: ["udp-rr"] });

function emptyCases() {
  const [only] = planned;
  if (only === undefined) throw new Error("one workload is one case");
  return { base: emptyCase(only.base), candidate: emptyCase(only.candidate) };
}

const PLAN: SessionPlan = {
  ...{ measurement: 1, seed: 7, roundNs: 1e6, budgetNs: null, pairs: 60, margin: 0.02 },
  alpha: 0.05,
};

/** A session whose rounds measure whatever `random` says; `earlier` is played before. */
async function session(
  earlier: readonly SessionEvent[],
  plan = PLAN,
  stopAfter = Number.POSITIVE_INFINITY,
) {
  const random = seededRandom(earlier.length);
  const cases = emptyCases();
  const events: SessionEvent[] = [];
  const controller = new AbortController();
  let built = 0;
  const driver = () => ({
    describe: () => cases.base.workload,
    placement: () => [],
    round: async () => ({ metrics: { rtt_p50: 1000 + 100 * random() }, cpu: null }),
    close: async () => {},
  });
  const stand = async (): Promise<Stand> => {
    built++;
    const { workload, lab } = cases.base;
    const one = { workload, lab, warnings: [], setupNs: 1000 + built };
    const drivers = { base: driver(), candidate: driver() };
    return { drivers, built: { base: one, candidate: one }, close: async () => {} };
  };
  const tape = {
    earlier,
    record: (event: SessionEvent) => {
      events.push(JSON.parse(JSON.stringify(event)));
      if (events.length >= stopAfter) controller.abort();
    },
  };
  const told = { signal: controller.signal, progress: () => {}, finished: () => {} };
  const done = measureSession(plan, { stand, renew: true, tape }, cases, told);
  await done.catch((error: unknown) => {
    if (!controller.signal.aborted) throw error;
  });
  return { cases, events, built };
}

describe("a session that is played again", () => {
  it("comes to the same documents and decisions, and builds nothing", async () => {
    const first = await session([]);
    const again = await session(first.events);
    expect(again.events).toEqual([]);
    expect(again.built).toBe(0);
    expect(again.cases).toEqual(first.cases);
    expect(first.cases.base.sessions?.[0]).toMatchObject({ pairs: 60, stopped: "pairs" });
  });

  it("comes to the same looks where a budget decides", async () => {
    const plan = { ...PLAN, pairs: null, budgetNs: 400e6 };
    const first = await session([], plan);
    const again = await session(first.events, plan);
    expect(again.built).toBe(0);
    expect(again.cases).toEqual(first.cases);
  });

  it("stays whole however often it is cut off, in the warm-up and when labs have just been built", async () => {
    for (const each of [1, 2, 3, 7, 11]) {
      let tape: SessionEvent[] = [];
      let rest = await session(tape, PLAN, each);
      let processes = 1;
      while (rest.cases.base.sessions?.[0]?.stopped === "interrupted") {
        tape = [...tape, ...rest.events];
        processes++;
        // One that is cut off before its first pair has got nowhere.
        rest = await session(tape, PLAN, processes % 5 === 0 ? 1 : Math.max(2, each));
      }
      tape = [...tape, ...rest.events];
      const pairs = tape.filter((event) => "pair" in event);
      const { rounds, sessions } = rest.cases.candidate;
      expect(rounds).toHaveLength(pairs.length);
      expect(sessions?.[0]).toMatchObject({ pairs: 60, stopped: "pairs" });
      const again = await session(tape);
      expect(again.built).toBe(0);
      expect(again.cases).toEqual(rest.cases);
    }
  });

  it("goes on with a new block wherever it was cut off, and loses no pair", async () => {
    const whole = (await session([])).events.length;
    for (let stop = 1; stop < whole; stop += 3) {
      const cut = await session([], PLAN, stop);
      expect(cut.cases.base.sessions?.[0]?.stopped).toBe("interrupted");
      const before = cut.events.filter((event) => "pair" in event).length;
      const rest = await session(cut.events);
      const { base, candidate } = rest.cases;
      expect(rest.built).toBeGreaterThan(0);
      expect(base.sessions?.[0]).toMatchObject({ pairs: 60, stopped: "pairs" });
      expect(base.rounds.slice(0, before)).toEqual(cut.cases.base.rounds.slice(0, before));
      expect(base.metrics.rtt_p50?.samples).toHaveLength(base.rounds.length);
      expect(candidate.rounds).toHaveLength(base.rounds.length);
      const blocks = new Set(base.rounds.map(({ block }) => block));
      expect([...blocks]).toEqual([...Array(blocks.size).keys()]);
      expect(base.sessions?.[0]?.blocks).toBe(blocks.size - 1);
    }
  });
});
