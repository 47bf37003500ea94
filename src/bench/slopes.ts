import type { Slopes } from "../document/run.ts";
import type { BuiltLab } from "../setup/lab.ts";
import { readLab } from "../setup/read-lab.ts";
import { waitUntilReady } from "../setup/ready.ts";
import { standUp } from "../setup/stand.ts";
import { differences } from "../setup/verify.ts";
import { medianOverRounds } from "../stats/bootstrap.ts";
import { ratioOfPairs } from "../stats/pairs.ts";
import { shuffled } from "../stats/random.ts";
import { slopeOverRounds } from "../stats/slope.ts";
import { BridgescopeError, PrerequisiteError } from "../system/errors.ts";
import { sentence } from "./case-document.ts";
import type { CaseContext, PlannedCase, SlopePlan } from "./plan.ts";
import type { Driver } from "./workloads/workload.ts";

type Context = Pick<CaseContext, "signal" | "seed" | "cpus" | "progress" | "finished">;

/** A case whose lab stands, with what was measured so far. */
interface Standing {
  id: string;
  driver: Driver;
  samples: number[];
  lossy: boolean;
}

/**
 * Measures what one more port, entry or rule costs. All labs stand at once and no probe is attached; each
 * round measures every case once, in random order, so that what drifts on the host is the same for all.
 * Never throws: what this kernel cannot build has a reason instead of a number, and what failed has an error
 * beside the rounds that were whole. Interrupted, those rounds are all there is.
 */
export async function measureSlopes(plan: SlopePlan, context: Context): Promise<Slopes> {
  const { signal, seed } = context;
  const labs = new Map<string, BuiltLab>();
  const standing = new Map<string, Standing>();
  const refused = new Map<string, string>();
  let failure: string | null = null;
  try {
    for (const planned of plan.cases) {
      signal.throwIfAborted();
      context.progress(`building ${planned.topology.label}`);
      try {
        const lab = labs.get(planned.topology.label) ?? (await build(planned, signal));
        labs.set(planned.topology.label, lab);
        standing.set(planned.id, await stand(planned, lab, context));
      } catch (error) {
        if (!(error instanceof PrerequisiteError)) throw error;
        refused.set(planned.id, error.message);
      }
    }
    await rounds(plan, [...standing.values()], context);
  } catch (error) {
    if (!signal.aborted) failure = sentence(error);
  } finally {
    for (const { driver } of standing.values()) await driver.close();
    for (const lab of labs.values()) await lab.close();
  }
  return slopesOf(plan, standing, refused, { seed, cpu: context.cpus[0] ?? 0, error: failure });
}

async function build({ topology }: PlannedCase, signal: AbortSignal): Promise<BuiltLab> {
  // Slopes are of labs of ours, which end without a word.
  const lab = await standUp(topology, { signal, warn: () => {} });
  try {
    await waitUntilReady(lab, signal);
    const wrong = differences(topology, await readLab(lab));
    if (wrong.length === 0) return lab;
    throw new BridgescopeError(`the kernel built another lab: ${wrong.join("; ")}`);
  } catch (error) {
    await lab.close();
    throw error;
  }
}

async function stand(planned: PlannedCase, lab: BuiltLab, context: Context): Promise<Standing> {
  const { options, workload, id } = planned;
  const { signal, cpus } = context;
  const driver = await workload.prepare({ lab, options, cpus, signal });
  return { id, driver, samples: [], lossy: false };
}

async function rounds(
  plan: SlopePlan,
  cases: readonly Standing[],
  context: Context,
): Promise<void> {
  const order = shuffled(context.seed);
  for (const { driver } of cases) await driver.round(plan.roundNs);
  for (let round = 1; round <= plan.rounds; round++) {
    context.progress(`round ${round} of ${plan.rounds}, ${cases.length} labs`);
    const measured = new Map<Standing, { ns: number; loss: number }>();
    for (const one of order(cases)) {
      context.signal.throwIfAborted();
      const { metrics } = await one.driver.round(plan.roundNs);
      measured.set(one, {
        ns: metrics.ns_per_frame ?? Number.NaN,
        loss: metrics.frame_loss ?? 0,
      });
    }
    for (const [one, { ns, loss }] of measured) {
      one.samples.push(ns);
      one.lossy ||= loss > 0;
    }
    context.finished(round, {});
  }
}

function slopesOf(
  plan: SlopePlan,
  standing: ReadonlyMap<string, Standing>,
  refused: ReadonlyMap<string, string>,
  { seed, cpu, error }: { seed: number; cpu: number; error: string | null },
): Slopes {
  const cases = [...standing.values()].map(({ id, samples, lossy }) => ({ id, samples, lossy }));
  const samplesOf = (id: string) => standing.get(id)?.samples ?? [];
  return {
    metric: "ns_per_frame",
    unit: "ns",
    roundNs: plan.roundNs,
    cpu,
    error,
    cases,
    tax: taxOf(plan.tax, samplesOf, seed),
    per: plan.per.map((series) => {
      const reason = series.cases.map((id) => refused.get(id)).find((text) => text !== undefined);
      const estimate =
        reason === undefined
          ? slopeOverRounds(series.counts, series.cases.map(samplesOf), seed)
          : null;
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

function taxOf(
  [base, candidate]: SlopePlan["tax"],
  samplesOf: (id: string) => number[],
  seed: number,
): Slopes["tax"] {
  const [a, b] = [samplesOf(candidate), samplesOf(base)];
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
