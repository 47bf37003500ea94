import { foreignText } from "../../document/foreign.ts";
import { type Case, DECISIONS, type Run } from "../../document/run.ts";
import { code, Markdown, md, pre, row, tableHead } from "../../text/markdown.ts";
import { sparkline } from "../../text/sparkline.ts";
import { bare, bareSpan, count, digits, duration, quantity, spanLike } from "../../text/units.ts";
import { booksOf } from "../facts/books.ts";
import {
  calibrations,
  FLOOD_WORDS,
  floodRows,
  functionRows,
  functionSummary,
  guestFacts,
} from "../facts/guest.ts";
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
  timeCheckOf,
} from "../facts/latency.ts";
import { marksOf } from "../facts/marks.ts";
import { headlinesOf } from "../facts/metrics.ts";
import { gapsOf, programCosts, slowdownOf } from "../facts/observing.ts";
import {
  COUNTED_SENTENCE,
  COUNTED_WORDS,
  DECISION_WORDS,
  NET_WORDS,
  RAW_WORDS,
  SPREAD_WORDS,
} from "../facts/words.ts";
import type { Section } from "./assemble.ts";
import { searches, slopes, truth } from "./load.ts";
import { roundTrips } from "./round-trip.ts";

const SPARKS = 16;
/** More cases than this have one headline each. */
const MANY = 40;

/** In reading order; what has no row reserves no room. */
export function sectionsOf(run: Run): Section[] {
  return [
    results(run),
    instructions(run),
    searches(run),
    slopes(run),
    truth(run),
    roundTrips(run),
    timeChecks(run),
    latency(run),
    decisions(run),
    ...(run.cases.length === 0 ? [] : [books(run)]),
    floods(run),
    drops(run),
    checks(run),
    probes(run),
    functions(run),
    guest(run),
    environment(run),
  ];
}

function results(run: Run): Section {
  return {
    title: "Results",
    folded: false,
    share: 16_000,
    head: tableHead(["Case", "Metric", "Median", "Quartiles", "Rounds", "Samples"], "llrrrl"),
    rows: run.cases.flatMap((item) => resultRows(run, item)),
    note: md`${SPREAD_WORDS}; samples in the order of the rounds, each row between its own least and most. A run describes; ${code("bridgescope compare")} judges.${run.environment.clock === "icount" ? ` ${COUNTED_SENTENCE}` : ""}`,
  };
}

