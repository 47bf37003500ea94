import type { Evidence } from "../facts/findings.ts";

/** The id of the element that holds the evidence; made of our words and numbers only. */
export function anchorOf(evidence: Evidence): string {
  if (evidence.part === "run") return "environment";
  return evidence.index === null ? evidence.part : `${evidence.part}-${evidence.index}`;
}
