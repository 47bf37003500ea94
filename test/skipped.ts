/** Says past vitest, which shows the reason of a skip to nobody, why a test cannot run here. */
function say(reason: string): void {
  process.stdout.write(`skipped: ${reason}\n`);
}

/** Skips the test that it is called in. */
export function skipped(skip: (reason: string) => never, reason: string): never {
  say(reason);
  return skip(reason);
}

/** For `test.skipIf`: whether there is a reason why `what` cannot run here; null is none. */
export function cannot(what: string, reason: string | null): boolean {
  if (reason !== null) say(`${what}: ${reason}`);
  return reason !== null;
}
