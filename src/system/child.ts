import { type ChildProcess, spawn } from "node:child_process";
import { printable } from "../text/printable.ts";
import { ToolError } from "./errors.ts";
import { patience } from "./patience.ts";
import { killGroup } from "./process-group.ts";
import type { Site } from "./site.ts";

/** A tool that runs beside us. It dies with us: its parent-death signal is SIGKILL. */
export interface Child {
  readonly tool: string;
  readonly pid: number;
  readonly process: ChildProcess;
  /** Everything it said on stderr so far, safe to print. */
  complaints(): string;
  /** Resolves when it has ended, however it ended. */
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  /** Sends `signal`, and SIGKILL when it has not ended in time. True when it went by itself. */
  stop(signal: NodeJS.Signals, timeoutMs: number): Promise<boolean>;
}

const STDERR_KEPT = 16_384;

/** Starts a tool at a site, in `namespace` and on `cpus` when they are given. In a session of its own: Ctrl-C is ours to handle. */
export function startChild(
  site: Site,
  tool: string,
  args: readonly string[],
  options: { namespace?: string; env?: Record<string, string>; cpus?: readonly number[] } = {},
): Child {
  const [file, words] = site.command(tool, args, options.namespace);
  const pin = options.cpus === undefined ? [] : ["taskset", "-c", options.cpus.join(",")];
  // Each of these becomes the next by execve(2), which keeps the parent-death signal and the CPUs.
  const child = spawn("setpriv", ["--pdeathsig", "KILL", ...pin, file, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    env: { ...process.env, LC_ALL: "C", ...options.env },
  });
  // What the tool has started would hold its pipes open and outlive it.
  child.once("exit", () => killGroup(child.pid));
  let said = "";
  child.stderr?.on("data", (data) => {
    said = (said + String(data)).slice(-STDERR_KEPT);
  });
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.once("close", (code, signal) => resolve({ code, signal }));
    child.once("error", (error) => {
      said += error.message;
      resolve({ code: 127, signal: null });
    });
  });
  return {
    tool,
    pid: child.pid ?? 0,
    process: child,
    complaints: () => said.trim().split("\n").map(printable).join("; "),
    ended,
    stop: async (signal, timeoutMs) => {
      if (child.exitCode !== null || child.signalCode !== null) return true;
      if (signal === "SIGKILL") killGroup(child.pid);
      else child.kill(signal);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<"late">((resolve) => {
        timer = setTimeout(() => resolve("late"), timeoutMs);
      });
      const first = await Promise.race([ended, late]);
      clearTimeout(timer);
      if (first !== "late") return true;
      killGroup(child.pid);
      await ended;
      return false;
    },
  };
}

/** Waits for a child to end by itself; a hang is a ToolError within `usualMs` (see patience.ts). */
export async function finish(child: Child, usualMs: number, signal?: AbortSignal): Promise<number> {
  const timeoutMs = patience(usualMs);
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  try {
    const bound = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () =>
          reject(
            new ToolError(child.tool, `${child.tool} did not end within ${timeoutMs / 1000} s`),
          ),
        timeoutMs,
      );
      onAbort = () => reject(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      if (signal?.aborted) onAbort();
    });
    const { code, signal: death } = await Promise.race([child.ended, bound]);
    if (code === null) throw new ToolError(child.tool, `${child.tool} was ended by ${death}`);
    return code;
  } finally {
    clearTimeout(timer);
    if (onAbort !== undefined) signal?.removeEventListener("abort", onAbort);
    await child.stop("SIGKILL", 1000);
  }
}
