import { runChild } from "./child.mjs";
import { ROOT } from "./repository.mjs";

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

/** A check that is no test: quiet when it passes, its whole output when it fails. */
export async function check(title, file, args) {
  const since = performance.now();
  const chunks = [];
  const { exitCode, interruptedBy } = await runChild(file, args, {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "pipe"],
    onOutput: (chunk) => chunks.push(chunk),
  });
  if (exitCode !== 0) process.stdout.write(Buffer.concat(chunks));
  print(
    `── ${title}: ${exitCode === 0 ? "passed" : `FAILED (exit status ${exitCode})`}, ${seconds(since)}`,
  );
  return { passed: 0, failed: exitCode === 0 ? 0 : 1, skipped: 0, interruptedBy };
}
