import { dirname, join } from "node:path";
import { Command } from "commander";
import { isWhole, timesHold } from "../bench/fold/faults.ts";
import { PLAN_NAMES } from "../bench/plan/named-plans.ts";
import { WORKLOADS } from "../bench/workloads/index.ts";
import { requirePrerequisites } from "../doctor/index.ts";
import type { Comparison } from "../document/compare.ts";
import type { RunEvent } from "../document/event.ts";
import type { Run } from "../document/run.ts";
import { COMPARISON_FORMATS, renderComparison } from "../report/comparison.ts";
import { renderRunJson } from "../report/exports/json.ts";
import { progressHead, progressWords } from "../report/progress.ts";
import { renderTerminal } from "../report/terminal/run.ts";
import {
  checkResumable,
  findJournal,
  type Journal,
  type JournalHead,
  openJournal,
  removeJournal,
  reopenJournal,
  type StoredJournal,
} from "../store/journal.ts";
import { checkFolder, pointLatest, REPORTS, writeReports, writeRun } from "../store/write.ts";
import { UsageError } from "../system/errors.ts";
import { dropPrivileges } from "../system/privilege.ts";
import { printable } from "../text/printable.ts";
import { plural } from "../text/units.ts";
import { type BenchExperiment, type BenchOutcome, EXPERIMENTS } from "./bench-modes.ts";
import {
  BENCH_OPTIONS,
  type BenchMode,
  type BenchOptions,
  modeOf,
  TIME_CHECK,
} from "./bench-options.ts";
import { bisectStatus, SKIP } from "./bisect.ts";
import { exitStatus, failOnOf, warnInconclusive } from "./compare.ts";
import { githubMargin, tellGithub } from "./github.ts";
import { onInterrupt } from "./interrupt.ts";
import { addOptions } from "./options.ts";
import { progressLine } from "./progress.ts";
import { terminalOptions } from "./terminal.ts";

const FAILED = 1;

/** What root would run for the sake of a file: asked for on the command line alone. */
const COMMANDS = [
  ...(["setup", "teardown", "setupLimit", "baseSetup", "baseTeardown"] as const),
  ...(["candidateSetup", "candidateTeardown"] as const),
];
const NOT_KEPT = new Set<string>(["out", "json", "resume", ...COMMANDS]);

export function benchCommand(): Command {
  const width = Math.max(...WORKLOADS.map(({ name }) => name.length)) + 2;
  const workloads = WORKLOADS.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`);
  const command = new Command("bench")
    .description("run a plan: build each lab, drive it, and report what the kernel saw")
    .argument("[plan]", `${PLAN_NAMES.join(", ")}, or a YAML file (quick)`)
    .addHelpText("after", `\nWorkloads:\n${workloads.join("\n")}\n`)
    .action(bench);
  return addOptions(command, BENCH_OPTIONS);
}

async function bench(
  planName: string | undefined,
  options: BenchOptions,
  command: Command,
): Promise<void> {
  const mode = modeOf(command);
  if (mode !== "resume") {
    const experiment = experimentOf(mode, planName, options);
    return experiment === null ? undefined : carryOut(experiment, planName, options, null);
  }
  if (planName !== undefined) throw new UsageError("--resume takes the run's own plan: name none");
  const stored = storedRun(options.resume ?? "");
  const { head, path } = stored;
  const request: BenchOptions = { ...head.request };
  for (const name of COMMANDS) {
    const given = options[name];
    if (given !== undefined) Object.assign(request, { [name]: given });
  }
  const { seed } = head.run.provenance;
  Object.assign(request, { seed: String(seed), out: dirname(path), json: options.json });
  const plan = head.plan ?? undefined;
  await carryOut(EXPERIMENTS[head.mode]({ planName: plan, ...request }), plan, request, stored);
}

/** Null where `git bisect run` asked and cannot be answered, whatever the reason: any other status would be a verdict. */
function experimentOf(
  mode: Exclude<BenchMode, "resume">,
  planName: string | undefined,
  options: BenchOptions,
): BenchExperiment | null {
  try {
    return EXPERIMENTS[mode]({ planName, ...options });
  } catch (error) {
    if (options.bisect !== true) throw error;
    say(`bridgescope: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = SKIP;
    return null;
  }
}

