/** The first frames of each flooded flow, by tcpdump or dumpcap, in files of a folder. */
import { createWriteStream, openSync } from "node:fs";
import path from "node:path";
import { finished } from "node:stream/promises";
import type { BridgeState } from "../bridge/state.ts";
import { wordsAt } from "../bridge/words-at.ts";
import type { Flow } from "../live/collect.ts";
import { type Child, startChild } from "../system/child.ts";
import { runOk } from "../system/command.ts";
import { PrerequisiteError, ToolError } from "../system/errors.ts";
import { asCaller } from "../system/privilege.ts";
import { hostSite } from "../system/site.ts";

/** At most so many flows, so many frames of each, and so many bytes of a frame. */
const FLOWS = 16;
const FRAMES = 100;
const FRAME_BYTES = 256;
const STOP_MS = 2000;
/** What libpcap takes for something else than a device of that name. */
const RESERVED = /^(any|nflog|nfqueue|usbmon|bluetooth|dbus|dag|snf|netmap|vale)/;

export interface Capture {
  /** Begins with those of these flows that are new; what came before a flow was seen is not in its file. */
  see(flows: readonly Flow[]): void;
  /** The file of a flow; null where it had none. */
  fileOf(flow: Pick<Flow, "source" | "destination" | "port">): string | null;
  /** Ends what still runs; the files are whole then. */
  end(): Promise<void>;
}

export type CaptureTool = "tcpdump" | "dumpcap";

/** Throws a PrerequisiteError where neither of the two is there. */
export async function captureTool(): Promise<CaptureTool> {
  for (const tool of ["tcpdump", "dumpcap"] as const) {
    try {
      const said = await runOk(tool, ["--version"]);
      if (/\bversion\b|\d+\.\d+/i.test(said)) return tool;
      throw new ToolError(tool, `${tool} --version gave no version; it gave ${said.slice(0, 80)}`);
    } catch (error) {
      if (!(error instanceof PrerequisiteError)) throw error;
    }
  }
  throw new PrerequisiteError(
    "--pcap captures by tcpdump or dumpcap, and neither was found on PATH: apt-get install tcpdump",
  );
}

/** `folder` is there and empty. Nothing becomes promiscuous that is not. */
export function openCapture(tool: CaptureTool, folder: string, state: BridgeState): Capture {
  const files = new Map<string, string>();
  const running: { child: Child; written: Promise<void> }[] = [];
  const begin = (flow: Flow) => {
    const device = [state, ...state.ports].find(({ ifindex }) => ifindex === flow.port);
    if (device === undefined || RESERVED.test(device.name)) return;
    const kept = path.join(folder, `flow-${files.size + 1}.pcap`);
    files.set(keyOf(flow), kept);
    const words = [tool, ...argumentsOf(tool, device.name, flow)];
    const [file = "", ...args] = wordsAt(state.place, words);
    const child = startChild(hostSite, file, args);
    const fd = asCaller(() => openSync(kept, "wx", 0o600));
    const output = createWriteStream(kept, { fd });
    child.process.stdout?.pipe(output);
    // A capture that cannot be had leaves its file empty; the explanation is there all the same.
    running.push({ child, written: finished(output).catch(() => {}) });
  };
  return {
    see: (flows) => {
      for (const flow of flows) {
        if (files.size >= FLOWS) return;
        if (!files.has(keyOf(flow))) begin(flow);
      }
    },
    fileOf: (flow) => files.get(keyOf(flow)) ?? null,
    end: async () => {
      for (const { child, written } of running) {
        await child.stop("SIGINT", STOP_MS);
        await written;
      }
    },
  };
}

function keyOf({
  source,
  destination,
  port,
}: Pick<Flow, "source" | "destination" | "port">): string {
  return `${source} ${destination} ${port}`;
}

function argumentsOf(tool: CaptureTool, device: string, { source, destination }: Flow): string[] {
  const filter = `ether src ${source} and ether dst ${destination}`;
  const common = ["-i", device, "-p", "-s", String(FRAME_BYTES), "-c", String(FRAMES)];
  // As root throughout: a change of user would forget that it is to die with us.
  return tool === "tcpdump"
    ? [...common, "-n", "-U", "-Z", "root", "-w", "-", filter]
    : [...common, "-q", "-P", "-w", "-", "-f", filter];
}
