import type { Running } from "../bench/running.ts";
import { progressHead, progressWords } from "../report/progress.ts";
import { renderTables } from "../report/terminal/run.ts";
import { printableLines } from "../text/printable.ts";
import { type Output, progressLine } from "./progress.ts";
import { terminalOptions } from "./terminal.ts";

export interface TrackOptions {
  /** Where everything is written; stderr when absent. */
  stream?: Output;
  /** A line that says what is being done, how fast and how long still: on a terminal redrawn, else now and then. */
  progress?: boolean;
  /** At the end what went wrong, and one line a case and headline metric; or why there is none. */
  results?: boolean;
  /** At the end where round trips and the kernel's stages lie. */
  percentiles?: boolean;
}

/**
 * Shows a run on a terminal while it goes and when it has ended, each part unless it is switched off, and returns
 * the same run: `await track(bench())`. What is shown at the end is written before the one who awaits goes on.
 * Colours are for terminals alone, and not with NO_COLOR. A rejection is shown, and thrown only to who awaits.
 */
export function track(running: Running, options: TrackOptions = {}): Running {
  const { stream = process.stderr, progress = true, results = true, percentiles = true } = options;
  const line = progressLine(stream);
  let over = false;
  const follow = async () => {
    for await (const step of running) {
      // What was still to be read must not come after the end.
      if (over) break;
      line.update(progressHead(step), progressWords(step));
    }
  };
  if (progress) void follow();
  const end = (text: string) => {
    over = true;
    if (progress) line.end();
    if (text !== "") stream.write(text);
  };
  running.then(
    (run) => end(renderTables(run, terminalOptions(stream), { results, percentiles })),
    (error: unknown) => end(results ? complaint(error) : ""),
  );
  return running;
}

function complaint(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return `bridgescope: ${printableLines(message).join("\n")}\n`;
}