/** The same for whatever was asked: run it, keep a journal meanwhile, write what it found, and say what that means. */
async function carryOut(
  experiment: BenchExperiment,
  planName: string | undefined,
  options: BenchOptions,
  stored: StoredJournal | null,
): Promise<void> {
  const onTimeCheck = options.failOn === TIME_CHECK;
  const failOn = failOnOf(onTimeCheck ? undefined : options.failOn);
  if (experiment.mode !== "kernel") await requirePrerequisites("bench");
  checkFolder(options.out ?? REPORTS);
  say(stored === null ? experiment.announcement : resumption(stored, experiment.steps.length));
  const github = experiment.mode === "vs" ? githubMargin() : undefined;
  if (github !== undefined && options.margin === undefined) say(github.why);
  const resume = stored === null ? null : resumeEvent(stored);
  const line = progressLine();
  const interruption = onInterrupt(() => {
    line.end();
    say("interrupted: keeping what is finished; once more ends at once");
  });
  let folder = options.out ?? REPORTS;
  let journal: Journal | null = null;
  const onBegin = (begun: Run) => {
    folder = options.out ?? join(REPORTS, begun.id);
    if (stored !== null) {
      checkResumable(stored, experiment.steps, begun.environment.kernel);
      journal = reopenJournal(stored, say);
      if (resume !== null) journal.enter(resume);
    }
    return (event: RunEvent) => {
      // A run that begins has nothing to keep until something is done.
      journal ??= newJournal(folder, headOf(experiment, begun, planName, options));
      journal.enter(event);
    };
  };
  try {
    const outcome = await experiment.run({
      argv: ["bridgescope", ...process.argv.slice(2)],
      signal: interruption.signal,
      onBegin,
      onProgress: (step) => line.update(progressHead(step), progressWords(step)),
      say: (head, words) => line.update(head, words),
      resumed:
        stored === null || resume === null
          ? undefined
          : { begun: stored.head.run, events: [...stored.events, resume] },
    });
    line.end();
    dropPrivileges();
    const paths = write(outcome, folder);
    if (outcome.comparison !== null) tellGithub(outcome.comparison);
    process.stdout.write(rendered(outcome, options.json === true));
    if (paths.length > 0) say(paths.join("\n"));
    if (outcome.comparison !== null) warnInconclusive(outcome.comparison);
    if (options.out === undefined && paths.length > 0) pointLatest(folder, say);
    if (outcome.failure !== null) throw outcome.failure;
    if (outcome.hint !== null) say(outcome.hint);
    const path = (journal as Journal | null)?.path;
    if (outcome.runs.some(({ run }) => run.state === "interrupted")) say(howToResume(folder));
    else if (path !== undefined) removeJournal(path);
    process.exitCode =
      interruption.exitCode() ??
      statusOf(outcome, { bisect: options.bisect === true, failOn, onTimeCheck });
  } catch (error) {
    line.end();
    const begun = (journal as Journal | null)?.path;
    // A request that is refused has nothing that could be resumed.
    if (error instanceof UsageError && stored === null && begun !== undefined) removeJournal(begun);
    if (experiment.mode === "kernel" && journal !== null) say(howToResume(folder));
    const code = interruption.exitCode();
    if (code !== null) process.exitCode = code;
    else if (options.bisect) {
      say(`bridgescope: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = SKIP;
    } else throw error;
  } finally {
    (journal as Journal | null)?.close();
    interruption.release();
  }
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

function newJournal(folder: string, head: Omit<JournalHead, "schema">): Journal {
  const journal = openJournal(folder, say);
  journal.head(head);
  return journal;
}

function headOf(
  { mode, steps }: BenchExperiment,
  run: Run,
  planName: string | undefined,
  options: BenchOptions,
): Omit<JournalHead, "schema"> {
  const request = Object.fromEntries(
    Object.entries(options).filter(([name, value]) => value !== undefined && !NOT_KEPT.has(name)),
  );
  return { mode, plan: planName ?? null, request, steps, run };
}

/** The run that is to go on; throws a UsageError where there is none at that path. */
function storedRun(path: string): StoredJournal {
  const stored = findJournal(path);
  if (stored !== null) return stored;
  throw new UsageError(
    `no run to resume at ${printable(path)}: expected a folder of reports with a journal.ndjson, which a run has until it is complete`,
  );
}

function resumeEvent({ events }: StoredJournal): RunEvent {
  return { act: "resume", at: events.at(-1)?.at ?? 0, time: new Date().toISOString() };
}

/** One line on what is finished of so many cases, and what is not. */
function resumption({ head, events }: StoredJournal, cases: number): string {
  const of = (act: RunEvent["act"]) => events.filter((event) => event.act === act).length;
  const inHand = events.slice(events.findLastIndex(({ act }) => act === "begin"));
  const rounds = inHand.some(({ act }) => act === "end")
    ? 0
    : inHand.filter(({ act }) => act === "measure").length;
  const unit = head.mode === "vs" ? "pair" : "round";
  const more = rounds === 0 ? "" : ` and ${plural(rounds, unit)} of the next`;
  const done =
    head.mode === "kernel"
      ? plural(of("boot"), "boot")
      : `${of("end")} of ${plural(cases, "case")}${more}`;
  return `resuming run ${head.run.id}: ${done} finished`;
}

function howToResume(folder: string): string {
  return `resume with \`bridgescope bench --resume ${folder}\``;
}

function write({ runs, comparison }: BenchOutcome, folder: string): string[] {
  return [
    ...runs.flatMap((one) => writeRun(one.run, join(folder, one.folder))),
    ...(comparison === null ? [] : writeReports(folder, COMPARISON_FORMATS, comparison)),
  ];
}

function rendered({ runs, comparison }: BenchOutcome, json: boolean): string {
  if (comparison !== null) {
    return renderComparison(json ? "json" : "terminal", comparison, terminalOptions());
  }
  const [only] = runs;
  if (only === undefined) return "";
  return json ? renderRunJson(only.run) : renderTerminal(only.run, terminalOptions());
}

function statusOf(
  { runs, comparison }: BenchOutcome,
  {
    bisect,
    failOn,
    onTimeCheck,
  }: { bisect: boolean; failOn: ReturnType<typeof failOnOf>; onTimeCheck: boolean },
): number {
  const whole = runs.every(({ run }) => isWhole(run));
  if (bisect) return !whole || comparison === null ? SKIP : bisectStatus(comparison as Comparison);
  if (!whole) return FAILED;
  const gated = runs.filter(({ run }) => onTimeCheck || run.truth !== undefined);
  if (!gated.every(({ run }) => timesHold(run))) return FAILED;
  return comparison === null ? 0 : exitStatus(comparison, failOn);
}
