/**
 * What a run says, in sentences made from its data, worst first. Every format shows the same ones.
 * The text is raw: it may hold names from outside and is escaped by the format that shows it.
 */
import { isEdited } from "../../document/integrity.ts";
import type { Case, Check, Run } from "../../document/run.ts";
import { count, percent, plural } from "../../text/units.ts";
import { booksOf } from "./books.ts";
import { FOREIGN, foreignLine } from "./foreign.ts";
import { timeCheckOf } from "./latency.ts";
import { resultOf } from "./result.ts";
import { slopeSentences } from "./slopes.ts";
import { truthSentences } from "./truth.ts";

export type Level = "alarm" | "caution" | "result";

/** Which part of a report holds the evidence; `index` is the case's or the check's place. */
export interface Evidence {
  readonly part:
    | "run"
    | "lab"
    | "latency"
    | "decisions"
    | "books"
    | "rounds"
    | "checks"
    | "environment"
    | "probe"
    | "slopes"
    | "truth";
  readonly index: number | null;
}

export interface Finding {
  readonly level: Level;
  /** One or two words that can be searched for. */
  readonly kind: string;
  /** The case or check it is about; null for the run. */
  readonly about: string | null;
  readonly text: string;
  readonly evidence: Evidence;
}

/** Alarms, then cautions, then results; each in the order of the document. */
export function findingsOf(run: Run): Finding[] {
  const all = [
    ...timeless(run),
    ...edited(run),
    ...foreign(run),
    ...runState(run),
    ...run.cases.flatMap(caseState),
    ...run.cases.flatMap(unbalanced),
    ...run.cases.flatMap(failedTimeCheck),
    ...run.checks.flatMap(failedCheck),
    ...run.cases.flatMap(degraded),
    ...run.cases.flatMap(unattributed),
    ...run.cases.flatMap(drops),
    ...run.cases.flatMap(warnings),
    ...run.cases.flatMap(discarded),
    ...noise(run),
    ...slopes(run),
    ...truth(run),
    ...run.cases.flatMap(result),
  ];
  const rank: Record<Level, number> = { alarm: 0, caution: 1, result: 2 };
  return all.toSorted((a, b) => rank[a.level] - rank[b.level]);
}

export interface Digest {
  readonly shown: readonly Finding[];
  /** How many of each kind were left out: `12 more drops`. */
  readonly left: readonly { readonly kind: string; readonly count: number }[];
}

/** At most `each` findings of a kind, so that a plan of a hundred cases still fits a screen. */
export function digest(findings: readonly Finding[], each: number): Digest {
  const seen = new Map<string, number>();
  const shown = findings.filter(({ kind }) => {
    const before = seen.get(kind) ?? 0;
    seen.set(kind, before + 1);
    return before < each;
  });
  const left = [...seen].filter(([, total]) => total > each);
  return { shown, left: left.map(([kind, total]) => ({ kind, count: total - each })) };
}

function timeless(run: Run): Finding[] {
  if (run.environment.clock !== "wall" || run.guest?.accelerator !== "tcg") return [];
  return [
    {
      level: "alarm",
      kind: "times mean nothing",
      about: null,
      text: "Wall clock under qemu's TCG measures its translator: no time and no rate of this run means anything. Decisions, copies and books do; --clock icount counts instructions instead.",
      evidence: { part: "environment", index: null },
    },
  ];
}

function edited(run: Run): Finding[] {
  if (!isEdited(run)) return [];
  return [
    {
      level: "alarm",
      kind: "edited",
      about: null,
      text: "The document was changed after it was written: its checksum is not that of what stands in it.",
      evidence: { part: "run", index: null },
    },
  ];
}

/** Stands in the first line of what people read, and there alone where a format has one. */
function foreign(run: Run): Finding[] {
  const text = foreignLine(run);
  if (text === null) return [];
  const evidence: Evidence = { part: "environment", index: null };
  return [{ level: "alarm", kind: FOREIGN, about: null, text, evidence }];
}

function runState(run: Run): Finding[] {
  if (run.state === "complete") return [];
  const done = run.cases.filter((item) => item.state === "complete").length;
  const cases = plural(run.cases.length, "recorded case");
  const finished =
    run.cases.length === 0
      ? ""
      : `: ${count(done)} of ${cases} ${done === 1 ? "is" : "are"} complete`;
  return [
    {
      level: "alarm",
      kind: `run ${run.state}`,
      about: null,
      text: `The run ${run.state === "failed" ? "failed" : "was interrupted"}${finished}.`,
      evidence: { part: "run", index: null },
    },
  ];
}

function truth(run: Run): Finding[] {
  const common = { kind: "truth", about: null, evidence: { part: "truth", index: null } } as const;
  return truthSentences(run).map(({ level, text }) => ({ level, text, ...common }));
}

