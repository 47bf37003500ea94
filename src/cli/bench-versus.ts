import { join } from "node:path";
import type { FileJournal } from "../bench/journal/journal.ts";
import { planVersus, type VersusPlan, versusNs } from "../bench/versus/plan.ts";
import { runVersus, stepsOf, type Versus } from "../bench/versus/run.ts";
import { SIDES } from "../bench/versus/sides.ts";
import { requirePrerequisites } from "../doctor/index.ts";
import type { Run } from "../document/run.ts";
import { COMPARISON_FORMATS, renderComparison } from "../report/comparison.ts";
import { progressHead, progressWords } from "../report/progress.ts";
import { checkFolder, pointLatest, REPORTS, writeReports, writeRun } from "../store/write.ts";
import { UsageError } from "../system/errors.ts";
import { dropPrivileges } from "../system/privilege.ts";
import { plural } from "../text/units.ts";
import type { KernelOptions } from "./bench-kernels.ts";
import { forgetJournal, type Going, howToGoOn, journalOf, resumption } from "./bench-resume.ts";
import { exitStatus, failOnOf, marginOf } from "./compare.ts";
import { githubMargin, tellGithub } from "./github.ts";
import { onInterrupt } from "./interrupt.ts";
import { progressLine } from "./progress.ts";
import { terminalOptions } from "./terminal.ts";

export interface VersusOptions extends KernelOptions {
  vs?: string;
  baseSetup?: string;
  baseTeardown?: string;
  candidateSetup?: string;
  candidateTeardown?: string;
  margin?: string;
  failOn?: string;
}

const FAILED = 1;

/** `bench --vs …`: two variants in pairs, a document a side, and the verdicts. */
export async function benchVersus(
  planName: string | undefined,
  options: VersusOptions,
  going: Going | null,
): Promise<void> {
  const plan = planOf(planName, options);
  const failOn = failOnOf(options.failOn);
  await requirePrerequisites("bench");
  checkFolder(options.out ?? REPORTS);
  const say = (text: string) => void process.stderr.write(`${text}\n`);
  say(going === null ? announcement(plan) : resumption(going.resumed, plan.cases.length));
  const github = githubMargin();
  if (options.margin === undefined && github !== undefined) say(github.why);
  const line = progressLine();
  const interruption = onInterrupt(() => {
    line.end();
    say("interrupted: keeping the finished pairs; once more ends at once");
  });
  let folder = options.out ?? REPORTS;
  let journal: FileJournal | null = null;
  const open = (run: Run) => {
    folder = options.out ?? join(REPORTS, run.id);
    const kept = { of: "versus", plan: stepsOf(plan), planName, options, going } as const;
    journal = journalOf(kept, run, folder, say);
    return journal;
  };
  try {
    const versus = await runVersus(plan, {
      argv: ["bridgescope", ...process.argv.slice(2)],
      signal: interruption.signal,
      openJournal: open,
      resumed: going?.resumed,
      onProgress: (step) => line.update(progressHead(step), progressWords(step)),
    });
    line.end();
    dropPrivileges();
    const paths = write(versus, folder);
    tellGithub(versus.comparison);
    const format = options.json ? "json" : "terminal";
    process.stdout.write(renderComparison(format, versus.comparison, terminalOptions()));
    say(paths.join("\n"));
    if (versus.base.state === "interrupted") say(howToGoOn(folder));
    else forgetJournal(going, folder);
    if (options.out === undefined) pointLatest(folder, say);
    const failed = SIDES.some((side) => versus[side].state === "failed");
    process.exitCode =
      interruption.exitCode() ?? (failed ? FAILED : exitStatus(versus.comparison, failOn));
  } finally {
    (journal as FileJournal | null)?.close();
    line.end();
    interruption.release();
  }
}

function planOf(
  planName: string | undefined,
  { margin, failOn: _failOn, out: _out, json: _json, ...request }: VersusOptions,
): VersusPlan {
  if (planName !== undefined) {
    throw new UsageError(
      `--vs compares one --topology with another: it takes no plan ("${planName}")`,
    );
  }
  for (const name of ["kernel", "clock", "probeEffect", "setup", "teardown"] as const) {
    if (request[name] === undefined) continue;
    const word = name === "probeEffect" ? "probe-effect" : name;
    const instead = name === "setup" || name === "teardown" ? `: say --base-${name}` : "";
    throw new UsageError(`--${word} does not go with --vs${instead}`);
  }
  const share = margin === undefined ? githubMargin()?.share : marginOf(margin);
  return planVersus({ ...request, margin: share });
}

function announcement(plan: VersusPlan): string {
  const seconds = Math.ceil(versusNs(plan) / 1e9);
  const cases = plural(plan.cases.length, "case");
  return `${plan.labels.candidate} against ${plan.labels.base}: ${cases}, at most ${seconds} s, and as long again for a case in which a change is found`;
}

function write(versus: Versus, folder: string): string[] {
  return [
    ...SIDES.flatMap((side) => writeRun(versus[side], join(folder, side))),
    ...writeReports(folder, COMPARISON_FORMATS, versus.comparison),
  ];
}
