import { CommanderError } from "commander";
import { expect, it, vi } from "vitest";
import { program } from "../../../src/cli/program.ts";

it.each([
  ["of the program", ["-->\u001b]0;x"]],
  ["of a command", ["doctor", "-->\u001b]0;x"]],
  ["of a command's command", ["lab", "show", "-->\u001b]0;x"]],
])("an option that is unknown is shown and not obeyed: %s", async (_, words) => {
  let said = "";
  const write = vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    said += text;
    return true;
  });
  try {
    const root = await program(words);
    await expect(root.parseAsync(words, { from: "user" })).rejects.toThrow(CommanderError);
  } finally {
    write.mockRestore();
  }
  expect(said.split("\n")[0]).toBe("bridgescope: unknown option '-->\\x1b]0;x'");
});
