import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { runChild } from "./child.mjs";
import { inModules, ROOT } from "./repository.mjs";
import { countTests, FULL } from "./vitest-report.mjs";

/**
 * Runs one vitest project on the given Node, or of it what `words` say (parts of paths, options of vitest), and gives
 * its real counts; with `full` only the tests that have that tag, or only those that have not. Its output goes to
 * `onOutput`, or to ours.
 */
export async function runVitest(project, options = {}) {
  const { words = [], full, node = process.execPath, env = {}, onOutput } = options;
  const folder = mkdtempSync(path.join(tmpdir(), "bridgescope-vitest-"));
  const file = path.join(folder, "result.json");
  try {
    const { exitCode, interruptedBy } = await runChild(
      node,
      [
        inModules("vitest", "vitest.mjs"),
        "run",
        "--project",
        project,
        ...words,
        ...(full === undefined ? [] : [`--tagsFilter=${full ? FULL : `!${FULL}`}`]),
        "--reporter=default",
        "--reporter=json",
        `--outputFile.json=${file}`,
      ],
      {
        cwd: ROOT,
        stdio: ["ignore", ...Array(2).fill(onOutput ? "pipe" : "inherit")],
        onOutput,
        // Tests that start `node` from PATH shall get the one under test.
        env: {
          ...process.env,
          ...env,
          PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH}`,
        },
      },
    );
    return { ...countTests(readResult(file), exitCode, full), interruptedBy };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readResult(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return null;
  }
}
