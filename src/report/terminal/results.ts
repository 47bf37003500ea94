import type { Case, Run } from "../../document/run.ts";
import {
  bare,
  bareSpan,
  count,
  duration,
  percent,
  quantity,
  span,
  spanLike,
} from "../../text/units.ts";
import { agreement, bootsOf, headlineOf, stagesIn, type TimedStage } from "../facts/latency.ts";
import { marksOf } from "../facts/marks.ts";
import { headlinesOf } from "../facts/metrics.ts";
import { slowdownOf } from "../facts/observing.ts";
import {
  COUNTED_SENTENCE,
  COUNTED_WORDS,
  SPREAD_WORDS,
  stageName,
  withProbes,
} from "../facts/words.ts";
import { type Cell, type Column, cells, type Row, right, type Screen } from "./screen.ts";

/** One line a case and headline metric. */
export function writeResults(screen: Screen, run: Run): void {
  screen.heading(`Results: ${SPREAD_WORDS}`);
  const head: Column[] = [
    { title: "metric", align: "left" },
    ...right("median", "quartiles", "rounds"),
  ];
  screen.table(
    "case",
    head,
    run.cases.flatMap((item) => resultRows(run, item)),
  );
  screen.paragraph("quartiles in the unit of the median", { indent: 2, tone: "dim" });
  if (run.environment.clock === "icount") {
    screen.paragraph(COUNTED_SENTENCE, { indent: 2, tone: "dim" });
  }
}

/** Percentiles of each stage, and how many of the passages were timed; in counted time the mode. */
export function writeLatency(screen: Screen, run: Run): void {
  const timed = stagesIn(run, "ns");
  if (timed.length > 0) {
    screen.heading(`${withProbes("Stage latency", "ns")}, and how many of the passages were timed`);
    const head = right("p50", "p90", "p99", "timed", "passages");
    screen.table("case, stage", head, byCase(timed, timedRow));
    for (const one of timed) writeEstimate(screen, one);
  }
  const counted = stagesIn(run, "instructions");
  if (counted.length > 0) {
    screen.heading(`Instructions by stage: ${COUNTED_WORDS}`);
    const head = right("instructions", "interval", "rounds", "boots", "alike");
    screen.table("case, stage", head, byCase(counted, countedRow));
    screen.paragraph(
      "instructions: the mode over rounds, net of the probes; interval: the span of the boots' modes; alike: passages that took exactly their round's mode",
      { indent: 2, tone: "dim" },
    );
  }
}

function byCase(stages: readonly TimedStage[], rowOf: (one: TimedStage) => Row): Row[] {
  return stages.flatMap((one, index) => {
    const first = stages[index - 1]?.item !== one.item;
    const slowdown = slowdownOf(one.item);
    const label = slowdown === null ? one.item.id : `${one.item.id}, ${slowdown}`;
    return [...(first ? [{ label, cells: [] }] : []), rowOf(one)];
  });
}

function resultRows(run: Run, item: Case): Row[] {
  const state: Cell[] = item.state === "complete" ? [] : cells([item.state.toUpperCase()], "alarm");
  const series = headlinesOf(item);
  if (series.length === 0) {
    return [{ label: item.id, cells: [...state, ...cells(["no metric"], "dim")] }];
  }
  const rows: Row[] = series.flatMap((one, index) => {
    const found = one.spread;
    const side = one.side === "" ? "" : ` (${one.side})`;
    const marks = marksOf(run, item, one, index === 0).map(
      (mark): Row => ({ label: "", cells: cells([`! ${mark}`], "caution") }),
    );
    const row: Row = {
      label: index === 0 ? item.id : "",
      cells: [
        { text: `${one.metric}${side}`, tone: "plain" },
        { text: found === null ? "-" : bare(found.median, one.unit), tone: "strong" },
        {
          text: found === null ? "-" : spanLike(found.q1, found.q3, one.unit, found.median),
          tone: "plain",
        },
        { text: String(found?.n ?? 0), tone: "dim" },
      ],
    };
    return [row, ...marks];
  });
  return state.length > 0 ? [...rows, { label: "", cells: state }] : rows;
}

function timedRow({ stage, latency }: TimedStage): Row {
  const { p50, p90, p99, sampled } = latency;
  const show = (value: number) => (sampled === 0 ? "none" : duration(value));
  const share = sampled === latency.count ? "all" : percent(sampled, latency.count);
  return {
    label: `  ${stageName(stage, latency.unit)}`,
    cells: [
      ...cells([show(p50)], "strong"),
      ...cells([show(p90), show(p99)]),
      ...cells([share, count(latency.count)], "dim"),
    ],
  };
}

function countedRow({ item, stage, latency }: TimedStage): Row {
  const { value, ci } = headlineOf(latency);
  const rounds = latency.perRound?.length ?? 0;
  return {
    label: `  ${stageName(stage, latency.unit)}`,
    cells: [
      ...cells([latency.sampled === 0 ? "none" : bare(value, latency.unit)], "strong"),
      ...cells([bareSpan(ci, latency.unit, value)]),
      ...cells([count(rounds), count(bootsOf(item, latency)), agreement(latency)], "dim"),
    ],
  };
}

function writeEstimate(screen: Screen, { item, stage, latency }: TimedStage): void {
  const { estimate, unit } = latency;
  if (estimate === null) return;
  const [low, high] = estimate.ci;
  screen.paragraph(
    `${item.id} ${stageName(stage, unit)}: ${quantity(estimate.value, unit)} (interval ${span(low, high, unit)}; ${estimate.method}, n = ${count(estimate.n)})`,
    { indent: 2, hanging: 4 },
  );
}
