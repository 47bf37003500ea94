/** One case of two sides: a verdict for each stage and metric that both have, a reason for the rest. */
import type { Unmatched, Verdict } from "../../document/compare.ts";
import { type Case, STAGES, type Stage } from "../../document/run.ts";
import { judgeReadings, type Subject } from "./judge.ts";
import { type Both, isPaired, isRepeated, type Pair } from "./pair.ts";
import { comparePaired } from "./paired.ts";
import { metricNames, metricReadings, type Reading, stageReadings } from "./readings.ts";
import { corrected, judgeRepeated } from "./repeated.ts";

export function compareCase(
  pair: Pair,
  { id, base, candidate }: Both,
): { verdicts: Verdict[]; unmatched: Unmatched[] } {
  if (base === undefined || candidate === undefined) {
    const lacking = base === undefined ? pair.base.run : pair.candidate.run;
    const reason =
      lacking.state === "complete"
        ? "not in the plan of the other run"
        : `the other run ${lacking.state === "failed" ? "failed" : "was interrupted"}`;
    const only = base === undefined ? "candidate" : "base";
    const one = { case: id, candidate: pair.candidate.label, metric: null, only, reason } as const;
    return { verdicts: [], unmatched: [one] };
  }
  if (isPaired(pair)) return comparePaired(pair, base, candidate);
  const cases = { base, candidate };
  const parts = [
    ...STAGES.map((stage) =>
      compareOne(
        pair,
        cases,
        { name: stage, stage: true },
        (side) => stageReadings(pair[side], id, stage),
        (lacking) => whyNot(lacking, stage),
      ),
    ),
    ...metricNames([pair.base, pair.candidate], id).map((name) =>
      compareOne(
        pair,
        cases,
        { name, stage: false },
        (side) => metricReadings(pair[side], id, name, !isRepeated(pair)),
        () => "no round of the other run that counts has this metric",
      ),
    ),
  ];
  return {
    verdicts: corrected(
      parts.flatMap((part) => (part !== null && "verdict" in part ? [part] : [])),
    ),
    unmatched: parts.flatMap((part) => (part !== null && "only" in part ? [part] : [])),
  };
}

/** Null where neither side has it. */
function compareOne(
  pair: Pair,
  cases: { base: Case; candidate: Case },
  { name, stage }: Pick<Subject, "name" | "stage">,
  read: (side: "base" | "candidate") => Reading[],
  why: (lacking: Case) => string,
): Verdict | Unmatched | null {
  const [before, after] = [read("base"), read("candidate")];
  const [one, other] = [before[0], after[0]];
  if (one === undefined && other === undefined) return null;
  if (one === undefined || other === undefined) {
    const lacking = one === undefined ? "base" : "candidate";
    return {
      case: cases.base.id,
      candidate: pair.candidate.label,
      metric: name,
      only: one === undefined ? "candidate" : "base",
      reason: why(cases[lacking]),
    };
  }
  const subject: Subject = {
    name,
    unit: one.unit === other.unit ? one.unit : `${one.unit} and ${other.unit}`,
    better: one.better,
    stage,
  };
  return isRepeated(pair) && one.boots + other.boots === 0
    ? judgeRepeated(pair, cases, subject, before, after)
    : judgeReadings(pair, cases, subject, one, other);
}

function whyNot(item: Case, stage: Stage): string {
  const withheld = item.latency[stage]?.withheld ?? null;
  if (withheld !== null) return `withheld: ${withheld}`;
  const gap = item.probe?.notObservable.find((one) => one.stage === stage);
  if (gap !== undefined) return gap.reason;
  if (item.probe === undefined) return "the probes were off";
  if (item.state !== "complete") return `the case is ${item.state}`;
  return "no frame of it was timed";
}
