import { join } from "node:path";
import { Command, Option } from "commander";
import { isSound, runPlan } from "../bench/bench.ts";
import type { FileJournal } from "../bench/journal/journal.ts";
import { BACKENDS, estimateNs } from "../bench/plan.ts";
import { planFor } from "../bench/request.ts";
import { runningOf } from "../bench/running.ts";
import { WORKLOADS } from "../bench/workloads/index.ts";
import { WORKLOAD_PARAMETERS } from "../bench/workloads/parameters.ts";
import { requirePrerequisites } from "../doctor/index.ts";
import type { Run } from "../document/run.ts";
import { renderRunJson } from "../report/exports/json.ts";
import { renderTerminal } from "../report/terminal/run.ts";
import { checkFolder, pointLatest, REPORTS, writeRun } from "../store/write.ts";
import { UsageError } from "../system/errors.ts";
import { dropPrivileges } from "../system/privilege.ts";
import { plural } from "../text/units.ts";
import { benchKernels } from "./bench-kernels.ts";
import {
  forgetJournal,
  type Going,
  goingOn,
  howToGoOn,
  journalOf,
  resumption,
} from "./bench-resume.ts";
import { benchVersus, type VersusOptions } from "./bench-versus.ts";
import { FAIL_ON_HELP } from "./compare.ts";
import { functionHint } from "./function-hint.ts";
import { onInterrupt } from "./interrupt.ts";
import { progressLine } from "./progress.ts";
import { terminalOptions } from "./terminal.ts";
import { track } from "./track.ts";

interface BenchOptions extends VersusOptions {
  resume?: string;
}

const FAILED = 1;

export function benchCommand(): Command {
  const workloads = WORKLOADS.map((workload) => `  ${workload.name.padEnd(12)}${workload.summary}`);
  const command = new Command("bench")
    .description("run a plan: build each lab, drive it, and report what the kernel saw")
    .argument("[plan]", "article, quick (the default), or a YAML file")
    .option(
      "--topology <spec>",
      "netns, veth, bridge:N[,option=value…], a YAML file, external or attach:<a>,<b>; repeatable",
      collect,
    )
    .option("--workload <name>", "what to send; repeatable", collect)
    .option("--rounds <n>", "measured rounds of each case")
    .option("--duration <time>", "length of one round: 1, 1s or 500ms")
    .option("--budget <time>", "time for the whole run; decides the rounds")
    .addOption(new Option("--backend <name>", "how the kernel is observed").choices(BACKENDS))
    .option("--network <cidr>", "IPv4 network of the hosts (RFC 2544: 198.18.0.0/15)")
    .option("--setup <json>", "connects `external`: a command and its arguments as a JSON array")
    .option("--teardown <json>", "takes back what --setup made, however the run ends")
    .option("--setup-limit <time>", "after which --setup or --teardown counts as hanging (60s)")
    .option("--probe-effect <pairs>", "also measure with probes on and off, interleaved")
    .option("--seed <n>", "draws every random order")
    .option("--vs <topology>", "the same workloads on this one too, in pairs, with verdicts")
    .option("--base-setup <json>", "with --vs: as --setup, for the base; --vs is external then")
    .option("--base-teardown <json>", "with --vs: as --teardown, for the base")
    .option("--candidate-setup <json>", "with --vs: as --setup, for the candidate")
    .option("--candidate-teardown <json>", "with --vs: as --teardown, for the candidate")
    .option("--margin <share>", "with --vs: the smallest change worth a verdict (2%)")
    .option("--fail-on <verdicts>", `with --vs: ${FAIL_ON_HELP}`)
    .option(
      "--kernel <spec>",
      "run in a guest instead: debian:<suite>, a bzImage or a kernel tree; repeatable, compares",
      collect,
    )
    .option("--modules <folder>", "modules of a kernel that is given as an image")
    .option("--mirror <url>", "where Debian packages for guests come from (this machine's own)")
    .addOption(
      new Option("--clock <name>", "of a guest: wall, or icount (instructions)").choices([
        "wall",
        "icount",
      ]),
    )
    .option("--boots <n>", "boots of each kernel with --clock icount (3)")
    .option("--smp <n>", "CPUs of a guest (1)")
    .option("--baseline <run>", "with --kernel: a stored run to compare with")
    .option("--bisect", "exit status for git bisect run: 0 good, 1 bad, 125 cannot tell")
    .option("--out <folder>", "where run.json and the reports go (reports/<run id>)")
    .option("--resume <run>", "go on with a run that was cut off: its folder, or its journal")
    .option("--json", "print the run document on stdout")
    .option("--cpus <list>", "CPUs for the workloads' threads, e.g. 0,2 or 0-3 (all)")
    .addHelpText("after", `\nWorkloads:\n${workloads.join("\n")}\n`)
    .action(bench);
  for (const { option, help, ...kind } of Object.values(WORKLOAD_PARAMETERS)) {
    command.option(`${option} <${"unit" in kind ? "n" : "name"}>`, help);
  }
  return command;
}

