import { randomInt } from "node:crypto";
import { environment } from "../../doctor/index.ts";
import { SELFTEST_SCHEMA, type Selftest, type SelftestPart } from "../../document/selftest.ts";
import { ALPHA } from "../../stats/compare/headlines.ts";
import { findingsOf, headlinesOf, isChange, isFlagged } from "../../stats/compare/paired.ts";
import { summarize } from "../../stats/selftest.ts";
import { threadCpus } from "../../system/libc.ts";
import { version } from "../../system/version.ts";
import { emptyCase, sentence } from "../case-document.ts";
import { planVersus } from "./plan.ts";
import { measureOnce } from "./run.ts";

/** What is compared, how often, and how long each measurement may take. */
export interface SelftestStep {
  what: string;
  base: string;
  candidate: string;
  comparisons: number;
  budgetNs: number;
}

export interface SelftestOptions {
  argv: readonly string[];
  seed: number | undefined;
  signal: AbortSignal;
  progress(step: SelftestStep, done: number): void;
}

const WORKLOAD = "forward";

/**
 * The steps of a self-test: a variant with itself, then changes of the kernel's path that are really there. A
 * firewall rule that never matches costs every frame the same few nanoseconds, of which one rule more is about
 * 1 %; the bridge's netfilter hooks are some 15 %.
 */
export function selftestSteps(comparisons: number, trials: number): SelftestStep[] {
  const rules = (count: number) => `bridge:4,nft_rules=${count}`;
  return [
    { what: "the same twice", base: "bridge:4", candidate: "bridge:4", comparisons, budgetNs: 6e9 },
    {
      what: "the bridge's netfilter hooks",
      base: "bridge:4",
      candidate: "bridge:4,nf_call=1",
      comparisons: trials,
      budgetNs: 6e9,
    },
    {
      what: "two firewall rules more",
      base: rules(10),
      candidate: rules(12),
      comparisons: trials,
      budgetNs: 10e9,
    },
    {
      what: "one firewall rule more",
      base: rules(10),
      candidate: rules(11),
      comparisons: trials,
      budgetNs: 30e9,
    },
  ];
}

/**
 * Compares again and again, as `bench --vs` does with a margin of 0, and counts what is found. Never throws
 * for what a comparison does: what was finished before an error or a signal is in the document.
 */
export async function runSelftest(
  steps: readonly SelftestStep[],
  { argv, seed = randomInt(2 ** 30), signal, progress }: SelftestOptions,
): Promise<Selftest> {
  const startedAt = new Date();
  const began = process.hrtime.bigint();
  const { kernel, cpu } = await environment();
  const parts = steps.map((step): SelftestPart => ({ ...partOf(step), ...summarize([], false) }));
  let error: string | null = null;
  let next = seed;
  try {
    for (const [index, step] of steps.entries()) {
      const part = parts[index];
      for (let done = 0; part !== undefined && done < step.comparisons; done++) {
        signal.throwIfAborted();
        progress(step, done);
        part.comparisons.push(await compareOnce(step, next, signal));
        next += 2;
        Object.assign(part, summarize(part.comparisons, step.base === step.candidate));
      }
    }
  } catch (cause) {
    if (!signal.aborted) error = sentence(cause);
  }
  return {
    schema: SELFTEST_SCHEMA,
    state: signal.aborted ? "interrupted" : error === null ? "complete" : "failed",
    error,
    startedAt: startedAt.toISOString(),
    durationNs: Number(process.hrtime.bigint() - began),
    argv: [...argv],
    version,
    seed,
    kernel: kernel.release,
    cpu: cpu.model,
    alpha: ALPHA,
    parts,
  };
}

function partOf({ what, base, candidate, budgetNs }: SelftestStep) {
  return { what, base, candidate, secondsEach: budgetNs / 1e9, comparisons: [] };
}

async function compareOnce(
  { base, candidate, budgetNs }: SelftestStep,
  seed: number,
  signal: AbortSignal,
): Promise<SelftestPart["comparisons"][number]> {
  const plan = planVersus({ topology: [base], vs: candidate, workload: [WORKLOAD], margin: 0 });
  const [planned] = plan.cases;
  if (planned === undefined) throw new RangeError("a comparison without a case");
  const context = { signal, cpus: threadCpus(), seed, progress: () => {}, finished: () => {} };
  const cases = { base: emptyCase(planned.base), candidate: emptyCase(planned.candidate) };
  const measure = async (measurement: number) => {
    const own = { measurement, seed: seed + measurement - 1, budgetNs };
    await measureOnce(
      planned,
      { ...plan, ...own, pairs: null, roundNs: planned.base.durationNs },
      cases,
      context,
    );
    const session = cases.base.sessions?.[measurement - 1];
    if (session === undefined) throw new RangeError("a measurement without a session");
    return findingsOf(cases.base, cases.candidate, session, {
      margin: 0,
      metrics: headlinesOf(cases.base),
    });
  };
  const first = await measure(1);
  const found = isFlagged(first);
  const again = found ? await measure(2) : [];
  const declared = first.some(
    (one) =>
      isChange(one) &&
      again.some((other) => other.metric === one.metric && other.says === one.says),
  );
  const [headline] = first;
  if (headline?.ratio == null) throw new RangeError("a comparison without a pair");
  const { ratio, ci } = headline.ratio;
  return { seed, pairs: headline.base.length, ratio, ci, p: headline.p, found, declared };
}
