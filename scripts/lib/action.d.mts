import type { Comparison } from "../../src/document/compare.ts";

export function benchArguments(env: Record<string, string | undefined>, out: string): string[];
export function overallVerdict(
  comparison: Pick<Comparison, "verdicts">,
): Comparison["verdicts"][number]["verdict"] | "";