function resultRows(run: Run, item: Case): Markdown[] {
  const most = run.cases.length > MANY ? 1 : undefined;
  const name =
    item.state === "complete"
      ? code(item.id)
      : md`${code(item.id)} **${item.state.toUpperCase()}**`;
  const series = headlinesOf(item).slice(0, most);
  if (series.length === 0) return [row(name, "no metric", "", "", 0, "")];
  return series.map((one, index) => {
    const kept = one.samples.filter((sample) => sample.discarded === null);
    const marks = marksOf(run, item, one, index === 0).map((mark) => md` **${mark}**`);
    return row(
      index === 0 ? name : "",
      md`${code(one.metric)}`,
      one.spread === null ? "-" : md`${quantity(one.spread.median, one.unit)}${joined(marks)}`,
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

function joined(parts: readonly Markdown[]): Markdown {
  return new Markdown(parts.map(({ text }) => text).join(""));
}

function timeChecks(run: Run): Section {
  const rows = run.cases.flatMap((item) => {
    const line = timeCheckOf(item);
    if (line === null) return [];
    return [
      line.passed === false
        ? md`- ${code(item.id)}: **${line.text}**`
        : md`- ${code(item.id)}: ${line.text}`,
    ];
  });
  return {
    title: TIME_CHECK_WORDS,
    folded: !run.cases.some(({ timeCheck }) => timeCheck?.passed === false),
    share: 3000,
    head: null,
    rows,
    note: null,
  };
}

function latency(run: Run): Section {
  const timed = stagesIn(run, "ns");
  const rows = timed.map(({ item, stage, latency: found }) => {
    const { raw, observer, sampled } = found;
    const times = netTimes(found);
    const net = (value: number | undefined) => (value === undefined ? "-" : duration(value));
    const measured = (value: number) => (sampled === 0 ? "none" : duration(value));
    return row(
      code(item.id),
      [stage, ...notesOf(found)].join(": "),
      ...[times?.p10, times?.p50, times?.p90].map(net),
      estimateText(found) ?? "-",
      observer === null ? "not known" : duration(observer.value),
      ...[raw.p50, raw.p99].map(measured),
      count(sampled),
    );
  });
  const heads = ["net p10", "net p50", "net p90", "net mean", "probes", "raw p50", "raw p99"];
  return {
    title: `Stage latency, ${NET_WORDS}`,
    folded: true,
    share: 13_000,
    head: tableHead(["Case", "Stage", ...heads, "Timed"], "llrrrrrrrr"),
    rows,
    note: md`Net: less the probes' own share of one sample (probes), with the 95 % interval of the mean over sessions. Raw: ${RAW_WORDS}. ${methodsOf(timed).join("; ")}`,
  };
}

function instructions(run: Run): Section {
  const rows = stagesIn(run, "instructions").map(({ item, stage, latency: found }) => {
    const headline = headlineOf(found);
    const { observer, unit } = found;
    return row(
      code(item.id),
      stage,
      headline === null ? "none" : bare(headline.value, unit),
      headline === null ? "-" : bareSpan(headline.ci, unit, headline.value),
      count(found.perRound?.length ?? 0),
      count(bootsOf(item, found)),
      agreement(found),
      observer === null ? "-" : bare(observer.value, unit),
    );
  });
  return {
    title: `Instructions by stage: ${COUNTED_WORDS}`,
    folded: false,
    share: 13_000,
    head: tableHead(
      ["Case", "Stage", "Instructions", "Interval", "Rounds", "Boots", "Alike", "Probes"],
      "llrrrrrr",
    ),
    rows,
    note: md`Instructions: the mode over rounds, ${NET_WORDS}; interval: the span of the boots' modes; alike: passages that took exactly their round's mode; probes: their own, taken out.`,
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
    head: tableHead(
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

function floods(run: Run): Section {
  const number = (value: number | null) => (value === null ? "-" : count(value));
  return {
    title: "Floods, as the bridge calls them",
    folded: true,
    share: 2000,
    head: tableHead(["Case", "Unicast", "Multicast", "Broadcast", "Targets", "Skipped"], "lrrrrr"),
    rows: floodRows(run).map((one) =>
      row(
        code(one.id),
        ...[one.unicast, one.multicast, one.broadcast, one.considered, one.skipped].map(number),
      ),
    ),
    note: md`${FLOOD_WORDS}`,
  };
}

function functions(run: Run): Section {
  const rows = functionRows(run) ?? [];
  return {
    title: `Functions on a frame's way: ${functionSummary(run.environment.functions ?? [])}`,
    folded: true,
    share: 2500,
    head: tableHead(["Function", "Module", "fentry", "kprobe"], "llll"),
    rows: rows.map((one) => row(code(one.name), code(one.module), one.fentry, one.kprobe)),
    note: null,
  };
}

function guest(run: Run): Section {
  return {
    title: "Guest",
    folded: true,
    share: 1500,
    head: null,
    rows: guestFacts(run).map(([name, text]) => md`- ${name}: ${code(text, 240)}`),
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
    head: tableHead(["Case", "Frames", "Reason", "Where"], "lrll"),
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
    const cost = slowdownOf(item) ?? "slow-down by counting not known";
    const gaps = gapsOf(probe).map(({ stages, reason }) => `; ${stages} not timed: ${reason}`);
    return md`- ${code(item.id)}: ${probe.backend}, ${count(probe.lost)} lost, ${count(probe.missed)} missed, ${cost}${gaps.join("")}`;
  });
  return {
    title: "What observing cost",
    folded: true,
    share: 3000,
    head: null,
    rows: [
      ...costs,
      ...cases,
      ...calibrations(run).map(({ text, cases: ids }) => md`- ${text} (${ids.join(", ")})`),
    ],
    note: null,
  };
}

function environment(run: Run): Section {
  const { kernel, cpu, tools, noise, clocksource, foreignProbes } = run.environment;
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
    ...(foreignProbes ?? []).map((one): [string, string] => ["foreign probe", foreignText([one])]),
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
