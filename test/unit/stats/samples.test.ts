import { expect, test } from "vitest";
import type { Case, Round } from "../../../src/document/run.ts";
import { countedSamples } from "../../../src/stats/samples.ts";
import { completeRun } from "../../fixtures/report/runs.ts";

function caseOf(rounds: Partial<Round>[], samples: number[]): Case {
  const [item] = completeRun().cases;
  const [like] = item?.rounds ?? [];
  if (item === undefined || like === undefined) throw new Error("the fixture has no round");
  return {
    ...item,
    rounds: rounds.map((round, index) => ({ ...like, ...round, index: index + 1 })),
    metrics: { ns_per_frame: { unit: "ns", better: "lower", samples } },
  };
}

const pairsOf = (item: Case) =>
  countedSamples(item, "ns_per_frame").map(({ value, round }) => [
    value,
    round?.index,
    round?.boot,
  ]);

test("a sample a round, without those that were discarded", () => {
  const rounds = [{}, { discarded: "a burst" }, {}];
  expect(pairsOf(caseOf(rounds, [7, 8, 9]))).toEqual([
    [7, 1, undefined],
    [9, 3, undefined],
  ]);
  expect(pairsOf(caseOf(rounds, [7, 9])).map(([value, index]) => [value, index])).toEqual([
    [7, 1],
    [9, 3],
  ]);
});

test("in counted time the rounds without probes have the samples, each of its boot", () => {
  const rounds = [0, 1].flatMap((boot): Partial<Round>[] => [
    { side: "off", boot },
    { side: "time", boot },
    { side: "time", boot },
  ]);
  expect(pairsOf(caseOf(rounds, [6137, 6138]))).toEqual([
    [6137, 1, 0],
    [6138, 4, 1],
  ]);
});

test("the samples are of the rounds without probes, wherever others are between them", () => {
  const sides = [{ side: "off" }, { side: "count" }, { side: "time" }, { side: "off" }] as const;
  expect(pairsOf(caseOf([...sides], [7, 9])).map(([value, index]) => [value, index])).toEqual([
    [7, 1],
    [9, 4],
  ]);
  const discarded = [{ side: "off", discarded: "a burst" }, { side: "count" }, { side: "off" }];
  expect(
    pairsOf(caseOf(discarded as Partial<Round>[], [7, 8])).map(([value, index]) => [value, index]),
  ).toEqual([[8, 3]]);
});

test("samples that belong to no rounds count, and say of none that it is theirs", () => {
  const alone = caseOf([{}, {}], [7, 8, 9]);
  expect(countedSamples(alone, "ns_per_frame")).toEqual([
    { value: 7, round: null },
    { value: 8, round: null },
    { value: 9, round: null },
  ]);
  expect(countedSamples(alone, "loss")).toEqual([]);
});
