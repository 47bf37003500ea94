import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { explainCommand } from "../../../src/cli/explain.ts";
import { watchCommand } from "../../../src/cli/watch.ts";

/** What the command says to these words; a command that was not refused would ask for a bridge that is not there. */
function refusal(command: Command, ...words: string[]): Promise<string> {
  return command.parseAsync(words, { from: "user" }).then(
    () => "nothing",
    (error) => String(error),
  );
}

describe("an option that the chosen mode does not use", () => {
  it.each([
    ["--duration", "5s"],
    ["--max-overhead", "5%"],
    ["--unknown-unicast", "5"],
    ["--broadcast", "5"],
    ["--multicast", "5"],
    ["--moves", "5"],
    ["--frames", "5"],
    ["--pcap", "folder"],
  ])("is refused by explain --no-probes: %s", async (...words) => {
    const said = await refusal(explainCommand(), "no-such-bridge", "--no-probes", ...words);
    expect(said).toContain(`${words[0]} is for \`explain\` with probes`);
  });

  it("is refused by watch --no-probes", async () => {
    const said = await refusal(watchCommand(), "br0", "--no-probes", "--max-overhead", "5%");
    expect(said).toContain("--max-overhead is for `watch` with probes");
  });

  it("is not what has its default", async () => {
    const said = await refusal(explainCommand(), "no-such-bridge", "--no-probes");
    expect(said).toContain("no-such-bridge");
  });
});
