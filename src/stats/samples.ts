/** Which round each sample of a metric belongs to. */
import type { Case, Round } from "../document/run.ts";

export interface PairedSample {
  readonly value: number;
  /** null where the document does not pair samples with rounds. */
  readonly round: Round | null;
}

/**
 * The samples of a metric in their order; discarded rounds may have left theirs out, and so may those
 * with probes on where others had them off.
 */
export function pairedSamples(item: Case, metric: string): PairedSample[] {
  const values = item.metrics[metric]?.samples ?? [];
  const kept = item.rounds.filter((round) => round.discarded === null);
  const undisturbed = kept.filter((round) => round.side === "off");
  const rounds = [item.rounds, kept, undisturbed].find((some) => some.length === values.length);
  return values.map((value, index) => ({ value, round: rounds?.[index] ?? null }));
}

/** Those of rounds that count; where probes were switched on and off, the undisturbed ones. */
export function countedSamples(item: Case, metric: string): PairedSample[] {
  const counted = pairedSamples(item, metric).filter(({ round }) => !round?.discarded);
  const undisturbed = counted.filter(({ round }) => round?.side !== "on");
  return undisturbed.length > 0 ? undisturbed : counted;
}
