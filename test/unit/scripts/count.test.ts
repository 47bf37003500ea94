/** The last line of `npm run check`, `npm test`, `npm run test:full` and `.ci/run`, and the exit status with it. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { countTests } from "../../../scripts/lib/vitest-report.mjs";

const folder = mkdtempSync(join(tmpdir(), "bridgescope-count-"));
afterAll(() => rmSync(folder, { recursive: true }));

const LINE = /^\d+ passed, \d+ failed(, [1-9]\d* skipped)?$/;

interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

function endOf({ status, stdout, stderr }: Ended) {
  const lines = stdout.split("\n");
  expect(lines.pop()).toBe("");
  const last = lines.pop();
  expect(last).toMatch(LINE);
  return { last, status, said: lines, stderr };
}

/** What a script ends with whose steps are these. */
function counted(steps: string) {
  const code = `
    import { counted } from "./scripts/lib/count.mjs";
    import { Failure } from "./scripts/lib/failure.mjs";
    import { check } from "./scripts/lib/steps.mjs";
    process.exitCode = await counted(async (add) => { ${steps} });`;
  const words = ["--input-type=module", "--eval", code];
  return endOf(spawnSync(process.execPath, words, { encoding: "utf8" }));
}

const add = (passed: number, failed: number, skipped = 0) =>
  `add({ passed: ${passed}, failed: ${failed}, skipped: ${skipped} });`;

describe("a script's steps", () => {
  test.each([
    [add(2, 0) + add(3, 0), "5 passed, 0 failed", 0],
    [add(2, 0, 1) + add(3, 0, 4), "5 passed, 0 failed, 5 skipped", 0],
    [add(2, 1) + add(3, 0), "5 passed, 1 failed", 1],
    // Nothing was tested.
    [add(0, 0), "0 passed, 0 failed", 1],
    [`${add(2, 0)} throw new Failure("no bpftrace", 4);`, "2 passed, 1 failed", 4],
    [`${add(2, 0)} throw new TypeError("broken");`, "2 passed, 1 failed", 1],
    [
      'add({ passed: 2, failed: 0, skipped: 0, interruptedBy: "SIGINT" });',
      "2 passed, 1 failed",
      130,
    ],
  ])("%s", (steps, last, status) => {
    expect(counted(steps)).toMatchObject({ last, status });
  });

  test("a tool that fails counts as one failure, and its output is shown", () => {
    const check = (code: string) =>
      `add(await check("this tool", process.execPath, ["-e", ${JSON.stringify(code)}]));`;
    const quiet = counted(add(1, 0) + check("console.log('chatter')"));
    expect(quiet).toMatchObject({ last: "1 passed, 0 failed", status: 0 });
    expect(quiet.said).toEqual([expect.stringMatching(/^── this tool: passed, [\d.]+ s$/)]);
    const loud = counted(add(1, 0) + check("console.error('line 7 is wrong'); process.exit(2)"));
    expect(loud).toMatchObject({ last: "1 passed, 1 failed", status: 1 });
    expect(loud.said).toEqual([
      "line 7 is wrong",
      expect.stringMatching(/^── this tool: FAILED, /),
    ]);
  });
});

describe("a run of vitest", () => {
  const file = (status: string, ...tests: [status: string, ...tags: string[]][]) => ({
    name: "a.test.ts",
    message: "no such module\nat a line",
    status,
    assertionResults: tests.map(([one, ...tags], index) => ({
      status: one,
      tags,
      fullName: `test ${index}`,
      failureMessages: one === "failed" ? ["expected 1 to be 2\n at a line"] : [],
    })),
  });
  const report = {
    testResults: [
      file("passed", ["passed"], ["skipped"], ["passed", "full"], ["skipped", "full"]),
      file("passed", ["passed"], ["passed", "full"], ["todo"]),
    ],
  };

  test.each([
    [undefined, { passed: 4, failed: 0, skipped: 3 }],
    [false, { passed: 2, failed: 0, skipped: 2 }],
    [true, { passed: 2, failed: 0, skipped: 1 }],
  ])("counts what was asked for: with tags full %s", (full, count) => {
    expect(countTests(report, 0, full)).toEqual({ ...count, failures: [] });
  });

  test("that failed without a test that did counts one failure", () => {
    const { testResults } = report;
    expect(countTests(report, 1)).toMatchObject({
      ...{ passed: 4, failed: 1 },
      failures: [expect.stringContaining("vitest ended with 1")],
    });
    expect(countTests(null, 1)).toMatchObject({ passed: 0, failed: 1, skipped: 0 });
    const broken = { testResults: [...testResults, file("failed")] };
    expect(countTests(broken, 1)).toMatchObject({
      ...{ passed: 4, failed: 1 },
      failures: ["a.test.ts: no such module"],
    });
    const failed = { testResults: [...testResults, file("failed", ["failed"], ["failed"])] };
    expect(countTests(failed, 1)).toMatchObject({
      ...{ passed: 4, failed: 2 },
      failures: [0, 1].map((test) => `a.test.ts: test ${test}: expected 1 to be 2`),
    });
  });
});

/** `.ci/run` where npm prints this for the one script and that for the other, and ends with these statuses. */
function ci(scripts: Record<"test" | "test:full", { last: string; status: number }>) {
  const arms = Object.entries(scripts).map(
    ([name, { last, status }]) =>
      `"run ${name}") echo "output of ${name}"; echo "${last}"; exit ${status};;`,
  );
  const npm = join(folder, "npm");
  writeFileSync(npm, `#!/bin/sh\ncase "$*" in\n${arms.join("\n")}\nesac\nexit 99\n`);
  chmodSync(npm, 0o755);
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  return endOf(spawnSync("bash", [".ci/run"], { encoding: "utf8", env }));
}

describe(".ci/run counts both", () => {
  const passed = { last: "12 passed, 0 failed, 2 skipped", status: 0 };
  const all = { last: "3 passed, 0 failed", status: 0 };

  test("where both pass", () => {
    const end = ci({ test: passed, "test:full": all });
    expect(end).toMatchObject({ last: "15 passed, 0 failed, 2 skipped", status: 0 });
    expect(end.said).toEqual(["output of test", passed.last, "output of test:full", all.last]);
    expect(ci({ test: all, "test:full": all })).toMatchObject({ last: "6 passed, 0 failed" });
    const one = { last: "failed: a.test.ts: its test\n2 passed, 1 failed", status: 1 };
    const failed = ci({ test: one, "test:full": all });
    expect(failed).toMatchObject({ last: "5 passed, 1 failed", status: 1 });
    expect(failed.said.at(-1)).toBe("failed: a.test.ts: its test");
  });

  test("where either fails, and the second runs all the same", () => {
    const failed = { last: "1 passed, 2 failed", status: 1 };
    const last = "4 passed, 2 failed";
    expect(ci({ test: failed, "test:full": all })).toMatchObject({ last, status: 1 });
    expect(ci({ test: all, "test:full": failed })).toMatchObject({ last, status: 1 });
  });

  test("where one ends without a count", () => {
    const broken = { last: "Killed", status: 137 - 128 };
    const end = ci({ test: broken, "test:full": all });
    expect(end).toMatchObject({ last: "3 passed, 1 failed", status: 1 });
    expect(end.stderr).toContain("npm run test ended without a count");
  });

  test("where a signal ended the first, which ends it all", () => {
    const interrupted = { last: "5 passed, 1 failed", status: 130 };
    const end = ci({ test: interrupted, "test:full": all });
    expect(end).toMatchObject({ last: interrupted.last, status: 130 });
    expect(end.said).toEqual(["output of test", interrupted.last]);
  });
});
