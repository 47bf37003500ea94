/** One flow's journey, as a person reads it: the sentence, a line a hop in each direction, and what was lost with its remedy. */
import type { Explanation, Finding } from "../../document/explain.ts";
import type { Journey, JourneyDirection, JourneyHop } from "../../document/journey.ts";
import { count, duration, plural } from "../../text/units.ts";
import { cells, right, type Screen } from "../terminal/screen.ts";

type Told = Explanation & { journey: Journey };

export function hasJourney(explanation: Explanation): explanation is Told {
  return explanation.journey !== undefined;
}

/** `fix` tells a finding's remedy. */
export function journeyLines(
  screen: Screen,
  { journey, bridge, seconds, findings, notes }: Told,
  full: boolean,
  fix: (finding: Finding) => void,
): void {
  const { verdict, directions, from, to, probe, elsewhere, rules } = journey;
  screen.paragraph(verdict, { tone: "strong" });
  screen.paragraph(
    `${from.text} and ${to.text}, over ${bridge.name} (${bridge.namespace.label}), in ${seconds.toFixed(1)} s${probe === null ? "" : `; sent: ${probe.text}`}`,
    { tone: "dim" },
  );
  for (const one of directions) {
    if (one.frames > 0 || one.resolution.asked > 0) direction(screen, one);
  }
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

/** Those that drop; with `full` all that were met. */
function ruleLines(rules: NonNullable<Journey["rules"]>, full: boolean): string[] {
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

function direction(screen: Screen, one: JourneyDirection): void {
  screen.table(
    `${one.from} → ${one.to}`,
    HEAD,
    one.frames === 0
      ? []
      : one.hops.map((hop) => ({
          label: hopLabel(hop),
          cells: cells([count(hop.frames), timeOf(hop.medianNs), timeOf(hop.maxNs)]),
          ...(hop.frames === 0 ? { tone: "alarm" as const } : {}),
        })),
  );
  const resolution = resolutionOf(one);
  const said = [...(resolution === null ? [] : [resolution]), one.decision, ...one.hooks];
  screen.paragraph(said.join("; "), { indent: 4, hanging: 4, tone: "dim" });
}

/** `ARP or ND: asked 3 times who has 10.77.0.2, the question came 3 times, answered once`. */
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
