import { runChild } from "./child.mjs";
import { Failure } from "./failure.mjs";
import { ROOT } from "./repository.mjs";
import { ensureSystemPackages } from "./system-packages.mjs";

const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

const print = (text) => process.stdout.write(`${text}\n`);

/** Prints what is done and how long it took; gives what `body` gives. */
export async function timed(title, body) {
  print(`── ${title}`);
  const since = performance.now();
  const result = await body();
  print(`── ${title}: ${seconds(since)}`);
  return result;
}

/** Quiet when it passes, the whole output when it fails; `run` hands its output to what it is called with. */
export async function quietly(title, run) {
  const since = performance.now();
  const chunks = [];
  const result = await run((chunk) => chunks.push(chunk));
  const passed = result.failed === 0;
  if (!passed) process.stdout.write(Buffer.concat(chunks));
  print(`── ${title}: ${passed ? "passed" : "FAILED"}, ${seconds(since)}`);
  return result;
}

/** A check that is no test: a command that fails counts as one failure. */
export function check(title, file, args) {
  return quietly(title, async (onOutput) => {
    const { exitCode, interruptedBy } = await runChild(file, args, {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      onOutput,
    });
    return { passed: 0, failed: exitCode === 0 ? 0 : 1, skipped: 0, interruptedBy };
  });
}

/** Says what is left out and why. */
export function skipped(what, reason) {
  print(`── skipped: ${what}: ${reason}`);
  return null;
}

/** Whether the packages that tests take are there, or could be installed. */
export async function ready(tests, packages, say) {
  try {
    await ensureSystemPackages(packages, say);
    return true;
  } catch (error) {
    if (!(error instanceof Failure) || error.exitCode >= 128) throw error;
    skipped(tests, error.message);
    return false;
  }
}
