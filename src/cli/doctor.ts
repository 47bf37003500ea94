import { Command } from "commander";
import { DOCTOR_SCHEMA, diagnose, formatFindings, prevents } from "../doctor/index.ts";
import { terminalOptions } from "./terminal.ts";

const PREREQUISITE_MISSING = 4;

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("say what this machine can do, what is missing, and how to get it")
    .option("--json", "print the findings as JSON")
    .action(async (options: { json?: boolean }) => {
      const findings = await diagnose();
      const { color } = terminalOptions();
      process.stdout.write(
        options.json
          ? `${JSON.stringify({ schema: DOCTOR_SCHEMA, findings }, null, 2)}\n`
          : formatFindings(findings, color),
      );
      if (findings.some((found) => prevents(found, "bench"))) {
        process.exitCode = PREREQUISITE_MISSING;
      }
    });
}
