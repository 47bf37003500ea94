import { type Case, DECISIONS, type Run, STAGES } from "../../document/run.ts";
import { booksOf } from "../facts/books.ts";
import { headlinesOf } from "../facts/metrics.ts";
import { programCosts } from "../facts/observing.ts";
import { DECISION_WORDS, SPREAD_WORDS } from "../facts/words.ts";
import { code, Markdown, md, pre, row } from "../text/markdown.ts";
import { sparkline } from "../text/sparkline.ts";
import { count, digits, duration, percent, quantity, spanLike } from "../text/units.ts";

export interface Section {
  readonly title: string;
  readonly folded: boolean;
  /** Bytes that earlier sections leave for this one. */
  readonly share: number;
  readonly head: Markdown | null;
  readonly rows: readonly Markdown[];
  readonly note: Markdown | null;
}

const SPARKS = 16;
/** More cases than this have one headline each. */
const MANY = 40;

/** In reading order. */
export function sectionsOf(run: Run): Section[] {
  return [
    results(run),
    latency(run),
    decisions(run),
    books(run),
    drops(run),
    checks(run),
    probes(run),
    environment(run),
  ];
}

function results(run: Run): Section {
  return {
    title: "Results",
    folded: false,
    share: 16_000,
    head: table(["Case", "Metric", "Median", "Quartiles", "Rounds", "Samples"], "llrrrl"),
    rows: run.cases.flatMap((item) => resultRows(item, run.cases.length > MANY ? 1 : undefined)),
    note: md`${SPREAD_WORDS}; samples in the order of the rounds, each row between its own least and most. A run describes; ${code("bridgescope compare")} judges.`,
  };
}

function resultRows(item: Case, most: number | undefined): Markdown[] {
  const name =
    item.state === "complete"
      ? code(item.id)
      : md`${code(item.id)} **${item.state.toUpperCase()}**`;
  const series = headlinesOf(item).slice(0, most);
  if (series.length === 0) return [row(name, "no metric", "", "", 0, "")];
  return series.map((one, index) => {
    const kept = one.samples.filter((sample) => sample.discarded === null);
    const side = one.side === "" ? md`` : md` ${code(one.side)}`;
    return row(
      index === 0 ? name : "",
      md`${code(one.metric)}${side}`,
      one.spread === null ? "-" : quantity(one.spread.median, one.unit),
      one.spread === null
        ? "-"
        : spanLike(one.spread.q1, one.spread.q3, one.unit, one.spread.median),
      one.spread?.n ?? 0,
      sparkline(
        kept.map((sample) => sample.value),
        SPARKS,
      ),
    );
  });
}

function latency(run: Run): Section {
  const rows = run.cases.flatMap((item) =>
    STAGES.flatMap((stage) => {
      const found = item.latency[stage];
      if (found === undefined) return [];
      const show = (value: number) => {
        if (found.sampled === 0) return "none";
        return found.unit === "ns" ? duration(value) : `${count(value)} instr`;
      };
      const share = found.sampled === found.count ? "all" : percent(found.sampled, found.count);
      const of = `${share} of ${count(found.count)}`;
      return [row(code(item.id), stage, show(found.p50), show(found.p90), show(found.p99), of)];
    }),
  );
  return {
    title: "Stage latency",
    folded: true,
    share: 13_000,
    head: table(["Case", "Stage", "p50", "p90", "p99", "Timed"], "llrrrr"),
    rows,
    note: null,
  };
}

function decisions(run: Run): Section {
  const rows = run.cases.flatMap((item) => {
    const bridge = item.bridge;
    if (bridge === undefined) return [];
    return [
      row(
        code(item.id),
        ...DECISIONS.map((name) => count(bridge.decisions[name])),
        count(bridge.ingress),
        count(bridge.egress),
        bridge.amplification === null ? "-" : digits(bridge.amplification),
        `${count(bridge.learned)}/${count(bridge.moved)}/${count(bridge.aged)}`,
      ),
    ];
  });
  const names = DECISIONS.map((name) => DECISION_WORDS[name].short);
  return {
    title: "Decisions and copies",
    folded: true,
    share: 11_000,
    head: table(
      ["Case", ...names, "In", "Out", "Amplification", "Learned/moved/aged"],
      `l${"r".repeat(names.length + 4)}`,
    ),
    rows,
    note: null,
  };
}

