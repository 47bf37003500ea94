import { once } from "node:events";
import { Command } from "commander";
import type { WatchRecord } from "../document/watch.ts";
import { LIVE_BACKENDS, type LiveBackend } from "../live/backend.ts";
import { SORTS } from "../report/watch/columns.ts";
import { drawWatch } from "../report/watch/screen.ts";
import { newStory, tell } from "../report/watch/story.ts";
import { FIRST_VIEW, type View } from "../report/watch/view.ts";
import { UsageError } from "../system/errors.ts";
import { printable } from "../text/printable.ts";
import { LEAST_INTERVAL_S, watchBridges } from "../watch/watch.ts";
import { onInterrupt, unlessCtrlC } from "./interrupt.ts";
import { labNamespace } from "./labs.ts";
import { addOptions, checkMode, type ModeOption } from "./options.ts";
import { overheadOf, secondsOf } from "./values.ts";
import { openWatchTerminal } from "./watch-terminal.ts";

/** 128 + SIGINT: Ctrl-C is how one leaves. */

interface Options {
  netns?: string;
  probes: boolean;
  interval: string;
  duration?: string;
  backend: LiveBackend;
  maxOverhead: string;
  mac?: string;
  sort: string;
  filter?: string;
  json?: boolean;
}

type WatchMode = "probes" | "netlink";

const NAMES: Record<WatchMode, string> = {
  probes: "`watch` with probes",
  netlink: "`watch --no-probes`",
};
const ALL: readonly WatchMode[] = ["probes", "netlink"];

const WATCH_OPTIONS: readonly ModeOption<WatchMode>[] = [
  {
    ...{ flags: "--netns <which>", modes: ALL },
    help: "its network namespace: path, PID, name of ip netns, container or lab, or as printed",
  },
  {
    ...{ flags: "--no-probes", modes: ALL },
    help: "ask netlink alone: interface counters and what becomes of the FDB",
  },
  {
    ...{ flags: "--interval <time>", modes: ALL, default: "1s" },
    help: `between two records, ${LEAST_INTERVAL_S}s or more`,
  },
  {
    ...{ flags: "--duration <time>", modes: ALL },
    help: "for how long; until Ctrl-C when left out",
  },
  {
    ...{ flags: "--backend <name>", modes: ["probes"], default: "auto" },
    ...{ choices: LIVE_BACKENDS, help: "how frames are looked at" },
  },
  {
    ...{ flags: "--max-overhead <share>", modes: ["probes"], default: "2%" },
    help: "most of one CPU that the probes may take over a second",
  },
  {
    ...{ flags: "--mac <address>", modes: ALL },
    help: "follow one address: what teaches the bridge where it is, and how it comes to another port",
  },
  {
    ...{ flags: "--sort <column>", modes: ALL, default: FIRST_VIEW.sort },
    help: `what lines are sorted by: ${SORTS.join(", ")}`,
  },
  {
    ...{ flags: "--filter <text>", modes: ALL },
    help: "only ports whose name or owner holds this",
  },
  {
    ...{ flags: "--json", modes: ALL },
    help: "print one record a line, a bridge and interval",
  },
];

export function watchCommand(): Command {
  const command = new Command("watch")
    .description("show live what a bridge does with its frames, port by port; changes nothing")
    .argument("[bridge]", "any bridge of this host; all of them, ranked, when left out")
    .addHelpText(
      "after",
      "\nKeys: q quit, s sort, r reverse, / filter, arrows scroll or select, Enter open a bridge, Esc back, p pause, ? these.\nExit status: 0 when it ended as asked, Ctrl-C included; 1 when the bridge was deleted.",
    )
    .action(async (bridge: string | undefined, options: Options) => {
      checkMode(WATCH_OPTIONS, command, options.probes ? "probes" : "netlink", NAMES);
      const { netns, probes, mac, json, duration } = options;
      const view = viewOf(options);
      const interruption = onInterrupt(() => {});
      const pipe = new AbortController();
      process.stdout.on("error", () => pipe.abort());
      const request = {
        ...{ bridge, netns, probes, mac },
        intervalSeconds: intervalOf(options.interval),
        seconds: duration === undefined ? undefined : secondsOf(duration, "--duration"),
        backend: options.backend,
        maxOverhead: overheadOf(options.maxOverhead),
      };
      const signal = AbortSignal.any([interruption.signal, pipe.signal]);
      try {
        if (json) await printRecords(request, signal, (record) => `${JSON.stringify(record)}\n`);
        else if (process.stdout.isTTY) await onTerminal(request, signal, view);
        else await printRecords(request, signal, textOf(view));
      } finally {
        interruption.release();
      }
      process.exitCode = unlessCtrlC(interruption) ?? process.exitCode;
    });
  return addOptions(command, WATCH_OPTIONS);
}

type Request = Omit<Parameters<typeof watchBridges>[0] & {}, "signal" | "onFirst">;

async function printRecords(
  request: Request,
  signal: AbortSignal,
  format: (record: WatchRecord) => string,
): Promise<void> {
  for await (const record of watchBridges({ ...request, signal }, labNamespace)) {
    if (signal.aborted && process.stdout.destroyed) return;
    // Whoever reads slowly slows the records, not this machine's memory.
    if (!process.stdout.write(format(record))) {
      await once(process.stdout, "drain", { signal }).catch(() => {});
    }
  }
}

function textOf(view: View): (record: WatchRecord) => string {
  return (record) => {
    const story = newStory();
    tell(story, record);
    const lines = drawWatch(story, view, {
      width: Number.POSITIVE_INFINITY,
      height: null,
      color: false,
    });
    return `${record.time}\n${lines.map((line) => `${line}\n`).join("")}\n`;
  };
}

async function onTerminal(request: Request, signal: AbortSignal, view: View): Promise<void> {
  const terminal = openWatchTerminal(view);
  try {
    const ended = AbortSignal.any([signal, terminal.quit]);
    const onFirst = (records: WatchRecord[]) => terminal.show(records);
    for await (const record of watchBridges({ ...request, signal: ended, onFirst }, labNamespace)) {
      terminal.show([record]);
    }
  } finally {
    terminal.close();
  }
}

function viewOf({ sort, filter = "" }: Options): View {
  if (!SORTS.includes(sort)) {
    throw new UsageError(`--sort is one of ${SORTS.join(", ")}, not "${printable(sort)}"`);
  }
  return { ...FIRST_VIEW, sort, filter };
}

function intervalOf(text: string): number {
  const seconds = secondsOf(text, "--interval");
  if (seconds < LEAST_INTERVAL_S) {
    throw new UsageError(`--interval is ${LEAST_INTERVAL_S}s or more, not "${printable(text)}"`);
  }
  return seconds;
}
