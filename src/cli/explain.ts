import { Command } from "commander";
import type { Explanation, Finding, Thresholds } from "../document/explain.ts";
import { explainBridge } from "../explain/explain.ts";
import { EXPLANATION_FORMATS, renderExplanation } from "../report/explanation.ts";
import { timeLeft } from "../report/progress.ts";
import { checkFolder, writeReports } from "../store/write.ts";
import { UsageError } from "../system/errors.ts";
import { dropPrivileges } from "../system/privilege.ts";
import { printable } from "../text/printable.ts";
import { plural } from "../text/units.ts";
import { onInterrupt, unlessCtrlC } from "./interrupt.ts";
import { progressLine } from "./progress.ts";
import { terminalOptions } from "./terminal.ts";
import { overheadOf, secondsOf } from "./values.ts";

const HARMFUL = 3;

interface Options {
  netns?: string;
  probes: boolean;
  duration: string;
  maxOverhead: string;
  unknownUnicast?: string;
  broadcast?: string;
  multicast?: string;
  moves?: string;
  frames?: string;
  bundle?: string;
  mask?: boolean;
  pcap?: string;
  out?: string;
  json?: boolean;
}

export function explainCommand(): Command {
  return new Command("explain")
    .description("say why a bridge floods, and what would stop it; changes nothing")
    .argument("[bridge]", "any bridge of this host; may be left out where there is just one")
    .option("--netns <which>", "its network namespace: path, PID, name of ip netns, or container")
    .option("--no-probes", "ask netlink alone: what can make it flood, not what does")
    .option("--duration <time>", "how long to look at frames; Ctrl-C ends it early", "10s")
    .option("--max-overhead <share>", "most of one CPU that the probes may take", "2%")
    .option("--unknown-unicast <rate>", "harmful from so many frames/s for one destination (10)")
    .option("--broadcast <rate>", "harmful from so many frames/s of one source (100)")
    .option("--multicast <rate>", "harmful from so many frames/s for one group (100)")
    .option("--moves <rate>", "harmful from so many moves/s of one address (1)")
    .option("--frames <count>", "fewer frames than this are no flood (20)")
    .option("--bundle <folder>", "write what a maintainer would ask for into a new folder")
    .option("--mask", "with stand-ins for names and addresses in the bundle")
    .option("--pcap <folder>", "keep the first frames of each flooded flow, in a new folder")
    .option("--out <folder>", "write explain.json and its reports there, explain.html among them")
    .option("--json", "print the explanation as JSON")
    .addHelpText("after", "\nExit status: 0 nothing harmful was seen, 3 a harmful flood was found.")
    .action(async (bridge: string | undefined, options: Options) => {
      const { json, netns, probes, bundle, mask, pcap, out } = options;
      if (out !== undefined) checkFolder(out);
      const seconds = secondsOf(options.duration, "--duration");
      const write = (explanation: Explanation) =>
        process.stdout.write(
          renderExplanation(json ? "json" : "terminal", explanation, terminalOptions()),
        );
      const interruption = onInterrupt(() => {
        process.stderr.write("bridgescope: detaching the probes; the answer follows\n");
      });
      const line = progressLine();
      try {
        const explanation = await explainBridge({
          ...{ bridge, netns, probes, bundle, mask, pcap, seconds },
          maxOverhead: overheadOf(options.maxOverhead),
          thresholds: thresholdsOf(options),
          signal: interruption.signal,
          onFirst: (first) => {
            if (!json) write(first);
            process.stderr.write("bridgescope: attaching the probes\n");
          },
          onSoFar: (findings, left) => line.update(soFar(findings), timeLeft(left * 1e9)),
          onCounting: () => {
            process.stderr.write(
              `bridgescope: looking at frames for ${seconds} s; Ctrl-C ends it early with the answer\n`,
            );
          },
        });
        line.end();
        dropPrivileges();
        if (!json && explanation.probes) process.stdout.write("\n");
        write(explanation);
        if (out !== undefined) store(explanation, out);
        const found = explanation.findings.length > 0 ? HARMFUL : 0;
        process.exitCode = unlessCtrlC(interruption) ?? found;
      } finally {
        line.end();
        interruption.release();
      }
      if (bundle !== undefined) {
        const what = mask
          ? "; names and addresses in it are stand-ins, those printed here are real"
          : "";
        process.stderr.write(`bridgescope: wrote the bundle to ${printable(bundle)}${what}\n`);
      }
    });
}

/** Beside the document, what people forward. */
function store(explanation: Explanation, folder: string): void {
  const written = EXPLANATION_FORMATS.filter(({ name }) => name !== "terminal");
  for (const path of writeReports(folder, written, explanation))
    process.stderr.write(`${printable(path)}\n`);
}

function soFar(findings: readonly Finding[]): string {
  const causes = [...new Set(findings.map(({ cause }) => cause))].join(", ");
  return findings.length === 0
    ? "no harmful flood so far"
    : `${plural(findings.length, "harmful flood")} so far: ${causes}`;
}

const THRESHOLD_OPTIONS = {
  unknownUnicast: "--unknown-unicast",
  broadcast: "--broadcast",
  multicast: "--multicast",
  moves: "--moves",
  frames: "--frames",
} as const satisfies Record<keyof Thresholds, string>;

function thresholdsOf(options: Options): Partial<Thresholds> {
  const thresholds: Partial<Thresholds> = {};
  for (const name of Object.keys(THRESHOLD_OPTIONS) as (keyof Thresholds)[]) {
    const text = options[name];
    if (text === undefined) continue;
    if (!/^\d+(\.\d+)?$/.test(text)) {
      throw new UsageError(`${THRESHOLD_OPTIONS[name]} is a number, not "${printable(text)}"`);
    }
    thresholds[name] = Number(text);
  }
  return thresholds;
}
