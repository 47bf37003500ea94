import { randomInt } from "node:crypto";
import { environment } from "../doctor/index.ts";
import { SELFTEST_SCHEMA, type Selftest, type SelftestPart } from "../document/selftest.ts";
import { ForeignProbes } from "../probes/foreign.ts";
import { ALPHA } from "../stats/compare/headlines.ts";
import { summarize } from "../stats/selftest.ts";
import { threadCpus } from "../system/libc.ts";
import { version } from "../system/version.ts";
import { LabRunner } from "./engine/lab-runner.ts";
import { perform, runClock, sentence } from "./engine/perform.ts";
import { type SelftestStep, selftest } from "./schedules/selftest.ts";

export interface SelftestOptions {
  argv: readonly string[];
  seed: number | undefined;
  signal: AbortSignal;
  progress(step: SelftestStep, done: number): void;
}

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
 * Compares variants again and again and counts what is found. Never throws for what a comparison does: what was
 * finished before an error or a signal is in the document.
 */
export async function runSelftest(
  steps: readonly SelftestStep[],
  { argv, seed = randomInt(2 ** 30), signal, progress }: SelftestOptions,
): Promise<Selftest> {
  const startedAt = new Date();
  const clock = runClock([]);
  const { kernel, cpu } = await environment();
  const parts = steps.map((step): SelftestPart => ({ ...partOf(step), ...summarize([], false) }));
  const told = (index: number, comparison: SelftestPart["comparisons"][number]) => {
    const [part, step] = [parts[index], steps[index]];
    if (part === undefined || step === undefined) return;
    part.comparisons.push(comparison);
    Object.assign(part, summarize(part.comparisons, step.base === step.candidate));
  };
  const foreign = ForeignProbes.open();
  const labs = new LabRunner({ signal, cpus: threadCpus(), backend: null, foreign });
  let error: string | null = null;
  try {
    await perform(selftest(steps, seed, told), {
      earlier: [],
      act: (action) => labs.act(action),
      before: ({ act }) => {
        const index = parts.findIndex((part, at) => part.comparisons.length < wanted(steps, at));
        const [step, part] = [steps[index], parts[index]];
        if (act === "begin" && step && part) progress(step, part.comparisons.length);
      },
      enter: () => {},
      signal,
      now: clock,
    });
  } catch (cause) {
    error = sentence(cause);
  } finally {
    await labs.close();
    foreign?.close();
  }
  return {
    schema: SELFTEST_SCHEMA,
    state: signal.aborted ? "interrupted" : error === null ? "complete" : "failed",
    error,
    startedAt: startedAt.toISOString(),
    durationNs: clock(),
    argv: [...argv],
    version,
    seed,
    kernel: kernel.release,
    cpu: cpu.model,
    alpha: ALPHA,
    parts,
  };
}

function wanted(steps: readonly SelftestStep[], at: number): number {
  return steps[at]?.comparisons ?? 0;
}

function partOf({ what, base, candidate, budgetNs }: SelftestStep) {
  return { what, base, candidate, secondsEach: budgetNs / 1e9, comparisons: [] };
}