function slopes(run: Run): Finding[] {
  const evidence: Evidence = { part: "slopes", index: null };
  const about = null;
  return slopeSentences(run).map(({ level, kind, text }) => ({
    level,
    kind,
    about,
    text,
    evidence,
  }));
}

function caseState(item: Case, index: number): Finding[] {
  if (item.state === "complete") return [];
  const why = item.error === null ? "" : `: ${firstLine(item.error)}`;
  const rounds = plural(item.rounds.length, "round");
  return [
    {
      level: "alarm",
      kind: item.state,
      about: item.id,
      text: `${item.state === "failed" ? "failed" : "was interrupted"} after ${rounds}${why}`,
      evidence: { part: "rounds", index },
    },
  ];
}

function unbalanced(item: Case, index: number): Finding[] {
  const books = booksOf(item);
  if (books.state !== "unbalanced") return [];
  return [
    {
      level: "alarm",
      kind: "unbalanced",
      about: item.id,
      text: books.text,
      evidence: { part: "books", index },
    },
  ];
}

function failedTimeCheck(item: Case, index: number): Finding[] {
  const line = timeCheckOf(item);
  if (line?.passed !== false) return [];
  return [
    {
      level: "alarm",
      kind: "time check",
      about: item.id,
      text: `${line.text}; the latencies of this case are withheld`,
      evidence: { part: "latency", index },
    },
  ];
}

function failedCheck(check: Check, index: number): Finding[] {
  if (check.passed) return [];
  const { expected, observed } = check.evidence;
  return [
    {
      level: "alarm",
      kind: "check failed",
      about: check.id,
      text: `${check.title}: expected ${firstLine(expected)}, observed ${firstLine(observed)}`,
      evidence: { part: "checks", index },
    },
  ];
}

function degraded(item: Case, index: number): Finding[] {
  const probe = item.probe;
  if (probe === undefined) return [];
  const reasons = [...probe.degraded];
  if (probe.lost > 0) reasons.push(`${plural(probe.lost, "probe record")} lost`);
  if (probe.missed > 0) reasons.push(`${plural(probe.missed, "probe firing")} missed`);
  if (reasons.length === 0) return [];
  return [
    {
      level: "alarm",
      kind: "degraded",
      about: item.id,
      text: `the account may not be complete: ${reasons.join("; ")}`,
      evidence: { part: "probe", index },
    },
  ];
}

function unattributed(item: Case, index: number): Finding[] {
  const loose = item.bridge?.unattributed ?? 0;
  if (loose === 0) return [];
  return [
    {
      level: "caution",
      kind: "unattributed",
      about: item.id,
      text: `${plural(loose, "copy", "copies")} whose ingress frame could not be told`,
      evidence: { part: "decisions", index },
    },
  ];
}

function drops(item: Case, index: number): Finding[] {
  const all = item.bridge?.drops ?? [];
  const total = all.reduce((sum, drop) => sum + drop.count, 0);
  const worst = all.toSorted((a, b) => b.count - a.count)[0];
  if (worst === undefined || total === 0) return [];
  const share = all.length === 1 ? "" : `, ${percent(worst.count, total)} of them`;
  return [
    {
      level: "caution",
      kind: "drops",
      about: item.id,
      text: `${plural(total, "frame")} dropped${share} ${worst.reason} in ${worst.where}`,
      evidence: { part: "books", index },
    },
  ];
}

function warnings(item: Case, index: number): Finding[] {
  return item.warnings.map((text) => ({
    level: "caution",
    kind: "warning",
    about: item.id,
    text: firstLine(text),
    evidence: { part: "rounds", index },
  }));
}

function discarded(item: Case, index: number): Finding[] {
  const gone = item.rounds.filter((round) => round.discarded !== null);
  if (gone.length === 0) return [];
  const reasons = [...new Set(gone.map((round) => round.discarded))].join("; ");
  return [
    {
      level: "caution",
      kind: "discarded",
      about: item.id,
      text: `${count(gone.length)} of ${plural(item.rounds.length, "round")} discarded: ${reasons}`,
      evidence: { part: "rounds", index },
    },
  ];
}

function noise(run: Run): Finding[] {
  return run.environment.noise.flatMap((item) =>
    item.advice === null
      ? []
      : [
          {
            level: "caution" as const,
            kind: "noise",
            about: item.id,
            text: `${item.observed}; ${item.advice}`,
            evidence: { part: "environment" as const, index: null },
          },
        ],
  );
}

function result(item: Case, index: number): Finding[] {
  const said = resultOf(item);
  if (said === null) return [];
  return [
    {
      level: "result",
      kind: "result",
      about: item.id,
      text: said.text,
      evidence: { part: said.part, index },
    },
  ];
}

function firstLine(text: string): string {
  const [first = "", ...rest] = text.trim().split(/\r?\n/);
  return rest.length > 0 ? `${first} …` : first;
}
