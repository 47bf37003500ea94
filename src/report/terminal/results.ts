import type { Case, Run } from "../../document/run.ts";
import { bare, bareSpan, count, duration, spanLike } from "../../text/units.ts";
import {
  agreement,
  bootsOf,
  estimateText,
  headlineOf,
  methodsOf,
  netTimes,
  notesOf,
  stagesIn,
  TIME_CHECK_WORDS,
  type TimedStage,
  timeCheckOf,
} from "../facts/latency.ts";
import { marksOf } from "../facts/marks.ts";
import { headlinesOf } from "../facts/metrics.ts";
import { slowdownOf } from "../facts/observing.ts";
import {
  COUNTED_SENTENCE,
  COUNTED_WORDS,
  NET_WORDS,
  RAW_WORDS,
  SPREAD_WORDS,
} from "../facts/words.ts";
import { type Cell, type Column, cells, type Row, right, type Screen } from "./screen.ts";

/** Columns from which on there is room for the mean with its interval. */
const WIDE = 112;

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
  for (const item of run.cases) {
    const slowdown = slowdownOf(item);
    if (slowdown === null) continue;
    screen.paragraph(`${item.id}: ${slowdown}, in rounds of its own`, {
      indent: 2,
      hanging: 4,
      tone: "dim",
    });
  }
  if (run.environment.clock === "icount") {
    screen.paragraph(COUNTED_SENTENCE, { indent: 2, tone: "dim" });
  }
}

/** How each case's stages stand against what nobody watched: a line a case. */
export function writeTimeChecks(screen: Screen, run: Run): void {
  const lines = run.cases.flatMap((item) => {
    const line = timeCheckOf(item);
    return line === null ? [] : [{ item, ...line }];
  });
  if (lines.length > 0) screen.heading(TIME_CHECK_WORDS);
  for (const { item, text, passed } of lines) {
    screen.paragraph(`${item.id}: time check: ${text}`, {
      indent: 2,
      hanging: 4,
      tone: passed === false ? "alarm" : passed === null ? "dim" : "plain",
    });
  }
}

/** Net percentiles of each stage beside the probes' share and what was measured; in counted time the mode. */
export function writeLatency(screen: Screen, run: Run): void {
  const timed = stagesIn(run, "ns");
  if (timed.length > 0) {
    screen.heading(`Stage latency, ${NET_WORDS}`);
    const wide = screen.width >= WIDE;
    const head = right("net p10", "p50", "p90", "probes", "raw p50", "raw p99");
    const mean = wide ? right("net mean") : [];
    const rowOf = (one: TimedStage) => timedRow(one, wide);
    screen.table("case, stage", [...head, ...mean], byCase(timed, rowOf));
    writeNotes(screen, timed);
    const words = [
      "net: less the probes' own share of one sample (probes)",
      `raw: ${RAW_WORDS}`,
      ...methodsOf(timed, wide),
    ];
    screen.paragraph(words.join("; "), { indent: 2, hanging: 4, tone: "dim" });
  }
  const counted = stagesIn(run, "instructions");
  if (counted.length > 0) {
    screen.heading(`Instructions by stage: ${COUNTED_WORDS}`);
    const head = right("instructions", "interval", "rounds", "boots", "alike");
    screen.table("case, stage", head, byCase(counted, countedRow));
    screen.paragraph(
      `instructions: the mode over rounds, ${NET_WORDS}; interval: the span of the boots' modes; alike: passages that took exactly their round's mode`,
      { indent: 2, tone: "dim" },
    );
  }
}

function byCase(stages: readonly TimedStage[], rowOf: (one: TimedStage) => Row): Row[] {
  return stages.flatMap((one, index) => {
    const first = stages[index - 1]?.item !== one.item;
    return [...(first ? [{ label: one.item.id, cells: [] }] : []), rowOf(one)];
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
    const marks = marksOf(run, item, one, index === 0).map(
      (mark): Row => ({ label: "", cells: cells([`! ${mark}`], "caution") }),
    );
    const row: Row = {
      label: index === 0 ? item.id : "",
      cells: [
        { text: one.metric, tone: "plain" },
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

function timedRow({ stage, latency }: TimedStage, wide: boolean): Row {
  const { raw, observer, sampled } = latency;
  const times = netTimes(latency);
  const net = (value: number | undefined) => (value === undefined ? "-" : duration(value));
  const measured = (value: number) => (sampled === 0 ? "none" : duration(value));
  return {
    label: `  ${stage}`,
    cells: [
      ...cells([net(times?.p10)]),
      ...cells([net(times?.p50)], "strong"),
      ...cells([net(times?.p90)]),
      ...cells([net(observer?.value), measured(raw.p50), measured(raw.p99)], "dim"),
      ...(wide ? cells([estimateText(latency) ?? "-"]) : []),
    ],
  };
}

function countedRow({ item, stage, latency }: TimedStage): Row {
  const headline = headlineOf(latency);
  const rounds = latency.perRound?.length ?? 0;
  return {
    label: `  ${stage}`,
    cells: [
      ...cells([headline === null ? "none" : bare(headline.value, latency.unit)], "strong"),
      ...cells([headline === null ? "-" : bareSpan(headline.ci, latency.unit, headline.value)]),
      ...cells([count(rounds), count(bootsOf(item, latency)), agreement(latency)], "dim"),
    ],
  };
}

/** What has to be known of stages, a line for all of a case that have it in common. */
function writeNotes(screen: Screen, timed: readonly TimedStage[]): void {
  const stages = new Map<string, { item: Case; note: string; names: string[] }>();
  for (const { item, stage, latency } of timed) {
    for (const note of notesOf(latency)) {
      const key = JSON.stringify([item.id, note]);
      const known = stages.get(key) ?? { item, note, names: [] };
      stages.set(key, known);
      known.names.push(stage);
    }
  }
  for (const { item, note, names } of stages.values()) {
    screen.paragraph(`${item.id} ${names.join(", ")}: ${note}`, {
      ...{ indent: 2, hanging: 4, tone: "caution" },
    });
  }
}
