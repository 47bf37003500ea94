import { spawn } from "node:child_process";
import { constants } from "node:os";
import { type CommandResult, run } from "../system/command.ts";
import { PrerequisiteError } from "../system/errors.ts";
import { keptNamespace } from "./kept.ts";

/** Whoever captures a command's output waits for its end, but not for ever. */
const CAPTURE_TIMEOUT_MS = 3_600_000;

/** Words of a command that a shell runs in its own place: exit 127 for one that does not exist. */
const REPLACE_SHELL = ["sh", "-c", 'exec "$@"', "sh"];

/**
 * Runs a command in the namespace of a kept lab's host (or `sw`, the bridge's) on our own standard
 * streams. Resolves with its exit status, 128 + n when signal n ended it.
 */
export async function execInLab(
  lab: string,
  host: string,
  command: readonly string[],
): Promise<number> {
  const namespace = keptNamespace(lab, host);
  const child = spawn("ip", ["netns", "exec", namespace, ...REPLACE_SHELL, ...command], {
    stdio: "inherit",
  });
  const release = passSignals((signal) => void child.kill(signal));
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once("error", (cause) =>
        reject(new PrerequisiteError("ip (package iproute2) could not be started", { cause })),
      );
      child.once("exit", (code, signal) => {
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
      });
    });
  } finally {
    release();
  }
}

/** The same with what the command wrote, for `--json`. */
export function captureInLab(
  lab: string,
  host: string,
  command: readonly string[],
): Promise<CommandResult> {
  const words = ["netns", "exec", keptNamespace(lab, host), ...REPLACE_SHELL, ...command];
  return run("ip", words, { timeoutMs: CAPTURE_TIMEOUT_MS });
}

/** The terminal sends its signals to the command as well as to us; others reach us alone. */
function passSignals(pass: (signal: NodeJS.Signals) => void): () => void {
  const handlers = [
    ["SIGINT", () => {}],
    ["SIGQUIT", () => {}],
    ["SIGTERM", () => pass("SIGTERM")],
    ["SIGHUP", () => pass("SIGHUP")],
  ] as const;
  for (const [signal, handler] of handlers) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
}
