/** Which round each sample of a metric belongs to. */
import type { Case, Round } from "../document/run.ts";

export interface PairedSample {
  readonly value: number;
  /** null where the document does not pair samples with rounds. */
  readonly round: Round | null;
}

/** The samples of a metric in their order, with the rounds `off` that they are of; discarded ones may have left theirs out. */
export function pairedSamples(item: Case, metric: string): PairedSample[] {
  const values = item.metrics[metric]?.samples ?? [];
  const off = item.rounds.filter((round) => round.side === "off");
  const kept = off.filter((round) => round.discarded === null);
  const rounds = [off, kept].find((some) => some.length === values.length);
  return values.map((value, index) => ({ value, round: rounds?.[index] ?? null }));
}

/** Those of rounds that count. */
export function countedSamples(item: Case, metric: string): PairedSample[] {
  return pairedSamples(item, metric).filter(({ round }) => !round?.discarded);
}
