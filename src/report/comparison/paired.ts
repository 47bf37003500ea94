/** What a comparison in pairs, or of several runs a side, says in sentences. Texts are raw and escaped where shown. */
import type { ComparedSession, Verdict } from "../../document/compare.ts";
import type { Disturbance } from "../../document/session.ts";

import { bare, count, duration, percent, plural, quantity } from "../../text/units.ts";
import { neededText, type Part, ratioSpan, ratioText, visibleText } from "./facts.ts";

/** One sentence a headline metric: the verdict, on what it rests, and what this run could have seen. */
export function headlineSentences(part: Part): { verdict: Verdict["verdict"]; text: string }[] {
  return [...part.paired, ...part.repeated]
    .filter((one) => one.exploratory !== true)
    .map((one) => ({ verdict: one.verdict, text: sentenceOf(one) }));
}

function sentenceOf(one: Verdict): string {
  const from = `${bare(one.baseValue, one.unit)} to ${quantity(one.candidateValue, one.unit)}`;
  const level = Number(((1 - (one.alpha ?? 0.05)) * 100).toPrecision(3));
  const ratio =
    one.ratio === null || one.ci === null
      ? ""
      : ` (ratio ${ratioText(one)}, ${level} % interval ${ratioSpan(one)}, ${pText(one.adjustedP)})`;
  return `${one.case} ${one.metric}: ${one.verdict.toUpperCase()}, ${from}${ratio}: ${one.reason}.${againText(one)}${visible(one)}${wayOut(one)}`;
}

function againText({ confirmation }: Verdict): string {
  if (confirmation === null || confirmation === undefined) return "";
  const { ratio, ci, pairs, agrees } = confirmation;
  const span = ci.map((end) => end.toFixed(3)).join(" .. ");
  return ` Measured again: ratio ${ratio.toFixed(3)} (${span}) in ${plural(pairs, "pair")}, which ${agrees ? "agrees" : "does not agree"}.`;
}

function visible(one: Verdict): string {
  if (one.smallestVisible === null) return "";
  const ns = one.smallestVisibleNs;
  const own =
    ns === null || ns === undefined ? "" : `, ${quantity(ns, "ns")} of the path of a frame`;
  return ` Smallest change it could have seen: ${visibleText(one)}${own}.`;
}

function wayOut(one: Verdict): string {
  return one.needed === undefined ? "" : ` A verdict would take about ${neededText(one)}.`;
}

function pText(p: number | undefined): string {
  return p === undefined ? "" : `p ${p < 0.001 ? p.toExponential(0) : p.toPrecision(2)} after Holm`;
}

/** How the pairs were made, one sentence a measurement. */
export function sessionSentences({ sessions }: Part): string[] {
  return sessions.map((one) => {
    const again = one.measurement > 1 ? ", measured again" : "";
    return `${one.case}${again}: ${plural(one.pairs, "pair")} of rounds of ${duration(one.roundNs)} after ${count(one.warmUp)} of warm-up, seed ${one.seed}; ${STOPPED[one.stopped]}.`;
  });
}

const STOPPED: Record<ComparedSession["stopped"], string> = {
  width: "ended because the interval was narrow enough for the margin",
  budget: "ended with its budget",
  pairs: "ended with the pairs that were asked for",
  interrupted: "interrupted",
  failed: "broken off by an error",
};

/** What disturbed each side: title, base, candidate. */
export function noiseRows(one: ComparedSession): [string, string, string][] {
  const { base, candidate } = one.noise;
  const both = (title: string, text: (noise: Disturbance) => string): [string, string, string] => [
    title,
    text(base),
    text(candidate),
  ];
  const share = (value: number | null) => (value === null ? "unreadable" : percent(value, 2));
  return [
    both("CPU time stolen", (noise) => share(noise.steal)),
    both("CPU time in softirqs", (noise) => share(noise.softirq)),
    both("waiting for a CPU (PSI)", (noise) => share(noise.pressure)),
    both("involuntary switches", (noise) => count(noise.involuntarySwitches)),
    both("backlog drops", ({ softnetDrops }) =>
      softnetDrops === null ? "unreadable" : count(softnetDrops),
    ),
    both("autocorrelation, lag 1", ({ autocorrelation }) =>
      autocorrelation === null ? "-" : autocorrelation.toFixed(2),
    ),
  ];
}

/** What is the same for both sides. */
export function hostNoise({ clocksource, governor }: ComparedSession): string {
  return `clock source ${clocksource}, frequency governor ${governor ?? "unreadable"}`;
}