async function bench(planName: string | undefined, options: BenchOptions): Promise<void> {
  if (options.resume !== undefined) {
    if (planName !== undefined)
      throw new UsageError("--resume takes the run's own plan: name none");
    const going = goingOn(options.resume, options);
    const again = { plan: benchHere, versus: benchVersus, kernels: benchKernels };
    return again[going.resumed.head.of](going.planName, going.request, going);
  }
  const sides = ["vs", "baseSetup", "candidateSetup"] as const;
  if (sides.some((name) => options[name] !== undefined))
    return benchVersus(planName, options, null);
  for (const [name, option] of [
    ["margin", "--margin"],
    ["failOn", "--fail-on"],
    ["baseTeardown", "--base-teardown"],
    ["candidateTeardown", "--candidate-teardown"],
  ] as const) {
    if (options[name] !== undefined) throw new UsageError(`${option} goes with --vs`);
  }
  if (options.kernel !== undefined) return benchKernels(planName, options, null);
  return benchHere(planName, options, null);
}

async function benchHere(
  planName: string | undefined,
  options: VersusOptions,
  going: Going | null,
): Promise<void> {
  const clock = ownClock(options);
  const { plan, seed } = planFor(planName, options);
  await requirePrerequisites("bench");
  checkFolder(options.out ?? REPORTS);
  const say = (text: string) => void process.stderr.write(`${text}\n`);
  if (going !== null) say(resumption(going.resumed, plan.cases.length));
  else {
    const seconds = Math.ceil(estimateNs(plan) / 1e9);
    say(`plan ${plan.name}: ${plural(plan.cases.length, "case")}, about ${seconds} s`);
  }
  const interruption = onInterrupt(() => {
    progressLine().end();
    say("interrupted: keeping the finished rounds; once more ends at once");
  });
  let folder = options.out ?? REPORTS;
  let journal: FileJournal | null = null;
  const open = (run: Run) => {
    folder = options.out ?? join(REPORTS, run.id);
    journal = journalOf({ of: "plan", plan, planName, options, going }, run, folder, say);
    return journal;
  };
  try {
    const argv = ["bridgescope", ...process.argv.slice(2)];
    const { signal } = interruption;
    const resumed = going?.resumed;
    const running = runningOf((onProgress) =>
      runPlan(plan, { argv, seed, clock, signal, onProgress, openJournal: open, resumed }),
    );
    const run = await track(running, { results: false, percentiles: false });
    dropPrivileges();
    const paths = writeRun(run, folder);
    process.stdout.write(
      options.json ? renderRunJson(run) : renderTerminal(run, terminalOptions()),
    );
    say(paths.join("\n"));
    if (run.state === "interrupted") say(howToGoOn(folder));
    else forgetJournal(going, folder);
    if (options.out === undefined) pointLatest(folder, say);
    const hint = functionHint(plan, run);
    if (hint !== null) say(hint);
    process.exitCode = interruption.exitCode() ?? (isSound(run) ? 0 : FAILED);
  } finally {
    (journal as FileJournal | null)?.close();
    interruption.release();
  }
}

/** The clock of the machine that this process runs on: a guest is told by those who boot it. */
function ownClock(options: BenchOptions): "wall" | "icount" {
  const own = process.env.BRIDGESCOPE_CLOCK === "icount" ? "icount" : "wall";
  const alone = ["modules", "mirror", "boots", "smp", "baseline", "bisect"] as const;
  const stray = alone.find((name) => options[name] !== undefined);
  if (stray !== undefined) throw new UsageError(`--${stray} goes with --kernel`);
  if ((options.clock ?? own) !== own) {
    throw new UsageError("--clock icount counts a guest's instructions: name it with --kernel");
  }
  return own;
}

function collect(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}
