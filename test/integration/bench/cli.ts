import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { tagged } from "../host-state.ts";

export const MAIN = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));

export interface Finished {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  process: ChildProcess;
  /** Resolves once `text` was seen on stderr; rejects when the command ended before. */
  saw(text: string): Promise<void>;
  finished: Promise<Finished>;
}

/** The built command, as a user runs it; `enter` are words of a command that runs it elsewhere. */
export function start(
  args: string[],
  env: Record<string, string> = {},
  enter: readonly string[] = [],
): Running {
  const [file = "", ...words] = [...enter, process.execPath, MAIN, ...args];
  const child = spawn(file, words, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...tagged, ...env },
  });
  let stdout = "";
  let stderr = "";
  const waiting: { text: string; resolve: () => void; reject: (error: Error) => void }[] = [];
  child.stdout.on("data", (data) => {
    stdout += String(data);
  });
  child.stderr.on("data", (data) => {
    stderr += String(data);
    for (const one of waiting) if (stderr.includes(one.text)) one.resolve();
  });
  const finished = new Promise<Finished>((resolve) => {
    child.once("close", (code, signal) => {
      for (const one of waiting)
        one.reject(new Error(`ended before it said ${one.text}: ${stderr}`));
      resolve({ code, signal, stdout, stderr });
    });
  });
  return {
    process: child,
    saw: (text) =>
      new Promise((resolve, reject) => {
        if (stderr.includes(text)) resolve();
        else waiting.push({ text, resolve, reject });
      }),
    finished,
  };
}

export function bridgescope(args: string[], env: Record<string, string> = {}): Promise<Finished> {
  return start(args, env).finished;
}

/** A folder that is gone when the test is over. */
export function scratch(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "bridgescope-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
