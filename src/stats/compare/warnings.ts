/** What a reader of the verdicts has to know first. */
import { isEdited } from "../../document/integrity.ts";
import type { Run } from "../../document/run.ts";
import type { Disturbance, Session } from "../../document/session.ts";
import { chanceOfApart } from "../counted.ts";
import {
  bootOf,
  casesNamed,
  casesOf,
  isPaired,
  isRepeated,
  isTimeless,
  type Labelled,
  type Pair,
} from "./pair.ts";

/** Share of comparisons of a kernel with itself that may come out as a change. */
const TOLERATED = 0.01;

export function warningsOf(pair: Pair): string[] {
  const { base, candidate, margin, clockMargin } = pair;
  const byClock = [base, candidate].every(({ run }) => run.environment.clock === "wall");
  return [
    ...clocks(base, candidate),
    ...foreign(base, candidate),
    ...[base, candidate].flatMap(edited),
    ...(isPaired(pair) ? [] : apart(pair, byClock)),
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

/** What slows every frame of one side alone is a change that neither side made. */
function foreign(base: Labelled, candidate: Labelled): string[] {
  const under = ({ runs }: Labelled) =>
    runs.some(({ environment }) => (environment.foreignProbes ?? []).length > 0);
  if (under(base) === under(candidate)) return [];
  const [one, other] = under(base) ? [base, candidate] : [candidate, base];
  return [
    `${one.label} was measured under other people's probes and ${other.label} was not: they slow every frame, and its times hold them. Measure again when they are gone, or both sides at once with \`bench --vs\`.`,
  ];
}

/** What is not as it was written may have been made to say anything. */
function edited(side: Labelled): string[] {
  return side.runs
    .filter(isEdited)
    .map(
      (run) =>
        `The document of ${nameOf(side, run)} was changed after it was written: its checksum is not that of what stands in it.`,
    );
}

/** What runs that were made at different times can show, and what they cannot. */
function apart(pair: Pair, byClock: boolean): string[] {
  const { base, candidate } = pair;
  const both = base.runs.filter(({ id }) => candidate.runs.some((one) => one.id === id));
  const same =
    both.length === 0
      ? []
      : [
          `${both.map(({ id }) => id).join(", ")} is on both sides: what it says of itself is no change.`,
        ];
  if (!byClock || isTimeless(base.run) || isTimeless(candidate.run)) return same;
  if (!isRepeated(pair)) {
    return [
      ...same,
      "Two runs made at different times: an interval tells how the rounds of its own run vary, and the ratio holds whatever else the host did in between. What the bridge did with the frames can be compared; times need several runs a side, or `bench --vs`, which measures both in one run.",
    ];
  }
  return [...same, ...oneAfterOther(base, candidate)];
}

/** Runs of one side that were all made before those of the other share what the host was like then. */
function oneAfterOther(base: Labelled, candidate: Labelled): string[] {
  const order = [base, candidate].toSorted((a, b) => (startOf(a) < startOf(b) ? -1 : 1));
  const [earlier, later] = order;
  if (earlier === undefined || later === undefined || endOf(earlier) > startOf(later)) return [];
  return [
    `All runs of ${earlier.label} (to ${endOf(earlier)}) were made before those of ${later.label} (from ${startOf(later)}): what changed on the host in between is in the ratio too. Make the runs of both in turn, or use \`bench --vs\`.`,
  ];
}

/** ISO 8601 in UTC, which sorts as it reads. */
function startOf({ runs }: Labelled): string {
  return runs.map(({ startedAt }) => startedAt).toSorted()[0] ?? "";
}

function endOf({ runs }: Labelled): string {
  return (
    runs
      .map(({ startedAt }) => startedAt)
      .toSorted()
      .at(-1) ?? ""
  );
}

function timeless({ run, label }: Labelled): string[] {
  if (!isTimeless(run)) return [];
  return [
    `${label} was measured by wall clock under qemu's TCG: its times mean nothing and get no verdict. Decisions, copies, books and functions can be compared; --clock icount compares instructions.`,
  ];
}

function unfinished(side: Labelled): string[] {
  return side.runs.flatMap((run) =>
    run.state === "complete" ? [] : [`The run of ${nameOf(side, run)} is ${run.state}.`],
  );
}

function nameOf({ runs, label }: Labelled, run: Run): string {
  return runs.length === 1 ? label : `${label}, ${run.id},`;
}

function boots(base: Labelled, candidate: Labelled): string[] {
  if ([base, candidate].some(({ run }) => run.environment.clock !== "icount")) return [];
  const [a, b] = [bootsOf(base), bootsOf(candidate)];
  if (a === null || b === null) return [];
  const single = [base, candidate]
    .filter((side) => (bootsOf(side) ?? 0) < 2)
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
function bootsOf(side: Labelled): number | null {
  const ids = new Set(side.runs.flatMap((run) => run.cases.map(({ id }) => id)));
  const each = [...ids].map((id) => {
    const boots = casesNamed(side, id).flatMap(({ run, item }) =>
      item.rounds.flatMap((round) => (round.discarded === null ? [bootOf(run, round)] : [])),
    );
    return new Set(boots).size;
  });
  return each.length === 0 ? null : Math.min(...each);
}

function books(side: Labelled): string[] {
  return side.runs.flatMap((run) => {
    const open = run.cases.filter((item) => (item.bridge?.unaccounted ?? 0) > 0);
    if (open.length === 0) return [];
    const ids = open.map((item) => item.id).join(", ");
    return [`The books of ${nameOf(side, run)} do not balance: ${ids}.`];
  });
}

/** What disturbed the pairs of a session, as a value and with what to do next. */

interface Limit {
  /** Of one side of one session; null where the kernel does not tell. */
  value(noise: Disturbance, seconds: number): number | null;
  above: number;
  text(value: number): string;
}

/** Above these something is worth a word; each side's own value stands in the document. */
const LIMITS: readonly Limit[] = [
  {
    value: ({ steal }) => steal,
    above: 0.02,
    text: (share) =>
      `the hypervisor took ${percent(share)} of the CPU time; measure on a host of your own, or longer`,
  },
  {
    value: ({ softnetDrops }) => softnetDrops,
    above: 0,
    text: (drops) =>
      `${drops} frames were dropped from a full backlog; raise net.core.netdev_max_backlog, or send at a --rate`,
  },
  {
    value: ({ involuntarySwitches }, seconds) =>
      seconds > 0 ? involuntarySwitches / seconds : null,
    above: 100,
    text: (rate) =>
      `the sender was taken off its CPU ${Math.round(rate)} times a second; \`top\` shows who competes, and --cpus gives the sender another CPU`,
  },
  {
    value: ({ pressure }) => pressure,
    above: 0.25,
    text: (share) =>
      `tasks waited for a CPU in ${percent(share)} of the time; end what else is running, or give a longer --budget`,
  },
  {
    value: ({ autocorrelation }) => autocorrelation,
    above: 0.5,
    text: (value) =>
      `a round says much of the next one (lag-1 autocorrelation ${value.toFixed(2)}): the host drifts, and these rounds are worth something in their pairs alone`,
  },
];

/** One sentence a case and disturbance, with the worst value of both sides. */
export function disturbed(pair: Pair): string[] {
  return casesOf(pair).flatMap(({ id, base, candidate }) => {
    const sessions = [...(base?.sessions ?? []), ...(candidate?.sessions ?? [])];
    const found = LIMITS.flatMap(({ value, above, text }) => {
      const values = sessions.map((one) => value(one.noise, (one.pairs * one.roundNs) / 1e9));
      const worst = Math.max(...values.map((one) => one ?? Number.NEGATIVE_INFINITY));
      return worst > above ? [`${id}: ${text(worst)}.`] : [];
    });
    return [...(base?.sessions ?? []).flatMap((one) => unsettled(id, one)), ...found];
  });
}

function unsettled(id: string, { settled, warmUp, stopped }: Session): string[] {
  if (settled || stopped === "failed" || stopped === "interrupted") return [];
  return [
    `${id}: the end of the warm-up was not found within ${warmUp} pairs, so they were all left out: something on this host drifts; give a longer --budget, or measure at a quieter hour.`,
  ];
}

function percent(share: number): string {
  return `${(share * 100).toPrecision(2)} %`;
}
