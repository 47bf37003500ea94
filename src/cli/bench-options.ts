/** The options of `bench`, and the modes that use them. */
import type { Command } from "commander";
import { BACKENDS } from "../bench/plan/plan.ts";
import type { BenchRequest } from "../bench/plan/request.ts";
import { WORKLOAD_PARAMETERS } from "../bench/workloads/parameters.ts";
import { checkMode, type ModeOption } from "./options.ts";

/** What `bench` does: measure on this host, compare two variants on it, measure in guests, or go on with a run. */
export type BenchMode = "host" | "vs" | "kernel" | "resume";

/** As commander gives them. */
export interface BenchOptions extends BenchRequest {
  vs?: string;
  baseSetup?: string;
  baseTeardown?: string;
  candidateSetup?: string;
  candidateTeardown?: string;
  margin?: string;
  failOn?: string;
  kernel?: string[];
  modules?: string;
  mirror?: string;
  clock?: string;
  boots?: string;
  smp?: string;
  baseline?: string;
  bisect?: boolean;
  out?: string;
  resume?: string;
  json?: boolean;
}

type BenchOption = ModeOption<BenchMode> & {
  group: "Load" | "Repetition" | "Comparison" | "Guest kernels" | "Output";
};

const NEW: readonly BenchMode[] = ["host", "vs", "kernel"];
const COMPARED: readonly BenchMode[] = ["vs", "kernel"];
/** What root runs for the sake of a file has to be said again by whoever resumes. */
const SIDE: readonly BenchMode[] = ["vs", "resume"];

/** What `--fail-on` takes where nothing is compared: net stages that come to more than the whole. */
export const TIME_CHECK = "time-check";

export const FAIL_ON_HELP =
  "comma list of inconclusive, improvement (exit 1), or nothing; regressions exit 3 unless nothing";

