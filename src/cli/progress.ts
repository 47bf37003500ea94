import { stderr } from "node:process";
import { stripVTControlCharacters } from "node:util";
import { printable } from "../system/printable.ts";

const HEARTBEAT_MS = 10_000;

/** A progress line on a terminal, otherwise a heartbeat: a line for each new head and every 10 s. */
export function progressLine(): { update(head: string, what: string): void; end(): void } {
  let lastHead = "";
  let lastTime = 0;
  return {
    update: (head, what) => {
      const text = printable(`${head}: ${what}`);
      if (stderr.isTTY) {
        const line = stripVTControlCharacters(text).slice(0, (stderr.columns ?? 80) - 1);
        stderr.write(`\r\u001b[K${line}`);
        return;
      }
      const now = Date.now();
      if (head === lastHead && now - lastTime < HEARTBEAT_MS) return;
      lastHead = head;
      lastTime = now;
      stderr.write(`${text}\n`);
    },
    end: () => {
      if (stderr.isTTY) stderr.write("\r\u001b[K");
    },
  };
}
