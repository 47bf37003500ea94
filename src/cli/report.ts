import { Command } from "commander";
import { COMPARE_SCHEMA } from "../document/compare.ts";
import { EXPLAIN_SCHEMA } from "../document/explain.ts";
import { COMPARISON_FORMATS, renderComparison } from "../report/comparison.ts";
import { EXPLANATION_FORMATS, renderExplanation } from "../report/explanation.ts";
import { hasBigger } from "../report/exports/benchmark-json.ts";
import { FORMATS, formatNamed, type ReportFormat } from "../report/formats.ts";
import { readStored } from "../store/documents.ts";
import { readRun } from "../store/runs.ts";
import { BridgescopeError, UsageError } from "../system/errors.ts";
import { terminalOptions } from "./terminal.ts";

const EXPORTS = `
Of a run alone:
  gobench                Go benchmark text, a line for each round and case; benchstat reads it
  benchmark-json         for github-action-benchmark (customSmallerIsBetter)
  benchmark-json-bigger  the metrics that are better when higher (customBiggerIsBetter)
`;

/** An export without a metric; whoever keeps a history had better not be given it. */
const NOTHING = "[]\n";

export function reportCommand(): Command {
  const names = FORMATS.map((format) => format.name).join(", ");
  return new Command("report")
    .description("print a stored run, comparison or explanation in a format")
    .argument("<run>", "run.json, compare.json, explain.json, or the folder that holds it")
    .option("--format <name>", `one of ${names}`, "terminal")
    .option("--json", "the same as --format json")
    .addHelpText("after", EXPORTS)
    .action((path: string, options: { format: string; json?: boolean }) => {
      const name = options.json ? "json" : options.format;
      const format = formatNamed(name);
      if (format === undefined)
        throw new UsageError(`unknown format "${name}"; known are ${names}`);
      process.stdout.write(rendered(path, format));
    });
}

/** Comparisons and explanations have their formats; those that other tools read are of runs alone. */
function rendered(path: string, format: ReportFormat): string {
  const stored = readStored(path);
  if (stored?.schema === COMPARE_SCHEMA) {
    checkFormat(path, format, "a comparison", COMPARISON_FORMATS, "; give one of its runs");
    return renderComparison(format.name, stored, terminalOptions());
  }
  if (stored?.schema === EXPLAIN_SCHEMA) {
    checkFormat(path, format, "an explanation", EXPLANATION_FORMATS);
    return renderExplanation(format.name, stored, terminalOptions());
  }
  const run = readRun(path);
  if (format.name === "benchmark-json" && hasBigger(run)) {
    process.stderr.write(
      "bridgescope: a file holds one direction: --format benchmark-json-bigger has the metrics that are better when higher\n",
    );
  }
  const text = format.render(run, terminalOptions());
  if (text === NOTHING) {
    throw new BridgescopeError(
      `${path} has no metric for ${format.name}, which leaves out the other direction, cases that failed, and times under qemu's TCG`,
    );
  }
  return text;
}

function checkFormat(
  path: string,
  { name }: ReportFormat,
  what: string,
  formats: readonly { name: string }[],
  instead = "",
): void {
  const names = formats.map((format) => format.name);
  if (names.includes(name)) return;
  throw new UsageError(
    `${name} is a format of a run, and ${path} is ${what}, which has ${names.join(", ")}${instead}`,
  );
}
