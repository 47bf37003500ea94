import type { Method } from "../facts/words.ts";

export const COMPARISON_METHODS: readonly Method[] = [
  {
    term: "Ratio and interval",
    text: "Candidate to base. Its interval reaches from the candidate's low end over the base's high end to the candidate's high end over the base's low end: it leaves 1 out exactly when the two intervals do not overlap.",
  },
  {
    term: "Verdict",
    text: "`unchanged` when the ratio's interval lies wholly inside the margin, 1 / (1 + m) to 1 + m; else `regression` or `improvement` when it lies wholly on one side of 1; else `inconclusive`. Visible is the smallest change that intervals of this width could have shown.",
  },
  {
    term: "By the clock",
    text: "One run each carries no verdict: how much a number changes from run to run is not known from them. Of several runs a side the ratio is that of their geometric means, and interval and test are Welch's of the logarithms, a run being what is drawn; 1 % of errors is shared among the cases, p is corrected for ns_per_frame and frame_rate (Holm), and all else is exploratory. Under qemu's TCG times mean nothing, and are not compared at all.",
  },
  {
    term: "Decisions and copies",
    text: "Shares of the ingress and amplification count as the same when they differ by less than 0.5 %: runs differ in their number of frames.",
  },
];

/** Of a comparison whose rounds are pairs. */
export const PAIRED_METHODS: readonly Method[] = [
  {
    term: "In pairs",
    text: "Both labs stand at once, and after some pairs both are built anew, since two labs that were asked to be the same differ by their luck for as long as they stand; a round of each, one right after the other, is a pair, in an order drawn from the seed. The ratio is the median of the pairs' log ratios, its interval a percentile bootstrap, and p a sign-flip permutation test of the signed-rank sum, both over pairs of labs, after Holm over ns_per_frame and frame_rate. Four planned looks spend 1 % of errors between them (Lan and DeMets, alpha t^3); a look ends the measurement when the interval is no wider than the margin, never because of p. A change is declared when a second measurement, with another seed and labs built anew, finds it too. Other metrics are exploratory: they declare nothing.",
  },
];
