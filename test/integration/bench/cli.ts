import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { ownFolder, tagged } from "../host-state.ts";

export const MAIN = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));

export interface Finished {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  process: ChildProcess;
  /** Resolves once `text` was seen on stdout or stderr; rejects when the command ended before. */
  saw(text: string): Promise<void>;
  finished: Promise<Finished>;
}

const environment = (env: Record<string, string>) => ({ ...process.env, ...tagged, ...env });

/** The built command, as a user runs it; `enter` are words of a command that runs it elsewhere. */
export function start(
  args: string[],
  env: Record<string, string> = {},
  enter: readonly string[] = [],
): Running {
  const [file = "", ...words] = [...enter, process.execPath, MAIN, ...args];
  return follow(spawn(file, words, { stdio: ["ignore", "pipe", "pipe"], env: environment(env) }));
}

export interface OnTerminal extends Running {
  type(keys: string): void;
}

/** The same on a terminal so wide, whose keys are typed here; all that it shows is stdout. */
export function startOnTerminal(args: string[], columns = 80): OnTerminal {
  const words = [process.execPath, MAIN, ...args].map((word) => `'${word}'`);
  const command = `stty cols ${columns} rows 20; exec ${words.join(" ")}`;
  const child = spawn("script", ["-qec", command, "/dev/null"], {
    stdio: ["pipe", "pipe", "pipe"],
    env: environment({ NO_COLOR: "1" }),
  });
  return { ...follow(child), type: (keys) => void child.stdin.write(keys) };
}

function follow(child: ChildProcessByStdio<Writable | null, Readable, Readable>): Running {
  let stdout = "";
  let stderr = "";
  const waiting: { text: string; resolve: () => void; reject: (error: Error) => void }[] = [];
  const said = (text: string) => stdout.includes(text) || stderr.includes(text);
  const look = () => {
    for (const one of waiting) if (said(one.text)) one.resolve();
  };
  child.stdout.on("data", (data) => {
    stdout += String(data);
    look();
  });
  child.stderr.on("data", (data) => {
    stderr += String(data);
    look();
  });
  const finished = new Promise<Finished>((resolve) => {
    child.once("close", (code, signal) => {
      for (const one of waiting)
        one.reject(new Error(`ended before it said ${one.text}: ${stdout}${stderr}`));
      resolve({ code, signal, stdout, stderr });
    });
  });
  return {
    process: child,
    saw: (text) =>
      new Promise((resolve, reject) => {
        if (said(text)) resolve();
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
  const path = ownFolder("test");
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