export const BENCH_OPTIONS: readonly BenchOption[] = [
  {
    ...{ flags: "--topology <spec>", group: "Load", modes: NEW, repeatable: true },
    help: "netns, veth, bridge:N, chain:K[,option=value…], a YAML file, external or attach:<a>,<b>; repeatable",
  },
  {
    ...{ flags: "--workload <name>", group: "Load", modes: NEW, repeatable: true },
    help: "what to send; repeatable",
  },
  {
    ...{ flags: "--network <cidr>", group: "Load", modes: NEW },
    help: "IPv4 network of the hosts (RFC 2544: 198.18.0.0/15)",
  },
  {
    ...{ flags: "--cpus <list>", group: "Load", modes: NEW },
    help: "CPUs for the workloads' threads, e.g. 0,2 or 0-3 (all)",
  },
  {
    ...{ flags: "--setup <json>", group: "Load", modes: ["host", "resume"] },
    instead: { vs: "--base-setup or --candidate-setup" },
    help: "connects `external`: a command and its arguments as a JSON array",
  },
  {
    ...{ flags: "--teardown <json>", group: "Load", modes: ["host", "resume"] },
    instead: { vs: "--base-teardown or --candidate-teardown" },
    help: "undoes --setup, however the run ends",
  },
  {
    ...{ flags: "--setup-limit <time>", group: "Load", modes: ["host", "vs", "resume"] },
    help: "after which a set-up or teardown command counts as hanging (60s)",
  },
  ...Object.values(WORKLOAD_PARAMETERS).map(
    ({ option, help, ...kind }): BenchOption => ({
      ...{ flags: `${option} <${"unit" in kind ? "n" : "name"}>`, help },
      ...{ group: "Load", modes: NEW },
    }),
  ),
  {
    ...{ flags: "--rounds <n>", group: "Repetition", modes: NEW },
    help: "measured rounds of each case; with --vs, pairs",
  },
  {
    ...{ flags: "--duration <time>", group: "Repetition", modes: NEW },
    help: "length of one round: 1, 1s or 500ms",
  },
  {
    ...{ flags: "--budget <time>", group: "Repetition", modes: NEW },
    help: "time for the whole run; decides the rounds",
  },
  {
    ...{ flags: "--backend <name>", group: "Repetition", modes: ["host", "kernel"] },
    ...{ choices: BACKENDS, help: "how the kernel is observed" },
  },
  {
    ...{ flags: "--latency-sessions <n>", group: "Repetition", modes: ["host", "kernel"] },
    help: "sessions that time the stages of each case, 0 for none (4; quick and article 3)",
  },
  {
    ...{ flags: "--seed <n>", group: "Repetition", modes: NEW },
    help: "draws every random order",
  },
  {
    ...{ flags: "--vs <topology>", group: "Comparison", modes: ["vs"] },
    help: "the same workloads on this one too, in pairs, with verdicts",
  },
  {
    ...{ flags: "--base-setup <json>", group: "Comparison", modes: SIDE },
    help: "--setup for the base; --vs is external then",
  },
  {
    ...{ flags: "--base-teardown <json>", group: "Comparison", modes: SIDE },
    help: "--teardown for the base",
  },
  {
    ...{ flags: "--candidate-setup <json>", group: "Comparison", modes: SIDE },
    help: "--setup for the candidate",
  },
  {
    ...{ flags: "--candidate-teardown <json>", group: "Comparison", modes: SIDE },
    help: "--teardown for the candidate",
  },
  {
    ...{ flags: "--margin <share>", group: "Comparison", modes: COMPARED },
    help: "the smallest change worth a verdict (2% by the clock, 0.2% in instructions)",
  },
  {
    ...{ flags: "--fail-on <verdicts>", group: "Comparison", modes: NEW },
    help: `${FAIL_ON_HELP}; without a comparison ${TIME_CHECK} (exit 1)`,
  },
  {
    ...{ flags: "--kernel <spec>", group: "Guest kernels", modes: ["kernel"], repeatable: true },
    help: "run in a guest: debian:<suite>, a bzImage or a kernel tree; repeatable, compares",
  },
  {
    ...{ flags: "--modules <folder>", group: "Guest kernels", modes: ["kernel"] },
    help: "modules of a kernel that is given as an image",
  },
  {
    ...{ flags: "--mirror <url>", group: "Guest kernels", modes: ["kernel"] },
    help: "where Debian packages for guests come from (this machine's own)",
  },
  {
    ...{ flags: "--clock <name>", group: "Guest kernels", modes: ["kernel"] },
    ...{ choices: ["wall", "icount"], help: "of a guest: wall, or icount (instructions)" },
  },
  {
    ...{ flags: "--boots <n>", group: "Guest kernels", modes: ["kernel"] },
    help: "boots of each kernel with --clock icount (3)",
  },
  {
    ...{ flags: "--smp <n>", group: "Guest kernels", modes: ["kernel"] },
    help: "CPUs of a guest (1)",
  },
  {
    ...{ flags: "--baseline <run>", group: "Guest kernels", modes: ["kernel"] },
    help: "a stored run to compare with",
  },
  {
    ...{ flags: "--bisect", group: "Guest kernels", modes: ["kernel"] },
    help: "exit status for git bisect run: 0 good, 1 bad, 125 cannot tell",
  },
  {
    ...{ flags: "--out <folder>", group: "Output", modes: NEW },
    help: "where run.json and the reports go (reports/<run id>)",
  },
  {
    ...{ flags: "--resume <run>", group: "Output", modes: ["resume"] },
    help: "resume a run that was cut off: its folder, or its journal",
  },
  {
    ...{ flags: "--json", group: "Output", modes: ["host", "vs", "kernel", "resume"] },
    help: "print the run document on stdout",
  },
];

/** Options of which each chooses a mode, in the order in which they do. */
const CHOOSING: readonly (readonly [option: keyof BenchOptions, mode: BenchMode])[] = [
  ["resume", "resume"],
  ["vs", "vs"],
  ["baseSetup", "vs"],
  ["candidateSetup", "vs"],
  ["kernel", "kernel"],
];

const NAMES: Record<BenchMode, string> = {
  host: "`bench` on this host",
  vs: "`bench --vs`",
  kernel: "`bench --kernel`",
  resume: "`bench --resume`, which takes the other options from the journal",
};

/** What is asked for; throws a UsageError for an option that it does not use. */
export function modeOf(command: Command): BenchMode {
  const options = command.opts<BenchOptions>();
  const mode = CHOOSING.find(([name]) => options[name] !== undefined)?.[1] ?? "host";
  checkMode(BENCH_OPTIONS, command, mode, NAMES);
  return mode;
}
