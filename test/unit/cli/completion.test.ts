/** Completion and man page: what they offer is what there is. */
import { spawnSync } from "node:child_process";
import type { Command } from "commander";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { manPage } from "../../../src/cli/man.ts";
import { program } from "../../../src/cli/program.ts";
import { UsageError } from "../../../src/system/errors.ts";

let root: Command;
beforeAll(async () => {
  root = await program([]);
});

/** What `bridgescope completion <shell>` prints. */
async function script(shell: string): Promise<string> {
  let text = "";
  const write = vi.spyOn(process.stdout, "write").mockImplementation((part) => {
    text += String(part);
    return true;
  });
  try {
    const words = ["completion", shell];
    await (await program(words)).parseAsync(words, { from: "user" });
  } finally {
    write.mockRestore();
  }
  return text;
}

/** What bash offers after these words, the last of which is not finished. */
async function offered(...words: string[]): Promise<string[]> {
  const all = ["bridgescope", ...words].map((word) => `'${word}'`).join(" ");
  const code = `${await script("bash")}
COMP_WORDS=(${all}); COMP_CWORD=${words.length}
_bridgescope
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync("bash", ["--norc", "-u", "-c", code], { encoding: "utf8" });
  expect(stderr).toBe("");
  return stdout.split("\n").filter((line) => line !== "");
}

describe("in bash", () => {
  test("commands, and those below them", async () => {
    expect(await offered("ex")).toEqual(["explain"]);
    expect(await offered("lab", "u")).toEqual(["up"]);
    expect(await offered("")).toEqual(expect.arrayContaining(["watch", "bench", "--version"]));
  });

  test("options of the command alone", async () => {
    expect(await offered("explain", "br0", "--un")).toEqual(["--unknown-unicast"]);
    expect(await offered("watch", "--un")).toEqual([]);
  });

  test("nothing that was typed is run", async () => {
    expect(await offered("report", "$(echo --format >&2)", "--fo")).toEqual(["--format"]);
  });
});

test("fish is told every option with what it does", async () => {
  const text = await script("fish");
  expect(text).toContain("-n '__fish_seen_subcommand_from explain' -l pcap -r -d 'keep the first");
  for (const line of text.trim().split("\n")) expect(line).toMatch(/^complete -c bridgescope -n '/);
});

test("zsh takes bash's", async () => {
  expect(await script("zsh")).toBe(
    `autoload -U +X bashcompinit && bashcompinit\n${await script("bash")}`,
  );
});

test("a shell that there is not is refused", async () => {
  await expect(script("tcsh")).rejects.toThrow(UsageError);
});

describe("the man page", () => {
  test("has every command and option", () => {
    const page = manPage(root).replaceAll("\\-", "-");
    const everything = (command: Command): string[] => [
      command.description(),
      ...command.options.map(({ flags }) => `.B ${flags}\n`),
      ...command.commands.flatMap(everything),
    ];
    const missing = everything(root).filter(
      (words) => !page.includes(words.replaceAll('"', "\\(dq")),
    );
    expect(missing).toEqual([]);
  });

  test("has no line that is a request by accident", () => {
    const requests = manPage(root).match(/^[.'].*$/gm) ?? [];
    expect(requests.filter((line) => !/^\.(TH|SH|SS|TP|B)\b/.test(line))).toEqual([]);
  });
});
