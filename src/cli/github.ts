/** What GitHub Actions is told beside the output: a summary, annotations, and its own margin. */
import { appendFileSync, statSync } from "node:fs";
import type { Comparison } from "../document/compare.ts";
import { githubAnnotations, githubSummary } from "../report/comparison/github.ts";
import type { ClockMargin } from "../stats/compare/pair.ts";

/** GitHub refuses the whole summary of a step that is larger. */
const SUMMARY_BYTES = 1024 ** 2;
/** 5 %: its runners are virtual machines that share their host. */
const SHARED_MARGIN = 0.05;

/** The margin by the clock where nobody gave one: another on GitHub Actions, else the product's own. */
export function githubMargin(): ClockMargin | undefined {
  if (!onGithub()) return undefined;
  return {
    share: SHARED_MARGIN,
    why: "The margin by the clock is 5 %, for runners of GitHub Actions share their machine with others; --margin sets another.",
  };
}

/** On GitHub Actions, and nowhere else. Never fails: a verdict does not depend on who could be told. */
export function tellGithub(comparison: Comparison): void {
  if (!onGithub()) return;
  // The runner reads commands on both streams, and stdout is the reader's.
  process.stderr.write(githubAnnotations(comparison));
  const path = process.env.GITHUB_STEP_SUMMARY;
  if (!path) return;
  try {
    const used = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    const text = githubSummary(comparison, SUMMARY_BYTES - used);
    if (text === "") say(`the step's summary is full: this comparison is not in it`);
    else appendFileSync(path, text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    say(`the step's summary could not be written: ${reason}`);
  }
}

function onGithub(): boolean {
  return process.env.GITHUB_ACTIONS === "true";
}

function say(text: string): void {
  process.stderr.write(`bridgescope: ${text}\n`);
}
