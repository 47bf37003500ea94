/** One case's answer in one sentence: what became of the frames, how long it took, what it cost. */
import type { BridgeAccount, Case } from "../../document/run.ts";
import { digits, passage, percent, plural, quantity, span } from "../../text/units.ts";
import { HEADLINE_WORDS, headlineOf } from "./latency.ts";
import { headlinesOf } from "./metrics.ts";
import { DECISION_WORDS } from "./words.ts";

export interface Result {
  readonly text: string;
  readonly part: "decisions" | "latency" | "rounds";
}

/** Null where the case measured nothing. */
export function resultOf(item: Case): Result | null {
  const account = item.bridge === undefined ? null : fate(item, item.bridge);
  const stage = account === null ? way(item) : null;
  const headline = cost(item);
  const parts = [account, stage, headline].filter((part) => part !== null);
  if (parts.length === 0) return null;
  return {
    text: `${parts.join("; ")}.`,
    part: account !== null ? "decisions" : stage !== null ? "latency" : "rounds",
  };
}

function fate(item: Case, bridge: BridgeAccount): string | null {
  if (bridge.ingress === 0) return null;
  const { unknownUnicast, broadcast, multicast, knownUnicast, filtered } = bridge.decisions;
  const flooded = unknownUnicast + broadcast + multicast;
  if (flooded * 2 >= bridge.ingress) {
    return `${copies(bridge)}${median(item, "bridge.flood", "from ingress to last copy")}`;
  }
  if (filtered * 2 >= bridge.ingress) {
    return `${percent(filtered, bridge.ingress)} of ${plural(bridge.ingress, "frame")} left by no port`;
  }
  const known = `${percent(knownUnicast, bridge.ingress)} of ${plural(bridge.ingress, "frame")} ${knownUnicast === 1 ? "was" : "were"} ${DECISION_WORDS.knownUnicast.title}`;
  return `${known}${median(item, "bridge.forward", "from ingress to the egress queue")}`;
}

// An average of exactly 3 is said as "every frame" only where nothing was dropped or unattributed.
function copies(bridge: BridgeAccount): string {
  const made = bridge.egress - bridge.originated;
  const each = made / bridge.ingress;
  const clean = bridge.unattributed === 0 && bridge.unaccounted === 0 && bridge.drops.length === 0;
  if (Number.isInteger(each) && clean) {
    return `every frame became ${plural(each, "copy", "copies")}`;
  }
  return `${plural(bridge.ingress, "frame")} became ${plural(made, "copy", "copies")} (${digits(each)} each)`;
}

function way(item: Case): string | null {
  const stage = item.latency.path !== undefined ? "path" : "veth";
  const text = median(item, stage, stage === "path" ? ends(item) : "across veth");
  return text === "" ? null : text.slice(2);
}

/** A lab whose frames stay on one loopback has one namespace, and no port in another. */
function ends({ lab }: Case): string {
  const homes = lab.ports.flatMap(({ namespace, peer }) => [
    namespace,
    peer?.namespace ?? namespace,
  ]);
  return new Set(homes).size > 1
    ? "from namespace to namespace"
    : "from transmit to receive within one namespace";
}

function median(
  item: Case,
  stage: "bridge.flood" | "bridge.forward" | "path" | "veth",
  words: string,
): string {
  const latency = item.latency[stage];
  if (latency === undefined || latency.sampled === 0) return "";
  const value = passage(headlineOf(latency).value, latency.unit);
  return `, ${HEADLINE_WORDS[latency.unit]} ${value} ${words}`;
}

function cost(item: Case): string | null {
  const series = headlinesOf(item)[0];
  if (series === undefined || series.spread === null) return null;
  const { median: middle, q1, q3, n } = series.spread;
  return `${series.title} ${quantity(middle, series.unit)} (quartiles ${span(q1, q3, series.unit)}, ${plural(n, "round")})`;
}
