/**
 * One case's answer: what became of the frames, what it cost, how long it took. Stage times are net of
 * the probes, metrics of rounds without any.
 */
import type { BridgeAccount, Case, Stage } from "../../document/run.ts";
import { digits, passage, percent, plural, quantity, span } from "../../text/units.ts";
import { headlineOf } from "./latency.ts";
import { headlinesOf } from "./metrics.ts";
import { capital, DECISION_WORDS, NET_WORDS } from "./words.ts";

export interface Result {
  readonly text: string;
  readonly part: "decisions" | "latency" | "rounds";
}

/** Null where the case measured nothing. */
export function resultOf(item: Case): Result | null {
  const account = item.bridge === undefined ? null : fate(item.bridge);
  const stage = way(item);
  const parts = [account, cost(item), stage].filter((part) => part !== null);
  if (parts.length === 0) return null;
  return {
    text: parts.map((part, index) => `${index === 0 ? part : capital(part)}.`).join(" "),
    part: account !== null ? "decisions" : stage !== null ? "latency" : "rounds",
  };
}

function fate(bridge: BridgeAccount): string | null {
  if (bridge.ingress === 0) return null;
  const { knownUnicast, filtered } = bridge.decisions;
  if (isFlooded(bridge)) return copies(bridge);
  if (isFiltered(bridge)) {
    return `${percent(filtered, bridge.ingress)} of ${plural(bridge.ingress, "frame")} left by no port`;
  }
  return `${percent(knownUnicast, bridge.ingress)} of ${plural(bridge.ingress, "frame")} ${knownUnicast === 1 ? "was" : "were"} ${DECISION_WORDS.knownUnicast.title}`;
}

/** Whether most frames were flooded. */
export function isFlooded({ decisions, ingress }: BridgeAccount): boolean {
  const { unknownUnicast, broadcast, multicast } = decisions;
  return ingress > 0 && (unknownUnicast + broadcast + multicast) * 2 >= ingress;
}

function isFiltered({ decisions, ingress }: BridgeAccount): boolean {
  return decisions.filtered * 2 >= ingress;
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

/** How long the stage took that most frames of the case passed. */
function way(item: Case): string | null {
  const { bridge } = item;
  if (bridge !== undefined && bridge.ingress > 0) {
    if (isFlooded(bridge)) return middle(item, "bridge.flood", "from ingress to last copy");
    if (isFiltered(bridge)) return null;
    return middle(item, "bridge.forward", "from ingress to the egress queue");
  }
  return item.latency.path === undefined
    ? middle(item, "veth.in", "across veth")
    : middle(item, "path", ends(item));
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

function middle(item: Case, stage: Stage, words: string): string | null {
  const latency = item.latency[stage];
  if (latency === undefined || latency.sampled === 0) return null;
  const headline = headlineOf(latency);
  if (headline === null) {
    const why = latency.withheld ?? "not known";
    return `the time ${words} is withheld: ${why}`;
  }
  return `${headline.words} ${passage(headline.value, latency.unit)} ${words}, ${NET_WORDS}`;
}

function cost(item: Case): string | null {
  const series = headlinesOf(item)[0];
  if (series === undefined || series.spread === null) return null;
  const { median: middle, q1, q3, n } = series.spread;
  return `${series.title} ${quantity(middle, series.unit)} (quartiles ${span(q1, q3, series.unit)}, ${plural(n, "round")})`;
}
