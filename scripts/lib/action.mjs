import { Failure } from "./failure.mjs";

const OPTIONS = {
  BRIDGESCOPE_TOPOLOGY: "--topology",
  BRIDGESCOPE_VS: "--vs",
  BRIDGESCOPE_BASE_SETUP: "--base-setup",
  BRIDGESCOPE_BASE_TEARDOWN: "--base-teardown",
  BRIDGESCOPE_CANDIDATE_SETUP: "--candidate-setup",
  BRIDGESCOPE_CANDIDATE_TEARDOWN: "--candidate-teardown",
  BRIDGESCOPE_WORKLOAD: "--workload",
  BRIDGESCOPE_BUDGET: "--budget",
  BRIDGESCOPE_MARGIN: "--margin",
  BRIDGESCOPE_FAIL_ON: "--fail-on",
};
const WORST_FIRST = ["regression", "inconclusive", "improvement", "unchanged"];

/** The words after `bridgescope`; an input that is empty was not given. */
export function benchArguments(env, out) {
  const setUps = [env.BRIDGESCOPE_BASE_SETUP, env.BRIDGESCOPE_CANDIDATE_SETUP].filter(Boolean);
  if (setUps.length === 1) throw usage("base-setup and candidate-setup go together");
  const variants = env.BRIDGESCOPE_TOPOLOGY && env.BRIDGESCOPE_VS;
  if (setUps.length === 0 && !variants) {
    throw usage("give topology and vs, or base-setup and candidate-setup");
  }
  const given = setUps.length === 0 ? env : { ...env, BRIDGESCOPE_TOPOLOGY: "external" };
  const words = Object.entries(OPTIONS).flatMap(([name, option]) =>
    given[name] ? [option, given[name]] : [],
  );
  return ["bench", ...words, "--out", out];
}

/** The worst of the verdicts that declare something; empty without any. */
export function overallVerdict({ verdicts }) {
  const found = verdicts.filter((one) => one.exploratory !== true).map(({ verdict }) => verdict);
  return WORST_FIRST.find((verdict) => found.includes(verdict)) ?? "";
}

function usage(text) {
  return new Failure(`action.yml: ${text}`, 2);
}
