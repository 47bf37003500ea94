/** What searches found, and what one more of something costs. */
import type { Run } from "../../document/run.ts";
import { code, md, row, tableHead } from "../../text/markdown.ts";
import { SEARCH_WORDS, searchRows } from "../facts/searches.ts";
import { SLOPE_WORDS, slopeRows, slopeSentences } from "../facts/slopes.ts";
import { TRUTH_TITLE, TRUTH_WORDS, truthRows } from "../facts/truth.ts";
import type { Section } from "./assemble.ts";

export function searches(run: Run): Section {
  return {
    title: "Searches: offered, over all rounds",
    folded: false,
    share: 2000,
    head: tableHead(["Case", "Trials", "Highest passed", "Lowest failed", "Its loss"], "lrrrr"),
    rows: searchRows(run).map((one) =>
      row(code(one.id), one.trials, one.passed, one.failed, one.loss),
    ),
    note: md`${SEARCH_WORDS}`,
  };
}

export function slopes(run: Run): Section {
  return {
    title: "What one more costs: CPU time a frame",
    folded: false,
    share: 2000,
    head: tableHead(["What", "Workload", "A frame", "Interval, ns"], "llrr"),
    rows: slopeRows(run).map(({ what, workload, value, interval, reason }) =>
      row(what, code(workload), reason === null ? value : `${value}: ${reason}`, interval),
    ),
    note: md`${[...slopeSentences(run).map(({ text }) => text), SLOPE_WORDS].join(" ")}`,
  };
}

export function truth(run: Run): Section {
  return {
    title: TRUTH_TITLE,
    folded: false,
    share: 2000,
    head: tableHead(
      ["What differs", "Without probes, ns", "Net stages, ns", "Ratio", "Verdict"],
      "lrrrl",
    ),
    rows: truthRows(run).map(({ what, cases, unobserved, observed, ratio, verdict }) =>
      row(md`${what}: ${code(cases)}`, unobserved, observed, ratio, verdict),
    ),
    note: md`${TRUTH_WORDS}`,
  };
}
