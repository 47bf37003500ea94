import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";

/** Fails unless every process with the word among its arguments ends in time. */
export async function noProcessWith(word: string): Promise<void> {
  const deadline = Date.now() + 3000;
  while (processesWith(word).length > 0 && Date.now() < deadline) await sleep(50);
  expect(processesWith(word)).toEqual([]);
}

export function processesWith(word: string): string[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      const line = commandLine(pid).replaceAll("\0", " ");
      return line.includes(word) ? [line] : [];
    });
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
