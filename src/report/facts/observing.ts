/** What observing did to the workload, and what each probe program cost over the cases that ran it. */
import type { Case, Probe } from "../../document/run.ts";
import { digits } from "../../text/units.ts";

/** `2.44x slower (2.17 .. 3.13) while everything was counted`; null where the run did not measure it. */
export function slowdownOf({ probe }: Case): string | null {
  const slowdown = probe?.slowdown ?? null;
  if (slowdown === null) return null;
  const { value, ci } = slowdown;
  const words = ci[0] > 1 ? "slower" : "the time";
  return `${digits(value)}x ${words} (${ci.map(digits).join(" .. ")}) while everything was counted`;
}

export interface Gap {
  /** One or several that have no times for the same reason: `veth.in, path`. */
  readonly stages: string;
  readonly reason: string;
}

/** Stages without times, those of one reason together. */
export function gapsOf({ notObservable }: Probe): Gap[] {
  const reasons = [...new Set(notObservable.map(({ reason }) => reason))];
  return reasons.map((reason) => {
    const mine = notObservable.filter((gap) => gap.reason === reason);
    return { stages: mine.map(({ stage }) => stage).join(", "), reason };
  });
}

export interface ProgramCost {
  readonly name: string;
  readonly events: number;
  /** Net cost with its unit, a range where cases differ; words where no case has a figure. */
  readonly nsPerEvent: string;
}

/** The busiest program first. */
export function programCosts(probes: readonly Probe[]): ProgramCost[] {
  const names = [...new Set(probes.flatMap((probe) => probe.programs.map(({ name }) => name)))];
  const costs = names.map((name) => {
    const all = probes.flatMap((probe) => probe.programs.filter((one) => one.name === name));
    const known = all.flatMap((one) => (one.nsPerEvent === null ? [] : [one.nsPerEvent]));
    return {
      name,
      events: all.reduce((sum, one) => sum + one.events, 0),
      nsPerEvent: known.length === 0 ? "too few events" : `${range(known)} ns`,
    };
  });
  return costs.toSorted((a, b) => b.events - a.events);
}

function range(values: readonly number[]): string {
  const low = digits(Math.min(...values));
  const high = digits(Math.max(...values));
  return low === high ? low : `${low} .. ${high}`;
}
