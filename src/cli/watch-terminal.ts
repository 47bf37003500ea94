/** The terminal while `watch` has it: another screen, keys as they are pressed, and all of it given back. */
import { writeSync } from "node:fs";
import { emitKeypressEvents } from "node:readline";
import type { WatchRecord } from "../document/watch.ts";
import { drawWatch, rankedIds } from "../report/watch/screen.ts";
import { farewell, idOf, newStory, tell } from "../report/watch/story.ts";
import { type Key, press, type View } from "../report/watch/view.ts";

export interface WatchTerminal {
  show(records: readonly WatchRecord[]): void;
  /** Aborted when a key asks for the end. */
  quit: AbortSignal;
  close(): void;
}

const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";
const STDOUT = 1;

export function openWatchTerminal(first: View): WatchTerminal {
  const { stdin, stdout } = process;
  const quit = new AbortController();
  const started = performance.now();
  let view = first;
  const story = newStory();
  /** What is shown while the view is paused. */
  let frozen = story;

  const draw = () => {
    const size = {
      width: stdout.columns || 80,
      height: stdout.rows || 24,
      color: !process.env.NO_COLOR,
    };
    const lines = drawWatch(view.paused ? frozen : story, view, size);
    stdout.write(
      `${HOME}${lines.map((line) => `${line}${CLEAR_LINE}`).join("\r\n")}${CLEAR_BELOW}`,
    );
  };
  const onKey = (_: string, key: Key) => {
    const before = view;
    view = press(view, key, rankedIds(story, view));
    if (view.paused && !before.paused) frozen = structuredClone(story);
    if (view.quit) quit.abort();
    else draw();
  };
  let open = true;
  const close = () => {
    if (!open) return;
    open = false;
    stdin.off("keypress", onKey);
    stdout.off("resize", draw);
    process.off("exit", close);
    if (stdin.isTTY) {
      stdin.setRawMode(false);
      stdin.pause();
    }
    // At once: the process may be ending.
    try {
      writeSync(STDOUT, LEAVE);
    } catch {
      // The terminal is gone.
    }
  };

  stdout.write(ENTER);
  process.on("exit", close);
  stdout.on("resize", draw);
  if (stdin.isTTY) {
    emitKeypressEvents(stdin);
    stdin.setRawMode(true);
    stdin.resume();
    stdin.on("keypress", onKey);
  }
  draw();
  return {
    quit: quit.signal,
    show: (records) => {
      for (const record of records) {
        // The first ones have no time: what they hold is in the next ones too.
        if (record.seconds === 0) story.latest.set(idOf(record), record);
        else tell(story, record);
      }
      draw();
    },
    close: () => {
      close();
      process.stderr.write(
        `bridgescope: ${farewell(story, (performance.now() - started) / 1000)}\n`,
      );
    },
  };
}
