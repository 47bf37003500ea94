import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { githubMargin, tellGithub } from "../../../src/cli/github.ts";
import { program } from "../../../src/cli/program.ts";
import { renderComparisonMarkdown } from "../../../src/report/comparison/markdown.ts";
import { renderJson } from "../../../src/report/exports/json.ts";
import { compareRuns } from "../../../src/stats/compare/runs.ts";
import { bookwormRun, trixieRun } from "../../fixtures/report/kernels.ts";
import { completeRun } from "../../fixtures/report/runs.ts";

const comparison = compareRuns(bookwormRun(), trixieRun());
let folder = "";
let summary = "";
let said = { out: "", err: "" };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bridgescope-github-"));
  summary = join(folder, "summary.md");
  said = { out: "", err: "" };
  vi.stubEnv("GITHUB_ACTIONS", "true");
  vi.stubEnv("GITHUB_STEP_SUMMARY", summary);
  const keep = (name: "out" | "err") => (text: string | Uint8Array) => {
    said[name] += String(text);
    return true;
  };
  vi.spyOn(process.stdout, "write").mockImplementation(keep("out"));
  vi.spyOn(process.stderr, "write").mockImplementation(keep("err"));
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  process.exitCode = undefined;
  rmSync(folder, { recursive: true });
});

describe("on GitHub Actions", () => {
  test("the summary is added to what a step has written, annotations go to stderr", () => {
    writeFileSync(summary, "# before\n");
    tellGithub(comparison);
    expect(readFileSync(summary, "utf8")).toBe(
      `# before\n${renderComparisonMarkdown(comparison)}\n`,
    );
    expect(said.err).toMatch(/^::error title=bridgescope%3A regression::/);
    expect(said.out).toBe("");
  });

  test("what others have written counts for the limit", () => {
    writeFileSync(summary, "");
    appendFileSync(summary, "x".repeat(1024 ** 2 - 3000));
    tellGithub(comparison);
    const text = readFileSync(summary, "utf8");
    expect(text.length).toBeGreaterThan(1024 ** 2 - 1500);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1024 ** 2);
    expect(text).toContain("Shortened");
    appendFileSync(summary, "x".repeat(1024 ** 2));
    tellGithub(comparison);
    expect(said.err).toContain("the step's summary is full");
  });

  test("a summary that cannot be written is a sentence", () => {
    vi.stubEnv("GITHUB_STEP_SUMMARY", join(folder, "nowhere", "summary.md"));
    tellGithub(comparison);
    expect(said.err).toMatch(/bridgescope: the step's summary could not be written: ENOENT/);
    expect(said.err).toContain("::error");
  });
});

test.each(["", "false", "1"])("elsewhere (GITHUB_ACTIONS=%j) nothing is told", (value) => {
  vi.stubEnv("GITHUB_ACTIONS", value);
  tellGithub(comparison);
  expect(said).toEqual({ out: "", err: "" });
  expect(githubMargin()).toBeUndefined();
});

describe("compare on GitHub Actions", () => {
  const compare = async (...words: string[]) => {
    const paths = [completeRun(), { ...completeRun(), id: "other" }].map((run, index) => {
      const path = join(folder, `${index}.json`);
      writeFileSync(path, renderJson(run));
      return path;
    });
    const all = ["compare", ...paths, ...words];
    await (await program(all)).parseAsync(all, { from: "user" });
    return said.out;
  };
  const margins = (text: string) => {
    const { verdicts, warnings } = JSON.parse(text);
    const all = new Set(verdicts.map(({ margin }: { margin: number }) => margin));
    return {
      margins: [...all],
      told: warnings.filter((one: string) => one.includes("5 %")).length,
    };
  };

  test("takes 5 % by the clock and says so, in every format", async () => {
    expect(margins(await compare("--json"))).toEqual({ margins: [0.05], told: 1 });
    for (const format of ["terminal", "markdown", "html", "commit"]) {
      said.out = "";
      const text = (await compare("--format", format)).replaceAll(/\s+/g, " ");
      expect(text).toContain("The margin by the clock is 5 %");
    }
    expect(readFileSync(summary, "utf8")).toContain("The margin by the clock is 5 %");
  });

  test("takes a margin that was given, and 2 % elsewhere", async () => {
    expect(margins(await compare("--json", "--margin", "3%"))).toEqual({
      margins: [0.03],
      told: 0,
    });
    said.out = "";
    vi.stubEnv("GITHUB_ACTIONS", "");
    expect(margins(await compare("--json"))).toEqual({ margins: [0.02], told: 0 });
  });
});

test("counted time keeps its margin on GitHub Actions", () => {
  const compared = compareRuns(bookwormRun(), trixieRun(), { clockMargin: githubMargin() });
  const counted = compared.verdicts.filter(({ unit }) => unit === "instructions");
  expect(new Set(counted.map(({ margin }) => margin))).toEqual(new Set([0.002]));
  expect(compared.warnings).toEqual(comparison.warnings);
});
