import { randomInt } from "node:crypto";
import { existsSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { isSound, newRun } from "../bench/bench.ts";
import type { Plan } from "../bench/plan.ts";
import { type BenchRequest, planFor } from "../bench/request.ts";
import { PARAMETER_NAMES, WORKLOAD_PARAMETERS } from "../bench/workloads/parameters.ts";
import type { Comparison } from "../document/compare.ts";
import type { Run } from "../document/run.ts";
import { benchInGuests, type GuestBench } from "../kernels/bench.ts";
import { COMPARISON_FORMATS, renderComparison } from "../report/comparison.ts";
import { renderRunJson } from "../report/exports/json.ts";
import { renderTerminal } from "../report/terminal/run.ts";
import { isForeign } from "../setup/spec.ts";
import { compareRuns, type RunSet } from "../stats/compare/runs.ts";
import { readRuns } from "../store/runs.ts";
import { checkFolder, pointLatest, REPORTS, writeReports, writeRun } from "../store/write.ts";
import { UsageError } from "../system/errors.ts";
import { dropPrivileges } from "../system/privilege.ts";
import { forgetJournal, type Going, howToGoOn, journalOf } from "./bench-resume.ts";
import { bisectStatus, SKIP } from "./bisect.ts";
import { exitStatus } from "./compare.ts";
import { githubMargin, tellGithub } from "./github.ts";
import { onInterrupt } from "./interrupt.ts";
import { progressLine } from "./progress.ts";
import { terminalOptions } from "./terminal.ts";

export interface KernelOptions extends BenchRequest {
  kernel?: string[];
  modules?: string;
  mirror?: string;
  clock?: string;
  boots?: string;
  smp?: string;
  baseline?: string;
  bisect?: boolean;
  out?: string;
  json?: boolean;
}

const FAILED = 1;
const GUEST_TIMEOUT_MS = 1_800_000;
const BOOTS = { wall: 1, icount: 3 } as const;

/** `bench --kernel …`: the plan in guests, one document a kernel, then the comparison. */
export async function benchKernels(
  planName: string | undefined,
  options: KernelOptions,
  going: Going | null,
): Promise<void> {
  const { plan, request } = requestFor(planName, options);
  const baseline = options.baseline === undefined ? null : readRuns(options.baseline);
  const { reproduce: argv, seed, startedAt } = request;
  const begun = await newRun({ argv, plan: plan.name, seed, startedAt }, null);
  const first = going?.resumed.head.run ?? begun;
  const { id, provenance } = first;
  const folder = options.out ?? join(REPORTS, id);
  checkFolder(folder);
  const say = (text: string) => void process.stderr.write(`${text}\n`);
  const open = () =>
    journalOf({ of: "kernels", plan, planName, options, going }, begun, folder, say);
  // One that begins has nothing to keep until a boot is finished.
  let journal = going === null ? null : open();
  const line = progressLine();
  const interruption = onInterrupt(() => {
    line.end();
    say("interrupted: the guests are being ended");
  });
  try {
    const { kernels, failure } = await benchInGuests({
      ...request,
      id,
      startedAt: new Date(first.startedAt),
      reproduce: provenance.argv,
      resumedAt: going === null ? [] : [...going.resumed.resumedAt, begun.startedAt],
      finished: going?.resumed.boots ?? [],
      onBoot: (run) => {
        journal ??= open();
        journal.boot(run);
      },
      signal: interruption.signal,
      progress: (kernel, what) => line.update(kernel, what),
    });
    line.end();
    dropPrivileges();
    const runs = kernels.map(({ run }) => run);
    const paths = kernels.flatMap(({ name, run }) => writeRun(run, join(folder, name)));
    const compared = comparison(runs, baseline, provenance.argv);
    if (compared !== null) {
      paths.push(...writeReports(folder, COMPARISON_FORMATS, compared));
    }
    print(runs, compared, options.json === true);
    if (compared !== null) tellGithub(compared);
    if (paths.length > 0) say(paths.join("\n"));
    if (options.out === undefined && paths.length > 0) pointLatest(folder, say);
    if (failure !== null) throw failure;
    forgetJournal(going, folder);
    process.exitCode = statusOf(runs, compared, options.bisect === true);
  } catch (error) {
    line.end();
    if (journal !== null) say(howToGoOn(folder));
    const code = interruption.exitCode();
    if (code !== null) process.exitCode = code;
    else if (options.bisect) {
      say(`bridgescope: ${error instanceof Error ? error.message : String(error)}`);
      process.exitCode = SKIP;
    } else throw error;
  } finally {
    journal?.close();
    interruption.release();
  }
}

type Request = Omit<GuestBench, "id" | "resumedAt" | "finished" | "onBoot" | "signal" | "progress">;

function requestFor(
  planName: string | undefined,
  options: KernelOptions,
): { plan: Plan; request: Request } {
  const clock = clockNamed(options.clock ?? "wall");
  if (options.bisect && (options.kernel?.length !== 1 || options.baseline === undefined)) {
    throw new UsageError(
      "--bisect takes one --kernel, and the run of the good kernel as --baseline <run.json>",
    );
  }
  const name = planName ?? (clock === "icount" && !adHoc(options) ? "counted" : undefined);
  const smp = whole("--smp", options.smp);
  const boots = whole("--boots", options.boots) ?? BOOTS[clock];
  if (boots > 1 && clock === "wall") {
    throw new UsageError(
      "--boots goes with --clock icount, whose boots add up; by the wall clock each boot is a run of its own, and `compare` takes several a side",
    );
  }
  // Whatever is wrong with the plan is better said before a guest is booted.
  const { plan } = planFor(name, options);
  const foreign = plan.cases.find(({ topology }) => isForeign(topology));
  if (foreign !== undefined) {
    throw new UsageError(
      `${foreign.topology.label} is a network of this host, and a guest has none of it: leave out --kernel`,
    );
  }
  if (plan.slopes !== null && clock === "icount") {
    throw new UsageError("slopes are measured in time: --clock icount counts instructions instead");
  }
  const senders = options.senders ?? sendersFor(plan, smp ?? 1);
  const passed = senders === undefined ? options : { ...options, senders };
  const files: NonNullable<GuestBench["files"]> = [];
  const carried = (path: string) => {
    if (!/\.ya?ml$/.test(path) || !existsSync(path)) return path;
    const to = `/plan/${files.length}-${basename(path)}`;
    files.push({ from: resolve(path), to });
    return to;
  };
  const seed = options.seed === undefined ? randomInt(2 ** 31) : Number(options.seed);
  const argv = [
    ...(name === undefined ? [] : [carried(name)]),
    ...(options.topology ?? []).flatMap((one) => ["--topology", carried(one)]),
    ...(options.workload ?? []).flatMap((one) => ["--workload", one]),
    ...PASSED.flatMap(([option, key]) =>
      passed[key] === undefined ? [] : [`--${option}`, String(passed[key])],
    ),
    ...PARAMETER_NAMES.flatMap((name) =>
      passed[name] === undefined ? [] : [WORKLOAD_PARAMETERS[name].option, String(passed[name])],
    ),
    "--seed",
    String(seed),
    "--clock",
    clock,
  ];
  const request: Request = {
    startedAt: new Date(),
    kernels: options.kernel ?? [],
    modules: options.modules,
    mirror: options.mirror,
    clock,
    boots,
    smp,
    seed,
    argv,
    files,
    timeoutMs: GUEST_TIMEOUT_MS,
    reproduce: [
      "bridgescope",
      ...process.argv.slice(2),
      ...(options.seed === undefined ? ["--seed", String(seed)] : []),
    ],
  };
  return { plan, request };
}

const PASSED = [
  ["rounds", "rounds"],
  ["duration", "duration"],
  ["budget", "budget"],
  ["backend", "backend"],
  ["network", "network"],
  ["cpus", "cpus"],
] as const;

/** As many senders as CPUs, as far as every case that takes several has hosts for them. */
function sendersFor({ cases }: Plan, cpus: number): number | undefined {
  const most = cases.flatMap(({ workload, topology }) =>
    workload.parameters.flatMap((one) => (one.name === "senders" ? [one.max(topology)] : [])),
  );
  return cpus === 1 || most.length === 0 ? undefined : Math.min(cpus, ...most);
}

function adHoc(options: KernelOptions): boolean {
  return options.topology !== undefined || options.workload !== undefined;
}

function clockNamed(name: string): "wall" | "icount" {
  if (name === "wall" || name === "icount") return name;
  throw new UsageError(`unknown clock "${name}"; known are wall, icount`);
}

function whole(option: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (Number.isInteger(number) && number > 0) return number;
  throw new UsageError(`${option} expects a whole number from 1 on, not "${value}"`);
}

/** The first kernel, or the stored baseline, against all others; null where there is nothing to compare. */
function comparison(
  runs: readonly Run[],
  baseline: RunSet | null,
  argv: readonly string[],
): Comparison | null {
  const [base, ...candidates] = baseline === null ? runs : [baseline, ...runs];
  if (base === undefined || candidates.length === 0) return null;
  return compareRuns(base, candidates, { clockMargin: githubMargin(), argv });
}

function print(runs: readonly Run[], compared: Comparison | null, json: boolean): void {
  const [only] = runs;
  if (compared !== null) {
    const format = json ? "json" : "terminal";
    process.stdout.write(renderComparison(format, compared, terminalOptions()));
  } else if (only !== undefined) {
    process.stdout.write(json ? renderRunJson(only) : renderTerminal(only, terminalOptions()));
  }
}

function statusOf(runs: readonly Run[], compared: Comparison | null, bisect: boolean): number {
  const sound = runs.every(isSound);
  if (bisect) return !sound || compared === null ? SKIP : bisectStatus(compared);
  if (!sound) return FAILED;
  return compared === null ? 0 : exitStatus(compared);
}
