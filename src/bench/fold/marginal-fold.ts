import type { EventOf, RunEvent } from "../../document/event.ts";
import type { Slopes } from "../../document/run.ts";
import { medianOverRounds } from "../../stats/bootstrap.ts";
import { ratioOfPairs } from "../../stats/paired/ratio.ts";
import { slopeOverRounds } from "../../stats/slope.ts";
import type { MarginalPlan } from "../plan/plan.ts";

/** What one more port, entry or rule costs, as far as its events tell it. */
export class MarginalFold {
  readonly #plan: MarginalPlan;
  readonly #options: { seed: number; cpu: number };
  readonly #cases = new Map<string, { samples: number[]; lossy: boolean }>();
  readonly #refused = new Map<string, string>();
  #error: string | null = null;

  constructor(plan: MarginalPlan, options: { seed: number; cpu: number }) {
    this.#plan = plan;
    this.#options = options;
  }

  enter(event: RunEvent): void {
    if (event.act === "prepare" && !this.#cases.has(event.driver)) {
      this.#cases.set(event.driver, { samples: [], lossy: false });
    }
    if (event.act === "measure") this.#measured(event);
    if (event.act === "refuse") {
      this.#refused.set(event.id, event.reason);
      this.#error = null;
    }
    if (event.act === "fail") this.#error = event.error;
  }

  document(): Slopes {
    const { roundNs, per, tax } = this.#plan;
    const { seed, cpu } = this.#options;
    return {
      metric: "ns_per_frame",
      unit: "ns",
      roundNs,
      cpu,
      error: this.#error,
      cases: [...this.#cases].map(([id, one]) => ({ id, ...one })),
      tax: this.#overhead(tax),
      per: per.map((series) => {
        const reason = series.cases.map((id) => this.#refused.get(id)).find((one) => one);
        const samples = series.cases.map((id) => this.#samples(id));
        const estimate =
          reason === undefined ? slopeOverRounds(series.counts, samples, seed) : null;
        return {
          ...series,
          value: estimate?.value ?? null,
          ci: estimate?.ci ?? null,
          method: estimate?.method ?? "",
          reason: estimate === null ? (reason ?? "fewer than five whole rounds") : null,
        };
      }),
    };
  }

  #measured({ rounds }: EventOf<"measure">): void {
    for (const { driver, measured } of rounds) {
      const one = this.#cases.get(driver);
      one?.samples.push(measured.metrics.ns_per_frame ?? Number.NaN);
      if (one !== undefined && (measured.metrics.frame_loss ?? 0) > 0) one.lossy = true;
    }
  }

  #samples(id: string): number[] {
    return this.#cases.get(id)?.samples ?? [];
  }

  /** The bridge overhead: one case over another, round by round. */
  #overhead([base, candidate]: MarginalPlan["tax"]): Slopes["tax"] {
    const { seed } = this.#options;
    const [a, b] = [this.#samples(candidate), this.#samples(base)];
    const difference = medianOverRounds(
      a.map((value, round) => value - (b[round] ?? Number.NaN)),
      seed,
    );
    if (difference === null || a.length !== b.length) return null;
    return {
      base,
      candidate,
      ...ratioOfPairs(a, b, seed),
      difference: difference.value,
      differenceCi: difference.ci,
    };
  }
}
