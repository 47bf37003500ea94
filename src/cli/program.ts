import { Command } from "commander";
import { version } from "../version.ts";
import { benchCommand } from "./bench.ts";
import { compareCommand } from "./compare.ts";
import { doctorCommand } from "./doctor.ts";
import { kernelsCommand } from "./kernels.ts";
import { labCommand } from "./lab.ts";
import { reportCommand } from "./report.ts";
import { schemaCommand } from "./schema.ts";

/** The whole command line; help and errors come from these definitions. */
export function program(): Command {
  const root = new Command("bridgescope")
    .description("what a Linux bridge did with every frame, and how long it took")
    .version(version)
    .option("--verbose", "show the stack of an error")
    .configureOutput({
      outputError: (text, write) => write(`bridgescope: ${text.replace(/^error: /, "")}`),
    });
  for (const command of [
    doctorCommand(),
    labCommand(),
    benchCommand(),
    kernelsCommand(),
    compareCommand(),
    reportCommand(),
    schemaCommand(),
  ]) {
    root.addCommand(command);
  }
  exitByThrowing(root);
  return root;
}

/** commander's own errors reach the top like ours do, with one place for exit codes. */
function exitByThrowing(command: Command): void {
  command.exitOverride();
  // A wrong word is answered with the words that are known.
  command.showHelpAfterError(true);
  for (const child of command.commands) exitByThrowing(child);
}
