import { progressText } from "../report/progress.ts";

const HEARTBEAT_MS = 10_000;
const CLEAR = "\r\u001b[K";

/** What a line can be drawn on: stderr, or another stream of text. */
export interface Output {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

/** A progress line on a terminal, otherwise a heartbeat: a line for each new head and every 10 s. */
export function progressLine(output: Output = process.stderr): {
  update(head: string, words: string): void;
  end(): void;
} {
  let lastHead = "";
  let lastTime = 0;
  return {
    update: (head, words) => {
      if (output.isTTY) {
        // A terminal that cannot say how wide it is says 0.
        const width = (output.columns || 80) - 1;
        output.write(`${CLEAR}${progressText(head, words, width)}`);
        return;
      }
      const now = Date.now();
      if (head === lastHead && now - lastTime < HEARTBEAT_MS) return;
      lastHead = head;
      lastTime = now;
      output.write(`${progressText(head, words, Number.POSITIVE_INFINITY)}\n`);
    },
    end: () => {
      if (output.isTTY) output.write(CLEAR);
    },
  };
}
