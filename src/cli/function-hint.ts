import { relative } from "node:path";
import type { Plan, PlannedCase } from "../bench/plan/plan.ts";
import { PARAMETER_NAMES, WORKLOAD_PARAMETERS } from "../bench/workloads/parameters.ts";
import type { Run } from "../document/run.ts";
import { commandLine } from "../text/command-line.ts";

const KERNEL = "debian:bookworm";

/**
 * How to see a case of the run through the bridge's own functions, where `auto` had to do with tracepoints;
 * null where it had not, or where no case has a bridge.
 */
export function functionHint(plan: Plan, run: Run): string | null {
  const probe = run.cases.find((one) => one.probe !== undefined)?.probe;
  if (plan.backend !== "auto" || probe?.backend !== "tracepoint") return null;
  const shown = plan.cases.findLast((one) => one.topology.bridge !== null);
  if (shown === undefined) return null;
  const argv = [...ourselves(), "bench", "--kernel", KERNEL, ...caseArguments(shown)];
  return [
    "Function probes do not load on this kernel, and tracepoints do not tell the bridge's own reasons.",
    `${shown.id} with function probes, on another kernel under qemu:`,
    `  ${commandLine(argv)}`,
  ].join("\n");
}

function caseArguments({ topology, workload, options }: PlannedCase): string[] {
  return [
    "--topology",
    topology.label,
    "--workload",
    workload.name,
    ...PARAMETER_NAMES.flatMap((name) =>
      options[name] === undefined ? [] : [WORKLOAD_PARAMETERS[name].option, String(options[name])],
    ),
  ];
}

/** The words that started this program, as a person in this folder would type them. */
function ourselves(): string[] {
  const [, script = ""] = process.argv;
  return script.endsWith(".js") ? ["node", relative(process.cwd(), script)] : ["bridgescope"];
}
