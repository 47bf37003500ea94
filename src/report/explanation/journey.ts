/** One flow's journey: what every format says of it, and how a terminal shows it: the sentence, a line per hop in each direction, and what was lost with its remedy. */
import type { Explanation, Finding } from "../../document/explain.ts";
import type { Journey, JourneyDirection, JourneyHop } from "../../document/journey.ts";
import { printable } from "../../text/printable.ts";
import { count, duration, plural } from "../../text/units.ts";
import { cells, right, type Screen } from "../terminal/screen.ts";

export type JourneyTold = Explanation & { journey: Journey };

export function hasJourney(explanation: Explanation): explanation is JourneyTold {
  return explanation.journey !== undefined;
}

/** The two ends, the bridge between them, for how long it was looked at, and what was sent. */
export function journeyAbout({
  journey: { from, to, probe },
  bridge,
  seconds,
}: JourneyTold): string {
  const sent = probe === null ? "" : `; sent: ${probe.text}`;
  return `${from.text} and ${to.text}, over ${bridge.name} (${bridge.namespace.label}), in ${seconds.toFixed(1)} s${sent}`;
}

/** The directions that something was seen of. */
export function seenDirections({ directions }: Journey): JourneyDirection[] {
  return directions.filter(({ frames, resolution }) => frames > 0 || resolution.asked > 0);
}

/** `fix` tells a finding's remedy. */
export function journeyLines(
  screen: Screen,
  explanation: JourneyTold,
  full: boolean,
  fix: (finding: Finding) => void,
): void {
  const { journey, findings, notes } = explanation;
  const { verdict, elsewhere, rules } = journey;
  screen.paragraph(verdict, { tone: "strong" });
  screen.paragraph(journeyAbout(explanation), { tone: "dim" });
  for (const [index, one] of seenDirections(journey).entries()) direction(screen, one, index);
  for (const line of ruleLines(rules ?? [], full)) {
    screen.paragraph(line, { indent: 2, hanging: 4 });
  }
  for (const [index, one] of findings.entries()) {
    if (index > 0 && !full) {
      screen.paragraph(`also ${one.cause}: ${one.title}`, { indent: 2, hanging: 4 });
      continue;
    }
    screen.heading(`${one.kind}, ${one.cause}: ${one.title}`);
    const evidence = full ? one.evidence : one.evidence.slice(0, 1);
    screen.paragraph(`evidence: ${evidence.join("; ")}`, { indent: 2, hanging: 4 });
    fix(one);
  }
  if (elsewhere !== null) screen.paragraph(elsewhere, { hanging: 2 });
  for (const { text } of notes) screen.paragraph(`Note: ${text}`, { hanging: 2, tone: "dim" });
}

/** What marked frames met: the rules that drop; with `full` all. */
export function ruleLines(rules: NonNullable<Journey["rules"]>, full: boolean): string[] {
  const dropping = rules.filter(({ verdict }) => verdict === "drop");
  if (rules.length > 0 && dropping.length === 0 && !full) {
    return [
      `nftables: ${plural(rules.length, "rule or policy", "rules and policies")} met, and none of them dropped a marked frame`,
    ];
  }
  return (full ? rules : dropping).map(
    ({ family, table, chain, handle, verdict, from, frames, text }) => {
      const which = handle === null ? "the policy" : `the rule of handle ${handle}`;
      const said = text === null ? "" : ` (${text})`;
      return `nftables: ${which} of the chain ${chain} in the table ${family} ${table}${said} says ${verdict} of ${plural(frames, "marked frame")} from ${from}`;
    },
  );
}

const HEAD = right("frames", "median", "max");

function direction(screen: Screen, one: JourneyDirection, index: number): void {
  screen.table(
    printable(`${one.from} → ${one.to}`),
    HEAD,
    hopRows(one).map(({ label, frames, times }) => ({
      label,
      cells: cells([count(frames), ...times]),
      ...(frames === 0 ? { tone: "alarm" as const } : {}),
    })),
  );
  screen.paragraph(besides(one, index), { indent: 4, hanging: 4, tone: "dim" });
}

export interface HopRow {
  label: string;
  frames: number;
  /** Median and most, from the first hop on. */
  times: [string, string];
}

/** None where only questions were seen. */
export function hopRows({ frames, hops }: JourneyDirection): HopRow[] {
  if (frames === 0) return [];
  return hops.map((hop) => ({
    label: hopLabel(hop),
    frames: hop.frames,
    times: [timeOf(hop.medianNs), timeOf(hop.maxNs)],
  }));
}

/** Of a direction, beside its hops: who was asked for, and what the bridge does with such frames; what netfilter sees of both is told with the first. */
export function besides(one: JourneyDirection, index: number): string {
  const resolution = resolutionOf(one);
  const hooks = index === 0 ? one.hooks : [];
  return [...(resolution === null ? [] : [resolution]), one.decision, ...hooks].join("; ");
}

/** `3 questions who has 10.77.0.2, 3 reached it, 1 answer came back`. */
function resolutionOf({ to, resolution }: JourneyDirection): string | null {
  const { asked, reached, answered } = resolution;
  if (asked === 0) return null;
  return `${plural(asked, "question")} who has ${to}, ${count(reached)} reached it, ${plural(answered, "answer")} came back`;
}

function timeOf(ns: number | null): string {
  return ns === null ? "" : duration(ns);
}

function hopLabel({ role, device, place }: JourneyHop): string {
  switch (role) {
    case "source":
      return `sent by ${device} (${place.label})`;
    case "ingress":
      return `in by ${device}`;
    case "egress":
      return `out by ${device}`;
    case "underlay":
      return `within VXLAN at ${device ?? "no device"}`;
    case "destination":
      return `reached ${device} (${place.label})`;
  }
}
