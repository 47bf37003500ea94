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
    text: "One run each carries no verdict: how much a number changes from run to run is not known from them. Under qemu's TCG times mean nothing, and are not compared at all.",
  },
  {
    term: "Decisions and copies",
    text: "Shares of the ingress and amplification count as the same when they differ by less than 0.5 %: runs differ in their number of frames.",
  },
];
