import { Command } from "commander";
import {
  DOCTOR_SCHEMA,
  diagnose,
  formatDiagnosis,
  prevents,
  tracedFunctions,
} from "../doctor/index.ts";
import { terminalOptions } from "./terminal.ts";

const PREREQUISITE_MISSING = 4;

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("say what this machine can do, what is missing, and how to get it")
    .option("--json", "print findings and functions as JSON")
    .action(async (options: { json?: boolean }) => {
      const { findings, functions } = await diagnose();
      const document = { schema: DOCTOR_SCHEMA, findings, functions: tracedFunctions(functions) };
      const { color } = terminalOptions();
      process.stdout.write(
        options.json
          ? `${JSON.stringify(document, null, 2)}\n`
          : formatDiagnosis({ findings, functions }, color),
      );
      if (findings.some((found) => prevents(found, "bench"))) {
        process.exitCode = PREREQUISITE_MISSING;
      }
    });
}
