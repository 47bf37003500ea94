/** README and docs: every command that they name is accepted, and every page and heading that they link to is there. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { accepted } from "./accepted.ts";
import { blocksIn, commandsIn } from "./markdown.ts";

const PAGES = [
  ...["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "SECURITY.md", "reports/README.md"],
  ...readdirSync("docs")
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
];

describe.each(PAGES)("%s", (path) => {
  const page = readFileSync(path, "utf8");
  const commands = blocksIn(page)
    .filter(({ language, text }) => ["", "sh"].includes(language) && !text.startsWith("#!"))
    .flatMap(({ text }) => commandsIn(text));

  test("names commands that there are", async () => {
    const refused: string[] = [];
    for (const words of commands) {
      await accepted(words).catch((error: Error) => {
        refused.push(`${words.join(" ")}: ${error.message}`);
      });
    }
    expect(refused).toEqual([]);
  });

  test("links to what there is", () => {
    const links = [...page.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
    const broken = links.filter((link) => {
      if (/^https?:/.test(link)) return false;
      const [file = "", heading] = link.split("#");
      const target = file === "" ? path : join(dirname(path), file);
      if (!existsSync(target)) return true;
      return heading !== undefined && !headings(readFileSync(target, "utf8")).includes(heading);
    });
    expect(broken).toEqual([]);
  });
});

/** As GitHub names them. */
function headings(page: string): string[] {
  return [...page.matchAll(/^#+ (.*)$/gm)].map(([, words = ""]) =>
    words
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );
}
