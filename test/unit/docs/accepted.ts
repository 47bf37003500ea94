import type { Command } from "commander";
import { program } from "../../../src/cli/program.ts";

/** Parsed by the definition of the command itself, without its action. */
export async function accepted(
  words: readonly string[],
): Promise<{ options: Record<string, unknown>; args: string[] }> {
  const root = await program(words);
  silence(root);
  let command = root;
  for (const word of words) {
    const below = command.commands.find((one) => one.name() === word);
    if (below === undefined) break;
    command = below;
  }
  command.action(() => {});
  await root.parseAsync(words, { from: "user" });
  return { options: command.opts(), args: command.args };
}

function silence(command: Command): void {
  command.configureOutput({ writeOut: () => {}, writeErr: () => {}, outputError: () => {} });
  command.commands.forEach(silence);
}
