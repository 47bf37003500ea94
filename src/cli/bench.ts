import { join } from "node:path";
import { Command, Option } from "commander";
import { isSound, runPlan } from "../bench/bench.ts";
import { BACKENDS, estimateNs } from "../bench/plan.ts";
import { type BenchRequest, planFor } from "../bench/request.ts";
import { checkFolder, pointLatest, REPORTS, writeRun } from "../bench/store.ts";
import { WORKLOADS } from "../bench/workloads/index.ts";
import { formatPrerequisite, prerequisites } from "../doctor/index.ts";
import { renderJson } from "../report/json.ts";
import { renderTerminal } from "../report/terminal.ts";
import { plural } from "../report/text/units.ts";
import { PrerequisiteError } from "../system/errors.ts";
import { onInterrupt } from "./interrupt.ts";
import { progressLine } from "./progress.ts";
import { terminalOptions } from "./terminal.ts";

interface BenchOptions extends BenchRequest {
  out?: string;
  json?: boolean;
}

const FAILED = 1;

export function benchCommand(): Command {
  const workloads = WORKLOADS.map((workload) => `  ${workload.name.padEnd(12)}${workload.summary}`);
  return new Command("bench")
    .description("run a plan: build each lab, drive it, and report what the kernel saw")
    .argument("[plan]", "article, quick (the default), or a YAML file")
    .option(
      "--topology <spec>",
      "netns, veth, bridge:N[,option=value…] or a YAML file; repeatable",
      collect,
    )
    .option("--workload <name>", "what to send; repeatable", collect)
    .option("--rounds <n>", "measured rounds of each case")
    .option("--duration <time>", "length of one round: 1, 1s or 500ms")
    .option("--budget <time>", "time for the whole run; decides the rounds")
    .addOption(new Option("--backend <name>", "how the kernel is observed").choices(BACKENDS))
    .option("--frame-size <bytes>", "Ethernet frame without FCS, for raw workloads")
    .option("--message-size <bytes>", "payload of a request, for udp-rr")
    .option("--network <cidr>", "IPv4 network of the hosts (RFC 2544: 198.18.0.0/15)")
    .option("--probe-effect <pairs>", "also measure with probes on and off, interleaved")
    .option("--seed <n>", "draws every random order")
    .option("--out <folder>", "where run.json and the reports go (reports/<run id>)")
    .option("--json", "print the run document on stdout")
    .addHelpText("after", `\nWorkloads:\n${workloads.join("\n")}\n`)
    .action(bench);
}

async function bench(planName: string | undefined, options: BenchOptions): Promise<void> {
  const { plan, seed } = planFor(planName, options);
  const missing = await prerequisites("bench");
  if (missing.length > 0) throw new PrerequisiteError(missing.map(formatPrerequisite).join("\n"));
  checkFolder(options.out ?? REPORTS);

  const say = (text: string) => void process.stderr.write(`${text}\n`);
  const seconds = Math.ceil(estimateNs(plan) / 1e9);
  say(`plan ${plan.name}: ${plural(plan.cases.length, "case")}, about ${seconds} s`);
  const line = progressLine();
  const interruption = onInterrupt(() => {
    line.end();
    say("interrupted: keeping the finished rounds; once more ends at once");
  });
  try {
    const run = await runPlan(plan, {
      argv: ["bridgescope", ...process.argv.slice(2)],
      seed,
      signal: interruption.signal,
      onProgress: ({ done, total, current, what }) =>
        line.update(`[${done + 1}/${total}] ${current}`, what),
    });
    line.end();
    const folder = options.out ?? join(REPORTS, run.id);
    const paths = writeRun(run, folder);
    process.stdout.write(options.json ? renderJson(run) : renderTerminal(run, terminalOptions()));
    say(paths.join("\n"));
    if (options.out === undefined && !pointLatest(folder)) {
      say(
        `${join(REPORTS, "latest")} could not be pointed to this run: something else has that name`,
      );
    }
    process.exitCode = interruption.exitCode() ?? (isSound(run) ? 0 : FAILED);
  } finally {
    interruption.release();
  }
}

function collect(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}
