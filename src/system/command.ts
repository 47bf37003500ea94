import type { z } from "zod";
import { printable } from "../text/printable.ts";
import { HangError, PrerequisiteError, ToolError } from "./errors.ts";
import { patience } from "./patience.ts";
import { killGroup } from "./process-group.ts";
import { IDLE_LIMIT_MS, idleTime } from "./progress.ts";

export interface CommandOptions {
  /**
   * Milliseconds after which the tool counts as hanging and is killed. Unless told, it hangs when it has done nothing
   * for IDLE_LIMIT_MS, or has not ended after a minute.
   */
  timeoutMs?: number | undefined;
  /** What the tool reads on its standard input. */
  input?: string;
  env?: Record<string, string>;
  /** The name errors use, where `file` is only the way into a namespace. */
  tool?: string;
  /** Descriptors the tool inherits as 3, 4, …: what hangs on them (a lock) lasts as long as the tool. */
  holds?: readonly number[];
  /** Ends the tool; the command then fails as interrupted. */
  signal?: AbortSignal | undefined;
  /** Called with the process group that the tool leads, as soon as it runs. */
  started?: (group: number) => void;
}

export interface CommandResult {
  stdout: string;
  stderr: string;
  exitCode: number;
}

const BUSY_LIMIT_MS = 60_000;
const LOOK_MS = 250;
const MAX_OUTPUT_BYTES = 32 << 20;

/**
 * Runs a foreign tool to its end; arguments never pass a shell.
 * A non-zero exit is a result. A tool that is missing, hangs, dies of a signal or floods us is a ToolError.
 */
export async function run(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const timeoutMs = patience(options.timeoutMs ?? BUSY_LIMIT_MS);
  const idleLimitMs = options.timeoutMs === undefined ? IDLE_LIMIT_MS : timeoutMs;
  const tool = options.tool ?? file;
  // Loaded at the first tool: it takes as long as building a lab of 50, which needs none.
  const { execa } = await import("execa");
  const child = execa(file, args, {
    reject: false,
    stripFinalNewline: false,
    // A group of its own: what the tool has started goes with it, and Ctrl-C is ours to handle.
    detached: true,
    maxBuffer: MAX_OUTPUT_BYTES,
    env: { LC_ALL: "C", ...options.env },
    stdio: [
      options.input === undefined ? "ignore" : "pipe",
      "pipe",
      "pipe",
      // Execa's types know of single-digit descriptors only; the program takes any.
      ...((options.holds ?? []) as 3[]),
    ],
    ...(options.input === undefined ? {} : { input: options.input }),
  });
  const kill = () => killGroup(child.pid);
  if (child.pid !== undefined) options.started?.(child.pid);
  let hung: HangError | undefined;
  const stop = (afterMs: number) => {
    hung = new HangError(tool, `${tool} did not answer within ${afterMs / 1000} s and was stopped`);
    kill();
  };
  const timer = setTimeout(() => stop(timeoutMs), timeoutMs);
  const idle = idleTime(child.pid ?? 0);
  const look = setInterval(() => {
    if (idle() > idleLimitMs) stop(idleLimitMs);
  }, LOOK_MS);
  options.signal?.addEventListener("abort", kill, { once: true });
  child.once("exit", kill);
  const result = await child;
  clearTimeout(timer);
  clearInterval(look);
  options.signal?.removeEventListener("abort", kill);
  options.signal?.throwIfAborted();
  if (hung !== undefined) throw hung;
  if (result.isMaxBuffer) {
    throw new ToolError(
      tool,
      `${tool} printed more than ${MAX_OUTPUT_BYTES >> 20} MB and was stopped`,
    );
  }
  if (result.exitCode === undefined) {
    if (result.code === "ENOENT") {
      throw notInstalled(tool);
    }
    throw new ToolError(
      tool,
      `${tool} ended by ${result.signal ?? result.shortMessage ?? "a signal"}`,
    );
  }
  if (file !== tool && result.exitCode === 127) {
    throw notInstalled(tool);
  }
  return { stdout: result.stdout, stderr: result.stderr, exitCode: result.exitCode };
}

function notInstalled(tool: string): PrerequisiteError {
  return new PrerequisiteError(
    `${tool} is not installed or not on PATH; \`bridgescope doctor\` says how to get it`,
  );
}

/** Like `run`, and a non-zero exit is a ToolError that carries what the tool said. */
export async function runOk(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const result = await run(file, args, options);
  const tool = options.tool ?? file;
  if (result.exitCode === 0) return result.stdout;
  const said = printable(
    (result.stderr || result.stdout).trim().split("\n").slice(0, 3).join("; "),
  );
  throw new ToolError(
    file,
    `${tool} ${printable(args.join(" ")).slice(0, 200)} failed with ${result.exitCode}: ${said}`,
  );
}

/** Parses a tool's JSON; output that is no JSON, or not of that shape, is the tool's fault and says so. */
export function parseToolJson<S extends z.ZodType>(
  tool: string,
  text: string,
  schema: S,
): z.infer<S> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ToolError(tool, `${tool} did not print JSON but: ${printable(text.slice(0, 80))}`, {
      cause,
    });
  }
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const at = printable(issue?.path.join(".") || "its top");
  throw new ToolError(
    tool,
    `${tool} did not print the JSON that it usually prints: at ${at}, ${issue?.message}`,
  );
}
