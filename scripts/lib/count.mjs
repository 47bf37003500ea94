import { constants } from "node:os";
import { Failure } from "./failure.mjs";

/**
 * Runs `body`, whose steps hand their counts to `add`, and ends stdout with one line: `N passed, N failed`, and
 * `, N skipped` where some were. Gives an exit status that agrees with it.
 */
export async function counted(body) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const failures = [];
  const add = (result) => {
    for (const key of Object.keys(total)) total[key] += result[key];
    failures.push(...(result.failures ?? []));
    if (result.interruptedBy) {
      throw new Failure(
        "the tests were interrupted",
        128 + constants.signals[result.interruptedBy],
      );
    }
  };
  let exitCode = null;
  try {
    await body(add);
  } catch (error) {
    // The count is the last line whatever happened.
    const known = error instanceof Failure;
    process.stderr.write(`bridgescope: ${known ? error.message : error.stack}\n`);
    total.failed += 1;
    exitCode = known ? error.exitCode : 1;
  }
  // Once more at the end, where whoever sees only the end looks.
  for (const failure of failures) process.stdout.write(`failed: ${failure}\n`);
  process.stdout.write(`${totalLine(total)}\n`);
  return exitCode ?? (total.failed === 0 && total.passed > 0 ? 0 : 1);
}

function totalLine({ passed, failed, skipped }) {
  const parts = [`${passed} passed`, `${failed} failed`];
  return [...parts, ...(skipped ? [`${skipped} skipped`] : [])].join(", ");
}
