import type { MetricName, Probe } from "../document/run.ts";
import type { ProbeBackend } from "../probes/backend.ts";
import type { BuiltLab } from "../setup/lab.ts";
import { ratioOfPairs } from "../stats/paired/ratio.ts";
import { seededRandom } from "../stats/random.ts";
import { observe } from "./observe.ts";
import type { CaseContext, PlannedCase } from "./plan.ts";
import type { Driver } from "./workloads/workload.ts";

/** Where observing shows first, in the order of preference. */
const METRIC_ORDER: readonly MetricName[] = ["ns_per_frame", "rtt_p50", "throughput"];

/**
 * The workload's own number with probes on and off, in pairs of adjacent rounds whose order is drawn
 * at random. Attaching takes a second, so the pairs alternate in seconds.
 */
export async function probeEffect(
  planned: PlannedCase,
  lab: BuiltLab,
  driver: Driver,
  backend: ProbeBackend,
  context: CaseContext,
): Promise<Probe["overhead"]> {
  const random = seededRandom(context.seed);
  const sides: Record<"on" | "off", Partial<Record<MetricName, number>>[]> = { on: [], off: [] };
  const off = async () => {
    sides.off.push((await driver.round(planned.durationNs)).metrics);
  };
  const on = async () => {
    const { session } = await observe(lab, backend, planned, context.signal);
    try {
      session.round(1);
      sides.on.push((await driver.round(planned.durationNs)).metrics);
    } finally {
      await session.kill();
    }
  };
  for (let pair = 1; pair <= planned.probeEffectPairs; pair++) {
    context.progress(`probes on against off, pair ${pair} of ${planned.probeEffectPairs}`);
    for (const measure of random() < 0.5 ? [on, off] : [off, on]) await measure();
  }
  const metric = METRIC_ORDER.find((name) => sides.on[0]?.[name] !== undefined);
  if (metric === undefined) return null;
  const values = (side: "on" | "off") =>
    sides[side].map((metrics) => metrics[metric] ?? Number.NaN);
  return {
    metric,
    on: values("on"),
    off: values("off"),
    ...ratioOfPairs(values("on"), values("off"), context.seed),
  };
}
