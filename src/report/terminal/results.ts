import { type Case, type Latency, type Run, STAGES } from "../../document/run.ts";
import { headlinesOf } from "../facts/metrics.ts";
import { SPREAD_WORDS } from "../facts/words.ts";
import { count, duration, percent, quantity, span, spanLike } from "../text/units.ts";
import { type Cell, type Column, cells, type Row, right, type Screen } from "./screen.ts";

/** One line a case and headline metric. */
export function writeResults(screen: Screen, run: Run): void {
  screen.heading(`Results: ${SPREAD_WORDS}`);
  const head: Column[] = [
    { title: "metric", align: "left" },
    ...right("median", "quartiles", "rounds"),
  ];
  screen.table("case", head, run.cases.flatMap(resultRows));
  screen.paragraph("quartiles in the unit of the median", { indent: 2, tone: "dim" });
}

/** Percentiles of each stage, and how many of the passages were timed. */
export function writeLatency(screen: Screen, run: Run): void {
  const cases = run.cases.filter((item) => STAGES.some((stage) => item.latency[stage]));
  if (cases.length === 0) return;
  screen.heading("Stage latency, and how many of the passages were timed");
  const rows = cases.flatMap((item) => [
    { label: item.id, cells: [] },
    ...STAGES.flatMap((stage) => stageRow(stage, item.latency[stage])),
  ]);
  screen.table("case, stage", right("p50", "p90", "p99", "timed", "passages"), rows);
  for (const item of cases) writeEstimates(screen, item);
}

function resultRows(item: Case): Row[] {
  const state: Cell[] = item.state === "complete" ? [] : cells([item.state.toUpperCase()], "alarm");
  const series = headlinesOf(item);
  if (series.length === 0) {
    return [{ label: item.id, cells: [...state, ...cells(["no metric"], "dim")] }];
  }
  const rows: Row[] = series.map((one, index) => {
    const found = one.spread;
    const side = one.side === "" ? "" : ` (${one.side})`;
    return {
      label: index === 0 ? item.id : "",
      cells: [
        { text: `${one.metric}${side}`, tone: "plain" },
        { text: found === null ? "-" : quantity(found.median, one.unit), tone: "strong" },
        {
          text: found === null ? "-" : spanLike(found.q1, found.q3, one.unit, found.median),
          tone: "plain",
        },
        { text: String(found?.n ?? 0), tone: "dim" },
      ],
    };
  });
  return state.length > 0 ? [...rows, { label: "", cells: state }] : rows;
}

function stageRow(stage: string, latency: Latency | undefined): Row[] {
  if (latency === undefined) return [];
  const show = (value: number) => timed(latency, value);
  const share = latency.sampled === latency.count ? "all" : percent(latency.sampled, latency.count);
  return [
    {
      label: `  ${stage}`,
      cells: [
        ...cells([show(latency.p50)], "strong"),
        ...cells([show(latency.p90), show(latency.p99)]),
        ...cells([share, count(latency.count)], "dim"),
      ],
    },
  ];
}

function timed(latency: Latency, value: number): string {
  if (latency.sampled === 0) return "none";
  return latency.unit === "ns" ? duration(value) : `${count(value)} instr`;
}

function writeEstimates(screen: Screen, item: Case): void {
  for (const stage of STAGES) {
    const latency = item.latency[stage];
    const estimate = latency?.estimate ?? null;
    if (latency === undefined || estimate === null) continue;
    const [low, high] = estimate.ci;
    screen.paragraph(
      `${item.id} ${stage}: ${quantity(estimate.value, latency.unit)} (interval ${span(low, high, latency.unit)}; ${estimate.method}, n = ${count(estimate.n)})`,
      { indent: 2, hanging: 4 },
    );
  }
}
