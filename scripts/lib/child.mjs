import { spawn } from "node:child_process";
import { constants } from "node:os";
import { Failure } from "./failure.mjs";
import { findCommand } from "./find-command.mjs";

const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];
// On Ctrl-C the terminal signals the whole group and npm passes the signal on as well:
// what comes again this soon is the same key press.
const SAME_SIGNAL_MS = 500;

/**
 * Runs a command to its end and gives its exit status, 128+n when a signal ended it.
 *
 * The child has a session of its own, so that each signal reaches it exactly once, through us,
 * and we outlive it: it can clean up and its status is ours. `tied` ends it when we are killed.
 */
export async function runChild(file, args, options = {}) {
  const { stdio = "inherit", env = process.env, cwd, tied = true, onOutput } = options;
  const setpriv = tied ? findCommand("setpriv") : null;
  const [command, argv] = setpriv
    ? [setpriv, ["--pdeathsig", "TERM", file, ...args]]
    : [file, args];
  const child = spawn(command, argv, { stdio, env, cwd, detached: true });
  const received = forwardSignals(child);
  if (onOutput) for (const stream of [child.stdout, child.stderr]) stream?.on("data", onOutput);
  try {
    const { code, signal } = await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve({ code, signal }));
    });
    return { exitCode: code ?? 128 + constants.signals[signal], interruptedBy: received.signal };
  } catch (error) {
    throw new Failure(error.code === "ENOENT" ? `${file} was not found on PATH` : error.message, 4);
  } finally {
    received.stop();
  }
}

function forwardSignals(child) {
  const received = { signal: null, stop: () => {} };
  const lastAt = new Map();
  const forward = (signal) => {
    const now = performance.now();
    if (now - (lastAt.get(signal) ?? -Infinity) < SAME_SIGNAL_MS) return;
    lastAt.set(signal, now);
    received.signal = signal;
    child.kill(signal);
  };
  const resize = () => child.kill("SIGWINCH");
  for (const signal of FORWARDED) process.on(signal, forward);
  process.on("SIGWINCH", resize);
  received.stop = () => {
    for (const signal of FORWARDED) process.off(signal, forward);
    process.off("SIGWINCH", resize);
  };
  return received;
}

/** A set-up step's child: its output goes to stderr, since stdout belongs to the data. */
export async function runStep(what, file, args, options = {}) {
  const { exitCode, interruptedBy } = await runChild(file, args, {
    ...options,
    stdio: ["ignore", 2, 2],
  });
  if (interruptedBy) {
    throw new Failure(`${what} was interrupted`, 128 + constants.signals[interruptedBy]);
  }
  if (exitCode !== 0) throw new Failure(`${what} failed with exit status ${exitCode}; see above`);
}
