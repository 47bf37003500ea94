import { Command } from "commander";
import { integer } from "../bench/plan/request.ts";
import type { SelftestStep } from "../bench/schedules/selftest.ts";
import { runSelftest, selftestSteps } from "../bench/selftest.ts";
import { requirePrerequisites } from "../doctor/index.ts";
import { renderJson } from "../report/exports/json.ts";
import { renderSelftest } from "../report/terminal/selftest.ts";
import { UsageError } from "../system/errors.ts";
import { duration } from "../text/units.ts";
import { onInterrupt } from "./interrupt.ts";
import { progressLine } from "./progress.ts";
import { terminalOptions } from "./terminal.ts";

interface SelftestCommandOptions {
  comparisons: string;
  trials: string;
  seed?: string;
  json?: boolean;
}

const FAILED = 1;
const COMPARISONS = "30";
const TRIALS = "3";

export function selftestCommand(): Command {
  return new Command("selftest")
    .description("how far the verdicts of bench --vs can be trusted on this host")
    .option("--comparisons <n>", "of a variant with itself", COMPARISONS)
    .option("--trials <n>", "of each change that is really there", TRIALS)
    .option("--seed <n>", "draws every random order")
    .option("--json", "print the document on stdout")
    .action(selftest);
}

async function selftest(options: SelftestCommandOptions): Promise<void> {
  const steps = stepsOf(options);
  const seed = integer("--seed", options.seed);
  await requirePrerequisites("bench");
  const say = (text: string) => void process.stderr.write(`${text}\n`);
  const total = steps.reduce((sum, step) => sum + step.comparisons, 0);
  say(`selftest: ${total} comparisons, about ${duration(estimateNs(steps))}`);
  const line = progressLine();
  const interruption = onInterrupt(() => {
    line.end();
    say("interrupted: keeping the finished comparisons; once more ends at once");
  });
  try {
    const document = await runSelftest(steps, {
      argv: ["bridgescope", ...process.argv.slice(2)],
      seed,
      signal: interruption.signal,
      progress: (step, done) => line.update(step.what, progressText(steps, step, done)),
    });
    line.end();
    process.stdout.write(
      options.json ? renderJson(document) : renderSelftest(document, terminalOptions()),
    );
    process.exitCode = interruption.exitCode() ?? (document.state === "failed" ? FAILED : 0);
  } finally {
    line.end();
    interruption.release();
  }
}

function stepsOf(options: SelftestCommandOptions): SelftestStep[] {
  const comparisons = integer("--comparisons", options.comparisons) ?? 0;
  const trials = integer("--trials", options.trials) ?? 0;
  const steps = selftestSteps(comparisons, trials).filter((step) => step.comparisons > 0);
  if (steps.length > 0) return steps;
  throw new UsageError("--comparisons and --trials are both 0: nothing would be compared");
}

/** What is there is measured twice. */
function estimateNs(steps: readonly SelftestStep[]): number {
  return steps.reduce((sum, step) => {
    const times = step.base === step.candidate ? 1 : 2;
    return sum + times * step.comparisons * step.budgetNs;
  }, 0);
}

function progressText(steps: readonly SelftestStep[], step: SelftestStep, done: number): string {
  const left = steps.slice(steps.indexOf(step));
  const rest = left.map((one) =>
    one === step ? { ...one, comparisons: one.comparisons - done } : one,
  );
  return `comparison ${done + 1} of ${step.comparisons}  ${duration(estimateNs(rest))} left`;
}
