import { spawn } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { ToolError } from "../system/errors.ts";
import { killGroup } from "../system/process-group.ts";
import { printable } from "../text/printable.ts";
import { QEMU } from "./qemu.ts";
import { runTool, searchPath } from "./tool.ts";

/** A qemu that runs. It dies with us: its parent-death signal is SIGKILL. */
export interface Hypervisor {
  /** 0 where it could not be started. */
  readonly pid: number;
  /** Resolves when it has ended, however it ended. */
  readonly ended: Promise<{ code: number | null; signal: string | null }>;
  /** What qemu itself said, safe to print. */
  complaints(): string;
  kill(): void;
}

const STDERR_KEPT = 8192;
const LONGEST_LINE = 4096;

/** Starts qemu in a session of its own; each line of the guest's console is handed on, safe to print. */
export function startQemu(
  args: readonly string[],
  onLine: (line: string) => void,
  signal?: AbortSignal,
): Hypervisor {
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", QEMU, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    env: { ...process.env, LC_ALL: "C", PATH: searchPath() },
  });
  const kill = () => killGroup(child.pid);
  signal?.addEventListener("abort", kill, { once: true });
  if (signal?.aborted) kill();
  let rest = "";
  const hand = (line: string) =>
    onLine(printable(stripVTControlCharacters(line.replace(/\r/g, "")).replaceAll("\t", "  ")));
  child.stdout.setEncoding("utf8").on("data", (data: string) => {
    const lines = (rest + data).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) hand(line);
    if (rest.length > LONGEST_LINE) {
      hand(rest);
      rest = "";
    }
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (data: string) => {
    said = (said + data).slice(-STDERR_KEPT);
  });
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    const end = (code: number | null, death: string | null) => {
      signal?.removeEventListener("abort", kill);
      if (rest !== "") hand(rest);
      rest = "";
      resolve({ code, signal: death });
    };
    child.once("close", end);
    child.once("error", (error) => {
      said += error.message;
      end(127, null);
    });
  });
  return {
    pid: child.pid ?? 0,
    ended,
    complaints: () =>
      said
        .split("\n")
        // KVM's remarks on features of the host are no errors.
        .filter((line) => line.trim() !== "" && !/: warning: /.test(line))
        .map((line) => printable(line.replace(/^qemu-system-x86_64: /, "")))
        .join("; "),
    kill,
  };
}

/** qemu and its version, as it says it; one that says none is a ToolError. */
export async function hypervisorVersion(signal?: AbortSignal): Promise<string> {
  const { stdout, stderr, exitCode } = await runTool(QEMU, ["--version"], { signal });
  const version = /^QEMU emulator version (.+)$/m.exec(stdout)?.[1];
  if (exitCode === 0 && version !== undefined) return `qemu ${printable(version)}`;
  const said = printable((stderr || stdout).trim().slice(0, 200)) || "nothing";
  throw new ToolError(QEMU, `${QEMU} --version ended with ${exitCode} and said: ${said}`);
}