function books(run: Run): Section {
  const all = run.cases.map((item) => ({ item, books: booksOf(item) }));
  const open = all.filter((one) => one.books.state !== "balanced");
  const bad = all.some((one) => one.books.state === "unbalanced");
  const balanced = all.length - open.length;
  return {
    title: bad
      ? "Closure: BOOKS DO NOT BALANCE"
      : `Closure: books balance in ${count(balanced)} of ${count(all.length)} cases`,
    folded: !bad,
    share: 4000,
    head: null,
    rows: [
      md`- ${count(balanced)} of ${count(all.length)} cases: books balance`,
      ...open.map((one) => md`- ${code(one.item.id)}: ${one.books.text}`),
    ],
    note: null,
  };
}

function drops(run: Run): Section {
  const rows = run.cases.flatMap((item) =>
    (item.bridge?.drops ?? [])
      .toSorted((a, b) => b.count - a.count)
      .map((drop) => row(code(item.id), count(drop.count), code(drop.reason), code(drop.where))),
  );
  return {
    title: "Drops",
    folded: true,
    share: 3000,
    head: table(["Case", "Frames", "Reason", "Where"], "lrll"),
    rows,
    note: null,
  };
}

function checks(run: Run): Section {
  const failed = run.checks.filter((check) => !check.passed);
  const passed = run.checks.length - failed.length;
  const rows = failed.map(({ id, title, evidence }) =>
    [
      md`**FAILED** ${code(id)}: ${title}`,
      md`Command: ${code(evidence.command, 400)}`,
      md`Expected:\n\n${pre(evidence.expected)}\n\nObserved:\n\n${pre(evidence.observed)}\n`,
    ]
      .map((part) => part.text)
      .join("\n\n"),
  );
  return {
    title: `Checks: ${count(passed)} passed, ${count(failed.length)} failed`,
    folded: failed.length === 0,
    share: 6000,
    head: null,
    rows: [
      ...(passed > 0 && failed.length === 0 ? [md`Every check of the topologies passed.`] : []),
      ...(passed === 0 && failed.length === 0 ? [md`No checks were asked for.`] : []),
      ...rows.map((text) => new Markdown(text)),
    ],
    note: null,
  };
}

function probes(run: Run): Section {
  const observed = run.cases.flatMap((item) =>
    item.probe === undefined ? [] : [{ item, probe: item.probe }],
  );
  const costs = programCosts(observed.map(({ probe }) => probe)).map(
    (one) =>
      md`- ${code(one.name)}: ${count(one.events)} events on the whole host, net ${one.nsPerEvent}`,
  );
  const cases = observed.map(({ item, probe }) => {
    const over = probe.overhead;
    const cost =
      over === null
        ? "effect on the workload not asked for"
        : `with probes on ${over.metric} is ${digits(over.ratio)} of off (${over.ci.map(digits).join(" .. ")})`;
    const gaps = probe.notObservable.map((gap) => `; ${gap.stage} cannot be seen: ${gap.reason}`);
    return md`- ${code(item.id)}: ${probe.backend}, ${count(probe.lost)} lost, ${count(probe.missed)} missed, ${cost}${gaps.join("")}`;
  });
  return {
    title: "What observing cost",
    folded: true,
    share: 3000,
    head: null,
    rows: [...costs, ...cases],
    note: null,
  };
}

function environment(run: Run): Section {
  const { kernel, cpu, tools, noise, clocksource } = run.environment;
  const pairs: [string, string][] = [
    ["command", run.provenance.argv.join(" ")],
    ["kernel", `${kernel.release} ${kernel.version}, preempt ${kernel.preempt}`],
    ["CPU", `${cpu.model}, governor ${cpu.governor ?? "unknown"}, clock source ${clocksource}`],
    [
      "tools",
      Object.entries(tools)
        .map((pair) => pair.join(" "))
        .join(", "),
    ],
    ...noise.map((one): [string, string] => [`noise: ${one.id}`, one.observed]),
  ];
  return {
    title: "Environment",
    folded: true,
    share: 1500,
    head: null,
    rows: pairs.map(([name, text]) => md`- ${name}: ${code(text, 240)}`),
    note: null,
  };
}

function table(titles: readonly string[], align: string): Markdown {
  const rule = Array.from(align, (side) => (side === "r" ? "---:" : "---")).join(" | ");
  return new Markdown(`${row(...titles).text}\n| ${rule} |`);
}
