import { Command } from "commander";
import { readRun } from "../bench/store.ts";
import { renderComparison } from "../report/comparison.ts";
import { FORMATS, formatNamed, type ReportFormat } from "../report/formats.ts";
import { renderTerminal } from "../report/terminal.ts";
import { UsageError } from "../system/errors.ts";
import { readComparison } from "./compare.ts";
import { terminalOptions } from "./terminal.ts";

export function reportCommand(): Command {
  const names = FORMATS.map((format) => format.name).join(", ");
  return new Command("report")
    .description("print a stored run or comparison in a format")
    .argument("<run>", "run.json, compare.json, or the folder that holds it")
    .option("--format <name>", `one of ${names}`, "terminal")
    .option("--json", "the same as --format json")
    .action((path: string, options: { format: string; json?: boolean }) => {
      const name = options.json ? "json" : options.format;
      const format = formatNamed(name);
      if (format === undefined)
        throw new UsageError(`unknown format "${name}"; known are ${names}`);
      process.stdout.write(rendered(path, format));
    });
}

/** Either kind of document has all formats. */
function rendered(path: string, format: ReportFormat): string {
  const comparison = readComparison(path);
  if (comparison !== null) return renderComparison(format.name, comparison, terminalOptions());
  const run = readRun(path);
  return format.name === "terminal" ? renderTerminal(run, terminalOptions()) : format.render(run);
}
