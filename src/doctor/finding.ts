import { printable } from "../text/printable.ts";

/** A job that can be impossible here; every bench builds a lab first. */
export type Job = "lab" | "bench";

export interface Finding {
  /** `<family>/<what was looked at>`, e.g. `tool/bpftrace` */
  id: string;
  status: "ok" | "warning" | "missing";
  /** The job that cannot be done at all while this is missing; null where that costs less. */
  requiredFor: Job | null;
  observed: string;
  /** What it means for bridgescope. */
  meaning: string;
  /** The command that mends it, or null where no command can. */
  remedy: string | null;
}

type Input = Omit<Finding, "requiredFor" | "remedy"> & Partial<Finding>;

/** A finding with what was observed made safe to print. */
export function finding(input: Input): Finding {
  return {
    id: input.id,
    status: input.status,
    requiredFor: input.requiredFor ?? null,
    observed: printable(input.observed),
    meaning: input.meaning,
    remedy: input.remedy ?? null,
  };
}

/** True where a finding makes a job impossible; what a lab needs, a bench needs as well. */
export function prevents(found: Finding, job: Job): boolean {
  if (found.status !== "missing" || found.requiredFor === null) return false;
  return job === "bench" || found.requiredFor === "lab";
}
