import { Command } from "commander";
import { readRun } from "../bench/store.ts";
import { FORMATS, formatNamed } from "../report/formats.ts";
import { renderTerminal } from "../report/terminal.ts";
import { UsageError } from "../system/errors.ts";
import { terminalOptions } from "./terminal.ts";

export function reportCommand(): Command {
  const names = FORMATS.map((format) => format.name).join(", ");
  return new Command("report")
    .description("print a stored run in a format")
    .argument("<run>", "run.json, or the folder that holds it")
    .option("--format <name>", `one of ${names}`, "terminal")
    .option("--json", "the same as --format json")
    .action((path: string, options: { format: string; json?: boolean }) => {
      const name = options.json ? "json" : options.format;
      const format = formatNamed(name);
      if (format === undefined)
        throw new UsageError(`unknown format "${name}"; known are ${names}`);
      const run = readRun(path);
      process.stdout.write(
        name === "terminal" ? renderTerminal(run, terminalOptions()) : format.render(run),
      );
    });
}
