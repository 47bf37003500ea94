import { ToolError } from "../system/errors.ts";
import { INIT_SAYS, UP } from "./init.ts";
import { QEMU } from "./qemu.ts";

const KEPT_LINES = 20_000;
const SHOWN_LINES = 20;

/** A guest's console as far as it is known. */
export interface Console {
  readonly lines: string[];
  add(line: string): void;
  /** Whether init has spoken. */
  isUp(): boolean;
}

export function openConsole(onLine: ((line: string) => void) | undefined): Console {
  const lines: string[] = [];
  let up = false;
  return {
    lines,
    isUp: () => up,
    add: (line) => {
      up ||= line.includes(UP);
      if (lines.length === KEPT_LINES) lines.shift();
      lines.push(line);
      onLine?.(line);
    },
  };
}

export interface End {
  /** Why we ended it, in words; null when it ended by itself. */
  stopped: string | null;
  code: number | null;
  signal: string | null;
  complaints: string;
}

/** Why a guest brought no results: one sentence, then what its console said last. */
export function explainEnd(kernel: string, guest: Console, end: End): ToolError {
  const reason = reasonFor(kernel, guest, end);
  const last = guest.lines.filter((line) => line.trim() !== "").slice(-SHOWN_LINES);
  const shown =
    last.length === 0
      ? "its console said nothing"
      : `the last lines of its console:\n${last.map((line) => `  ${line}`).join("\n")}`;
  return new ToolError(QEMU, `${reason}; ${shown}`);
}

function reasonFor(kernel: string, guest: Console, end: End): string {
  const panic = guest.lines.find((line) => line.includes(PANIC));
  if (panic !== undefined && !panic.includes("Attempted to kill init! exitcode=0x00000000")) {
    const said = panic.slice(panic.indexOf(PANIC) + PANIC.length).trim();
    return `the guest's kernel ${kernel} panicked (${said})`;
  }
  if (end.stopped !== null) return `the guest with ${kernel} ${end.stopped}`;
  if (end.code !== 0) {
    const how = end.code === null ? `was ended by ${end.signal}` : `ended with ${end.code}`;
    return `${QEMU} ${how} (${end.complaints || "no reason given"})`;
  }
  if (!guest.isUp()) return `${QEMU} ended before the init of the guest with ${kernel} had begun`;
  const last = guest.lines.findLast((line) => line.includes(INIT_SAYS)) ?? "";
  const state = last.slice(last.indexOf(INIT_SAYS) + INIT_SAYS.length);
  return `the guest with ${kernel} ended without handing over its results (its init's last word: ${state})`;
}

const PANIC = "Kernel panic - not syncing:";
