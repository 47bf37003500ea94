/** What a person is meant to read: one sentence, no stack trace. */
export class Failure extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Runs a script's main function; a Failure becomes one line and its exit status. */
export async function main(body) {
  try {
    process.exitCode = await body();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    process.stderr.write(`bridgescope: ${error.message}\n`);
    process.exitCode = error.exitCode;
  }
}
