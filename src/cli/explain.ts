import { Command } from "commander";
import { bridgeGone } from "../bridge/read-bridge.ts";
import type { Explanation, Finding, Thresholds } from "../document/explain.ts";
import { explainBridgeOrFlow } from "../explain/journey/explain-flow.ts";
import { LIVE_BACKENDS, type LiveBackend } from "../live/backend.ts";
import { aboveOf } from "../report/explanation/facts.ts";
import { EXPLANATION_FORMATS, renderExplanation } from "../report/explanation.ts";
import { timeLeft } from "../report/progress.ts";
import { checkFolder, writeReports } from "../store/write.ts";
import { BridgescopeError, PrerequisiteError, UsageError } from "../system/errors.ts";
import { dropPrivileges } from "../system/privilege.ts";
import { printable } from "../text/printable.ts";
import { digits } from "../text/units.ts";
import { onInterrupt, unlessCtrlC } from "./interrupt.ts";
import { labNamespace } from "./labs.ts";
import { addOptions, checkMode, type ModeOption } from "./options.ts";
import { progressLine } from "./progress.ts";
import { terminalOptions } from "./terminal.ts";
import { overheadOf, secondsOf } from "./values.ts";

const ABOVE_THRESHOLD = 3;

interface Options {
  netns?: string;
  from?: string;
  to?: string;
  filter?: string;
  probe?: string | true;
  traceRules?: boolean;
  probes: boolean;
  duration?: string;
  backend: LiveBackend;
  maxOverhead: string;
  unknownUnicast?: string;
  broadcast?: string;
  multicast?: string;
  copies?: string;
  moves?: string;
  frames?: string;
  lost?: string;
  lostRate?: string;
  failOn?: string;
  bundle?: string;
  mask?: boolean;
  pcap?: string;
  out?: string;
  full?: boolean;
  json?: boolean;
}

type ExplainMode = "probes" | "netlink" | "flow";

const NAMES: Record<ExplainMode, string> = {
  probes: "`explain` with probes",
  netlink: "`explain --no-probes`, which looks at no frames",
  flow: "`explain --from A --to B`, one flow's journey",
};
const ALL: readonly ExplainMode[] = ["probes", "netlink", "flow"];
const BRIDGE: readonly ExplainMode[] = ["probes", "netlink"];
const FRAMES: readonly ExplainMode[] = ["probes"];
const FLOW: readonly ExplainMode[] = ["flow"];
const LOOKING: readonly ExplainMode[] = ["probes", "flow"];

const EXPLAIN_OPTIONS: readonly ModeOption<ExplainMode>[] = [
  {
    ...{ flags: "--netns <which>", modes: ALL },
    help: "its network namespace: path, PID, name of ip netns, container or lab, or as printed",
  },
  {
    ...{ flags: "--from <end>", modes: FLOW },
    help: "one flow: from this namespace, container, port, IP or MAC address",
  },
  {
    ...{ flags: "--to <end>", modes: FLOW },
    help: "to this one, and back",
  },
  {
    ...{ flags: "--filter <expression>", modes: FLOW },
    help: "of that flow what tcpdump's expression takes",
  },
  {
    ...{ flags: "--probe [what]", modes: FLOW },
    help: "send ping (default) or udp:PORT from the one to the other; else nothing is sent",
  },
  {
    ...{ flags: "--trace-rules", modes: FLOW },
    help: "mark some of its frames in an nftables table of ours, and tell which rules they meet",
  },
  {
    ...{ flags: "--no-probes", modes: BRIDGE },
    help: "ask netlink alone: what can make it flood, not what does",
  },
  {
    ...{ flags: "--duration <time>", modes: LOOKING },
    help: "how long to look at frames (10s, of one flow 3s); Ctrl-C ends it early",
  },
  {
    ...{ flags: "--backend <name>", modes: FRAMES, default: "auto" },
    ...{ choices: LIVE_BACKENDS, help: "how frames are looked at" },
  },
  {
    ...{ flags: "--max-overhead <share>", modes: FRAMES, default: "10%" },
    help: "most of one CPU that the probes may take over a second",
  },
  {
    ...{ flags: "--unknown-unicast <rate>", modes: FRAMES },
    help: "threshold in frames/s for one destination (10)",
  },
  {
    ...{ flags: "--broadcast <rate>", modes: FRAMES },
    help: "threshold in frames/s of one source (100)",
  },
  {
    ...{ flags: "--multicast <rate>", modes: FRAMES },
    help: "threshold in frames/s for one group (100)",
  },
  {
    ...{ flags: "--copies <rate>", modes: FRAMES },
    help: "threshold in copies/s of any of these (5000)",
  },
  {
    ...{ flags: "--moves <rate>", modes: FRAMES },
    help: "threshold in moves/s of one address (1)",
  },
  {
    ...{ flags: "--frames <count>", modes: FRAMES },
    help: "fewer frames than this are no flood (20)",
  },
  {
    ...{ flags: "--lost <count>", modes: FRAMES },
    help: "fewer lost frames than this are no loss, unless all of a flow are lost (5)",
  },
  {
    ...{ flags: "--lost-rate <rate>", modes: FRAMES },
    help: "threshold in lost frames/s over all of the time (1)",
  },
  {
    ...{ flags: "--fail-on <kind>", modes: LOOKING, choices: ["policy"] },
    help: "exit with 3 for what somebody evidently asked for, too",
  },
  {
    ...{ flags: "--bundle <folder>", modes: BRIDGE },
    help: "write what a maintainer would ask for into a new folder",
  },
  {
    ...{ flags: "--mask", modes: BRIDGE },
    help: "with stand-ins for names and addresses in the bundle",
  },
  {
    ...{ flags: "--pcap <folder>", modes: FRAMES },
    help: "keep the first frames of each flooded flow, in a new folder",
  },
  {
    ...{ flags: "--out <folder>", modes: ALL },
    help: "write explain.json and its reports there, explain.html among them",
  },
  {
    ...{ flags: "--full", modes: ALL },
    help: "print all of it: every finding, all notes, and which flooded frames each port gets",
  },
  { ...{ flags: "--json", modes: ALL }, help: "print the explanation as JSON" },
];

