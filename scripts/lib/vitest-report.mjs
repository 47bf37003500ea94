/** The tag of tests that repeat or take long: npm test leaves them out, npm run test:full runs them alone. */
export const FULL = "full";

/**
 * Counts from vitest's JSON report. What was not asked for is in it as skipped, and counts as nothing. A test file that
 * could not be loaded has no tests to fail, and an error outside any test shows in the exit status alone: each counts
 * as one failure.
 */
export function countTests(result, exitCode, full) {
  if (result === null) return { passed: 0, failed: 1, skipped: 0, failures: [] };
  const asked = ({ tags }) => full === undefined || tags.includes(FULL) === full;
  const tests = result.testResults.flatMap((file) => file.assertionResults).filter(asked);
  const count = (...statuses) => tests.filter(({ status }) => statuses.includes(status)).length;
  const brokenFiles = result.testResults.filter(
    (file) =>
      file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
  ).length;
  const failed = count("failed") + brokenFiles;
  const outside = failed === 0 && exitCode !== 0;
  return {
    passed: count("passed"),
    failed: outside ? 1 : failed,
    skipped: count("skipped", "pending", "todo"),
    failures: outside
      ? [`no test, but something outside them: vitest ended with ${exitCode}, see what it printed`]
      : result.testResults.flatMap(failuresOf),
  };
}

/** A line a failure: the file, the test, and the first line of what it said. */
function failuresOf({ name: file, message, status, assertionResults }) {
  const failed = assertionResults.filter((test) => test.status === "failed");
  if (failed.length === 0) return status === "failed" ? [line(file, message)] : [];
  return failed.map((test) => line(`${file}: ${test.fullName}`, test.failureMessages[0]));
}

function line(what, said = "") {
  return `${what}: ${said.split("\n")[0]}`;
}
