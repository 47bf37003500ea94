import { expect, test } from "vitest";
import type { Disturbance, Session } from "../../../src/document/session.ts";
import type { Labelled } from "../../../src/stats/compare/pair.ts";
import { disturbed } from "../../../src/stats/compare/warnings.ts";
import { pairedRuns } from "../../fixtures/report/paired.ts";

const QUIET: Disturbance = {
  steal: 0,
  softirq: 0,
  softnetDrops: 0,
  involuntarySwitches: 0,
  pressure: 0,
  autocorrelation: 0,
};

/** Both sides with as many sessions as there are of these, as different from a quiet one as they say. */
function said(base: Partial<Session>[], candidate: Partial<Session>[]): string[] {
  const sides = pairedRuns({ ratios: [1] }).map((run, index): Labelled => {
    const [item] = run.cases;
    const [one] = item?.sessions ?? [];
    if (item === undefined || one === undefined) throw new Error("fixture");
    const sessions = [base, candidate][index]?.map((other) => ({ ...one, noise: QUIET, ...other }));
    const { sessions: _, ...without } = item;
    const cases = [sessions?.length === 0 ? without : { ...item, sessions }] as typeof run.cases;
    const changed = { ...run, cases };
    return { run: changed, runs: [changed], label: run.id };
  });
  const [first, second] = sides;
  if (first === undefined || second === undefined) throw new Error("fixture");
  return disturbed({ base: first, candidate: second, margin: undefined, alpha: 0.01 }).map((text) =>
    text.replace(/^bridge:8\/forward: /, ""),
  );
}

const noise = (loud: Partial<Disturbance>): Partial<Session> => ({ noise: { ...QUIET, ...loud } });

test.each<[Partial<Disturbance>, Partial<Disturbance>, string]>([
  [
    { steal: 0.02 },
    { steal: 0.021 },
    "the hypervisor took 2.1 % of the CPU time; measure on a host of your own, or longer.",
  ],
  [
    { softnetDrops: 0 },
    { softnetDrops: 1 },
    "1 frames were dropped from a full backlog; raise net.core.netdev_max_backlog, or send at a --rate.",
  ],
  [
    { pressure: 0.25 },
    { pressure: 0.26 },
    "tasks waited for a CPU in 26 % of the time; end what else is running, or give a longer --budget.",
  ],
  [
    { autocorrelation: 0.5 },
    { autocorrelation: 0.51 },
    "a round says much of the next one (lag-1 autocorrelation 0.51): the host drifts, and these rounds are worth something in their pairs alone.",
  ],
])("beyond %o: %o is worth a word", (quiet, loud, text) => {
  expect(said([noise(quiet)], [noise(quiet)])).toEqual([]);
  expect(said([noise(loud)], [noise(quiet)])).toEqual([text]);
  expect(said([noise(quiet)], [noise(loud)])).toEqual([text]);
  expect(said([], [noise(quiet), noise(loud)])).toEqual([text]);
  expect(said([noise(loud)], [])).toEqual([text]);
});

test("a sender that was taken off its CPU counts by the second that it sent", () => {
  const taken = (involuntarySwitches: number, pairs: number) => ({
    ...noise({ involuntarySwitches }),
    pairs,
    roundNs: 1e8,
  });
  expect(said([taken(1000, 100)], [])).toEqual([]);
  expect(said([taken(1010, 100)], [])).toEqual([
    "the sender was taken off its CPU 101 times a second; `top` shows who competes, and --cpus gives the sender another CPU.",
  ]);
  expect(said([taken(1010, 0)], [])).toEqual([]);
});

test("of what the kernel does not tell nothing is said, and of two sides the worse", () => {
  const unknown = { steal: null, softnetDrops: null, pressure: null, autocorrelation: null };
  expect(said([noise(unknown)], [noise(unknown)])).toEqual([]);
  expect(said([noise({ steal: 0.05 })], [noise({ steal: 0.04 })])).toEqual([
    expect.stringContaining("took 5.0 % of the CPU time"),
  ]);
  expect(said([noise({ steal: 0.05 })], [noise(unknown)])).toHaveLength(1);
});

test("a warm-up whose end was not found is said, once a session, unless the session was cut off", () => {
  const drifting = { settled: false, warmUp: 40, stopped: "budget" } as const;
  const text =
    "the end of the warm-up was not found within 40 pairs, so they were all left out: something on this host drifts; give a longer --budget, or measure at a quieter hour.";
  expect(said([drifting], [drifting])).toEqual([text]);
  expect(said([drifting, drifting], [])).toEqual([text, text]);
  for (const stopped of ["failed", "interrupted"] as const) {
    expect(said([{ ...drifting, stopped }], [])).toEqual([]);
  }
  expect(said([{ ...drifting, settled: true }], [])).toEqual([]);
});
