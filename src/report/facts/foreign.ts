/** What stands in the first line of a report where other people's probes were on a frame's way. Raw, as all facts. */
import type { Comparison, Side } from "../../document/compare.ts";
import { foreignText } from "../../document/foreign.ts";
import type { Run } from "../../document/run.ts";
import { count, plural } from "../../text/units.ts";

/** What a finding and a mark are called that are about them. */
export const FOREIGN = "foreign probes";

/** null where there were none, or nobody could look. */
export function foreignLine(run: Run): string | null {
  const { foreignProbes: probes = [] } = run.environment;
  if (probes.length === 0) return null;
  const under = run.cases.filter(({ foreignProbes = [] }) => foreignProbes.length > 0);
  return `Measured under foreign probes${casesText(under.length, run.cases.length)}: ${foreignText(probes)}`;
}

function casesText(under: number, all: number): string {
  if (all === 0 || under === all) return "";
  if (under === 0) return " (which were there in no round that counts)";
  return ` (${count(under)} of ${plural(all, "case")})`;
}

/** A line for both sides where they are the same, else one for each side that had some. */
export function foreignLines({ base, candidates }: Comparison): string[] {
  const sides = [base, ...candidates];
  const texts = sides.map(textOf);
  if (texts.every((text) => text === null)) return [];
  if (new Set(texts).size === 1) return [`Measured under foreign probes: ${texts[0]}`];
  return sides.flatMap((side, index) => {
    const text = texts[index] ?? null;
    return text === null ? [] : [`${side.label} was measured under foreign probes: ${text}`];
  });
}

function textOf({ foreignProbes = [] }: Side): string | null {
  return foreignProbes.length === 0 ? null : foreignText(foreignProbes);
}
