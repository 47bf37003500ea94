import { Command } from "commander";
import type { Comparison, Verdict } from "../document/compare.ts";
import { COMPARISON_FORMATS, renderComparison } from "../report/comparison.ts";
import { compareStored } from "../store/compare.ts";
import { UsageError } from "../system/errors.ts";
import { plural } from "../text/units.ts";
import { FAIL_ON_HELP } from "./bench-options.ts";
import { githubMargin, tellGithub } from "./github.ts";
import { terminalOptions } from "./terminal.ts";

interface CompareOptions {
  margin?: string;
  format: string;
  json?: boolean;
  failOn?: string;
}

const HELP = `
A folder of run folders, or a pattern such as 'nightly/*', is one side of several runs.
By the clock only several runs a side carry a verdict, since one says nothing of the next.

Exit status: 3 when a verdict is regression, else 0.
`;

const REGRESSION = 3;
export function compareCommand(): Command {
  const names = COMPARISON_FORMATS.map((format) => format.name).join(", ");
  return new Command("compare")
    .description("compare stored runs: ratios with intervals, and a verdict for each stage")
    .argument("<base>", "a run, or several: run.json, a folder, or a pattern in quotes")
    .argument("<candidates...>", "the same; each is compared with the base")
    .option(
      "--margin <share>",
      "the smallest change worth a verdict (0.2% counted, 2% by the clock, 5% on GitHub Actions)",
    )
    .option("--format <name>", `one of ${names}`, "terminal")
    .option("--json", "the same as --format json")
    .option("--fail-on <verdicts>", FAIL_ON_HELP)
    .addHelpText("after", HELP)
    .action(compare);
}

function compare(base: string, candidates: string[], options: CompareOptions): void {
  const format = options.json ? "json" : options.format;
  checkFormat(format);
  const failOn = failOnOf(options.failOn);
  const margin = options.margin === undefined ? undefined : marginOf(options.margin);
  const argv = ["bridgescope", ...process.argv.slice(2)];
  const comparison = compareStored(base, candidates, {
    margin,
    clockMargin: githubMargin(),
    argv,
  });
  process.stdout.write(renderComparison(format, comparison, terminalOptions()));
  tellGithub(comparison);
  warnInconclusive(comparison);
  process.exitCode = exitStatus(comparison, failOn);
}

/** Says on stderr how many verdicts are open: they do not fail a script unless --fail-on says so. */
export function warnInconclusive({ verdicts }: Comparison): void {
  const open = verdicts.filter(
    (one) => one.verdict === "inconclusive" && one.exploratory !== true,
  ).length;
  if (open === 0) return;
  process.stderr.write(
    `bridgescope: ${plural(open, "verdict is", "verdicts are")} inconclusive; the report says why\n`,
  );
}

/** What a comparison means to a script; `failOn` are the verdicts that fail it. */
export function exitStatus(
  { verdicts }: Comparison,
  failOn: readonly Verdict["verdict"][] = ["regression"],
): number {
  const found = (name: Verdict["verdict"]) =>
    failOn.includes(name) &&
    verdicts.some((one) => one.verdict === name && one.exploratory !== true);
  if (found("regression")) return REGRESSION;
  return FAIL_ON.some(found) ? FAILED : 0;
}

const FAIL_ON = ["regression", "improvement", "inconclusive"] as const;
const FAILED = 1;

/** `inconclusive`, say, beside a regression, which always fails; or `nothing`. */
export function failOnOf(text: string | undefined): readonly Verdict["verdict"][] {
  if (text === undefined) return ["regression"];
  if (text === "nothing") return [];
  const more = text.split(",").map((word) => {
    const known = FAIL_ON.find((one) => one === word.trim());
    if (known !== undefined) return known;
    throw new UsageError(
      `--fail-on expects ${FAIL_ON.join(", ")} (several with commas) or nothing, not "${text}"`,
    );
  });
  return [...new Set(["regression" as const, ...more])];
}

function checkFormat(name: string): void {
  const names = COMPARISON_FORMATS.map((format) => format.name);
  if (!names.includes(name)) {
    throw new UsageError(`unknown format "${name}"; known are ${names.join(", ")}`);
  }
}

/** `2%`, or the share itself, `0.02`. */
export function marginOf(text: string): number {
  const [, digits = "", sign] = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(text.trim()) ?? [];
  const share = sign === "%" ? Number(digits) / 100 : Number(digits);
  if (digits === "" || !(share >= 0 && share < 1)) {
    throw new UsageError(`--margin is a share from 0 to 1: expected 2% or 0.02, not "${text}"`);
  }
  return share;
}
