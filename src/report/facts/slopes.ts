/** What one more port, entry or rule costs a frame, and the bridge tax, in words. */
import type { Run, Slopes } from "../../document/run.ts";
import { digits, quantity } from "../../text/units.ts";

export const SLOPE_WORDS =
  "All labs stood at once, each round measured every one of them in random order, and no probe was attached.";

export interface SlopeRow {
  /** `port`, with the workload that was driven. */
  readonly what: string;
  readonly workload: string;
  /** Nanoseconds a frame for one more. */
  readonly value: string;
  readonly interval: string;
  /** Why there is no number; null where there is one. */
  readonly reason: string | null;
  readonly cases: readonly string[];
}

export function slopeRows({ slopes }: Run): SlopeRow[] {
  return (slopes?.per ?? []).map(({ what, workload, value, ci, cases, reason }) => ({
    what: `one more ${what}`,
    workload,
    value: value === null ? "none" : `${digits(value)} ns`,
    interval: ci === null ? "-" : `${digits(ci[0])} .. ${digits(ci[1])}`,
    reason: value === null ? (reason ?? "not measured") : null,
    cases,
  }));
}

export interface SlopeSentence {
  readonly level: "alarm" | "caution" | "result";
  readonly kind: string;
  readonly text: string;
}

/** The tax, and what went wrong. */
export function slopeSentences({ slopes }: Run): SlopeSentence[] {
  if (slopes === undefined) return [];
  const { tax, error } = slopes;
  const lossy = slopes.cases.filter((one) => one.lossy).map((one) => one.id);
  const lost = `Frames were lost in ${lossy.join(", ")}: a frame that is lost on its way costs less.`;
  return [
    ...(tax === null
      ? []
      : [{ level: "result" as const, kind: "bridge tax", text: taxSentence(tax) }]),
    ...(lossy.length === 0 ? [] : [{ level: "caution" as const, kind: "loss", text: lost }]),
    ...(error === null
      ? []
      : [{ level: "alarm" as const, kind: "slopes", text: `Not finished: ${error}` }]),
  ];
}

function taxSentence(tax: NonNullable<Slopes["tax"]>): string {
  const [low, high] = tax.ci;
  const [least, most] = tax.differenceCi;
  return `The bridge tax: ${tax.candidate} takes ${digits(tax.ratio)} times the CPU time a frame of ${tax.base} (interval ${digits(low)} .. ${digits(high)}), ${quantity(tax.difference, "ns")} more (${digits(least)} .. ${digits(most)} ns).`;
}
