import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { runChild } from "./child.mjs";
import { inModules, ROOT } from "./repository.mjs";

/**
 * Runs one vitest project on the given Node, or of it the files whose path holds one of `paths` (options of vitest may
 * stand there too), and gives its real counts.
 */
export async function runVitest(project, paths = [], node = process.execPath, env = {}) {
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
        ...paths,
        "--reporter=default",
        "--reporter=json",
        `--outputFile.json=${file}`,
      ],
      {
        cwd: ROOT,
        stdio: ["ignore", "inherit", "inherit"],
        // Tests that start `node` from PATH shall get the one under test.
        env: {
          ...process.env,
          ...env,
          PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH}`,
        },
      },
    );
    return { ...countTests(readResult(file), exitCode), interruptedBy };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Counts from vitest's JSON report. A test file that could not be loaded has no tests to fail, and an
 * error outside any test shows in the exit status alone: each counts as one failure.
 */
function countTests(result, exitCode) {
  if (result === null) return { passed: 0, failed: 1, skipped: 0 };
  const passed = result.numPassedTests;
  const skipped = result.numPendingTests + result.numTodoTests;
  const brokenFiles = result.testResults.filter(
    (file) =>
      file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  ).length;
  const failed = result.numFailedTests + brokenFiles;
  return { passed, failed: failed === 0 && exitCode !== 0 ? 1 : failed, skipped };
}

function readResult(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return null;
  }
}
