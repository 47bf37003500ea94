/** What a reader of the verdicts has to know first. */
import type { Run } from "../../document/run.ts";
import { chanceOfApart } from "../counted.ts";
import { disturbed } from "./disturbed.ts";
import { isPaired, isTimeless, type Labelled, type Pair } from "./pair.ts";

/** Share of comparisons of a kernel with itself that may come out as a change. */
const TOLERATED = 0.01;

export function warningsOf(pair: Pair): string[] {
  const { base, candidate, margin, clockMargin } = pair;
  const byClock = [base, candidate].every(({ run }) => run.environment.clock === "wall");
  return [
    ...clocks(base, candidate),
    ...[base, candidate].flatMap(timeless),
    ...[base, candidate].flatMap(unfinished),
    ...boots(base, candidate),
    ...(isPaired(pair) ? disturbed(pair) : []),
    ...[base, candidate].flatMap(books),
    ...(byClock && margin === undefined && clockMargin !== undefined ? [clockMargin.why] : []),
  ];
}

function clocks(base: Labelled, candidate: Labelled): string[] {
  if (base.run.environment.clock === candidate.run.environment.clock) return [];
  const said = ({ run, label }: Labelled) =>
    `${label} ${run.environment.clock === "icount" ? "counted instructions" : "read a clock"}`;
  return [
    `${said(base)} and ${said(candidate)}: no stage or metric can be compared. Make both runs with one --clock.`,
  ];
}

function timeless({ run, label }: Labelled): string[] {
  if (!isTimeless(run)) return [];
  return [
    `${label} was measured by wall clock under qemu's TCG: its times mean nothing and get no verdict. Decisions, copies, books and functions can be compared; --clock icount compares instructions.`,
  ];
}

function unfinished({ run, label }: Labelled): string[] {
  return run.state === "complete" ? [] : [`The run of ${label} is ${run.state}.`];
}

function boots(base: Labelled, candidate: Labelled): string[] {
  if ([base, candidate].some(({ run }) => run.environment.clock !== "icount")) return [];
  const [a, b] = [bootsOf(base.run), bootsOf(candidate.run)];
  if (a === null || b === null) return [];
  const single = [base, candidate]
    .filter(({ run }) => (bootsOf(run) ?? 0) < 2)
    .map((one) => one.label);
  if (single.length > 0) {
    return [
      `One boot cannot carry a verdict (${single.join(", ")}): layout and hash seeds differ from boot to boot by more than many changes do.`,
    ];
  }
  const chance = chanceOfApart(a, b);
  if (chance <= TOLERATED) return [];
  return [
    `${a} and ${b} boots: were they to differ at random, the intervals of one and the same kernel would lie apart in ${(chance * 100).toPrecision(2)} % of comparisons. From 5 boots each that is under 1 %.`,
  ];
}

/** How many boots the rounds that count are of, in the case with fewest; null without a case. */
function bootsOf(run: Run): number | null {
  const each = run.cases.map(
    (item) =>
      new Set(item.rounds.filter((one) => one.discarded === null).map((one) => one.boot ?? 0)).size,
  );
  return each.length === 0 ? null : Math.min(...each);
}

function books({ run, label }: Labelled): string[] {
  const open = run.cases.filter((item) => (item.bridge?.unaccounted ?? 0) > 0);
  if (open.length === 0) return [];
  return [`The books of ${label} do not balance: ${open.map((item) => item.id).join(", ")}.`];
}
