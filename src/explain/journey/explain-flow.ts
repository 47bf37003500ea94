/** `explain`: of a bridge, or, with two ends, of one flow over it. */
import type { Labs } from "../../bridge/find-namespace.ts";
import type { Explanation } from "../../document/explain.ts";
import { requireLivePrivileges } from "../../system/capabilities.ts";
import { UsageError } from "../../system/errors.ts";
import { type ExplainOptions, explainBridge, explanationOf } from "../explain.ts";
import { THRESHOLDS } from "../judge/findings.ts";
import { lookAtJourney } from "./journey.ts";

/** What explains a bridge and not one flow. */
const OF_BRIDGES = ["bundle", "mask", "pcap", "backend", "maxOverhead"] as const;

/** As explainBridge, and with `from` and `to` one flow's journey. `labs` knows the labs that `netns` and the ends may name. */
export async function explainBridgeOrFlow(
  options: ExplainOptions = {},
  labs?: Labs,
): Promise<Explanation> {
  const { from, to } = options;
  return from === undefined && to === undefined
    ? explainBridge(options, labs)
    : explainFlow(options, labs);
}

async function explainFlow(options: ExplainOptions, labs?: Labs): Promise<Explanation> {
  requireLivePrivileges();
  const { from, to, thresholds, ...others } = options;
  if (from === undefined || to === undefined) {
    const [given, other] = from === undefined ? ["--to", "--from"] : ["--from", "--to"];
    throw new UsageError(
      `${given} is one end of a flow: say with ${other} what the other is, as a namespace, container, port, IP or MAC address`,
    );
  }
  const useless = OF_BRIDGES.find((name) => others[name] !== undefined);
  if (useless !== undefined || others.probes === false) {
    throw new UsageError(
      `"${useless ?? "probes"}" is for explaining a bridge, and with two ends it is one flow: leave it out`,
    );
  }
  const usual = { ...THRESHOLDS, ...thresholds };
  const seen = await lookAtJourney({ ...others, from, to }, usual, labs);
  return {
    ...explanationOf(seen.state, usual),
    ...{ probes: true, seconds: seen.seconds, counted: seen.seconds },
    ...{ ended: seen.gone ? "bridge-gone" : null, overhead: null },
    ...{ findings: seen.findings, journey: seen.journey },
    notes: seen.notes.map((text) => ({ about: "frames", cause: null, text, remedy: null })),
  };
}