export function explainCommand(): Command {
  const command = new Command("explain")
    .description("say why a bridge floods or loses frames, and what would stop it; changes nothing")
    .argument("[bridge]", "any bridge of this host; may be left out where there is just one")
    .addHelpText(
      "after",
      "\nExit status: 0 nothing above threshold was seen (a policy is not, without --fail-on policy), 3 something was, 4 no frame could be looked at (what configuration and interface counters tell is printed), 1 when the bridge was deleted meanwhile (what was seen until then is printed).",
    )
    .action(async (bridge: string | undefined, options: Options) => {
      const isFlow = options.from !== undefined || options.to !== undefined;
      const mode = options.probes ? "probes" : "netlink";
      checkMode(EXPLAIN_OPTIONS, command, isFlow ? "flow" : mode, NAMES);
      const { json, full, netns, probes, bundle, mask, pcap, out } = options;
      if (out !== undefined) checkFolder(out);
      const { from, to, filter } = options;
      const probe = options.probe === true ? "ping" : options.probe;
      const duration = options.duration ?? (isFlow ? undefined : "10s");
      const seconds = duration === undefined ? undefined : secondsOf(duration, "--duration");
      const write = (explanation: Explanation) =>
        process.stdout.write(
          renderExplanation(json ? "json" : "terminal", explanation, {
            ...{ ...terminalOptions(), full: full === true, cut: process.stdout.isTTY === true },
          }),
        );
      const interruption = onInterrupt(() => {
        process.stderr.write("bridgescope: detaching the probes; the answer follows\n");
      });
      const line = progressLine();
      let gone: string | null = null;
      let blind: string | null = null;
      try {
        const explanation = await explainBridgeOrFlow(
          {
            ...{ bridge, netns, seconds },
            ...(isFlow
              ? { from, to, filter, probe, traceRules: options.traceRules }
              : {
                  ...{ probes, bundle, mask, pcap, backend: options.backend },
                  maxOverhead: overheadOf(options.maxOverhead),
                }),
            thresholds: thresholdsOf(options),
            signal: interruption.signal,
            onTrace: (text) => {
              process.stderr.write(`bridgescope: ${text}\n`);
            },
            onFirst: () => {
              process.stderr.write("bridgescope: attaching the probes\n");
            },
            onCounters: () => {
              process.stderr.write(
                `bridgescope: no frame can be looked at here; reading interface counters for ${seconds} s, Ctrl-C ends it early with the answer\n`,
              );
            },
            onSoFar: (findings, left) => line.update(soFar(findings), timeLeft(left * 1e9)),
            onCounting: (looking) => {
              process.stderr.write(
                `bridgescope: looking at frames for ${digits(looking)} s; Ctrl-C ends it early with the answer\n`,
              );
            },
          },
          labNamespace,
        );
        line.end();
        dropPrivileges();
        write(explanation);
        if (out !== undefined) store(explanation, out);
        const ended = unlessCtrlC(interruption);
        if (explanation.ended === "bridge-gone" && ended === null) {
          gone = `${bridgeGone(explanation.bridge.name)}; the answer is of the time before`;
        }
        const fails = explanation.findings.some(
          ({ kind }) => kind !== "policy" || options.failOn === "policy",
        );
        process.exitCode = ended ?? (fails ? ABOVE_THRESHOLD : 0);
        if (explanation.notLooked != null && ended === null) blind = explanation.notLooked;
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
      if (gone !== null) throw new BridgescopeError(gone);
      if (blind !== null) {
        throw new PrerequisiteError(
          `${blind}\nno frame was looked at: the answer is what the configuration and interface counters tell; \`bridgescope doctor\` says what is missing`,
        );
      }
    });
  return addOptions(command, EXPLAIN_OPTIONS);
}

/** Beside the document, what people forward. */
function store(explanation: Explanation, folder: string): void {
  const written = EXPLANATION_FORMATS.filter(({ name }) => name !== "terminal");
  for (const path of writeReports(folder, written, explanation))
    process.stderr.write(`${printable(path)}\n`);
}

function soFar(findings: readonly Finding[]): string {
  const above = findings.filter(({ kind }) => kind !== "policy");
  const causes = [...new Set(above.map(({ cause }) => cause))].join(", ");
  return `${aboveOf(findings)} so far${causes === "" ? "" : `: ${causes}`}`;
}

const THRESHOLD_OPTIONS = {
  unknownUnicast: "--unknown-unicast",
  broadcast: "--broadcast",
  multicast: "--multicast",
  copies: "--copies",
  moves: "--moves",
  frames: "--frames",
  lost: "--lost",
  lostPerSecond: "--lost-rate",
} as const satisfies Record<keyof Thresholds, string>;

function thresholdsOf(options: Options): Partial<Thresholds> {
  const thresholds: Partial<Thresholds> = {};
  for (const name of Object.keys(THRESHOLD_OPTIONS) as (keyof Thresholds)[]) {
    const text = options[name === "lostPerSecond" ? "lostRate" : name];
    if (text === undefined) continue;
    if (!/^\d+(\.\d+)?$/.test(text)) {
      throw new UsageError(`${THRESHOLD_OPTIONS[name]} is a number, not "${printable(text)}"`);
    }
    thresholds[name] = Number(text);
  }
  return thresholds;
}
