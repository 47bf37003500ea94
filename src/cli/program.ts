import { Command } from "commander";
import { version } from "../system/version.ts";
import { printableLines } from "../text/printable.ts";

/** Each is loaded only when it is called for: what all of them need takes longer than a lab of 200. */
const COMMANDS: Record<string, () => Promise<Command>> = {
  doctor: async () => (await import("./doctor.ts")).doctorCommand(),
  lab: async () => (await import("./lab.ts")).labCommand(),
  bench: async () => (await import("./bench.ts")).benchCommand(),
  kernels: async () => (await import("./kernels.ts")).kernelsCommand(),
  compare: async () => (await import("./compare.ts")).compareCommand(),
  selftest: async () => (await import("./selftest.ts")).selftestCommand(),
  watch: async () => (await import("./watch.ts")).watchCommand(),
  explain: async () => (await import("./explain.ts")).explainCommand(),
  lint: async () => (await import("./lint.ts")).lintCommand(),
  report: async () => (await import("./report.ts")).reportCommand(),
  completion: async () => (await import("./completion.ts")).completionCommand(() => program([])),
  schema: async () => (await import("./schema.ts")).schemaCommand(),
};

/** What nothing of root's is needed for. */
const WITHOUT_PRIVILEGE = new Set(["compare", "report", "completion", "schema"]);

/** Whether the command that these words call for only reads and writes documents. */
export function readsAndWritesOnly(words: readonly string[]): boolean {
  return WITHOUT_PRIVILEGE.has(commandNamed(words));
}

function commandNamed(words: readonly string[]): string {
  return words.find((word) => !word.startsWith("-")) ?? "";
}

/** The command line for these words; help and errors come from its definitions. */
export async function program(words: readonly string[]): Promise<Command> {
  const root = new Command("bridgescope")
    .description("what a Linux bridge did with every frame, and how long it took")
    .version(version)
    .option("--verbose", "show the stack of an error");
  for (const load of wanted(words)) root.addCommand(await load());
  endByThrowing(root);
  return root;
}

/** The one that is called, or all where that is help's or an error's business. */
function wanted(words: readonly string[]): (() => Promise<Command>)[] {
  const name = commandNamed(words);
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  return load === undefined || asksForAll(words, name) ? Object.values(COMMANDS) : [load];
}

/** `bridgescope --help lab` is about the whole. */
function asksForAll(words: readonly string[], name: string): boolean {
  return words.slice(0, words.indexOf(name)).some((word) => word !== "--verbose");
}

/**
 * commander's own errors reach the top like ours do, with one place for exit codes, and look like ours. Commands that
 * are added to another inherit nothing from it.
 */
function endByThrowing(command: Command): void {
  command.exitOverride();
  command.configureOutput({
    // What was typed is in it, and may be anything.
    outputError: (text, write) =>
      write(`bridgescope: ${printableLines(text.replace(/^error: /, "").trimEnd()).join("\n")}\n`),
  });
  // A wrong word is answered with the words that are known.
  command.showHelpAfterError(true);
  for (const child of command.commands) endByThrowing(child);
}
