/** A self-test on the terminal: what was found where, and with what bounds. */
import type { Selftest, SelftestPart } from "../../document/selftest.ts";
import { count, duration, percent, plural } from "../../text/units.ts";
import type { TerminalOptions } from "./run.ts";
import { type Row, right, Screen } from "./screen.ts";

const AT = { indent: 2, hanging: 4 };

export function renderSelftest(selftest: Selftest, options: TerminalOptions): string {
  const screen = new Screen(options);
  const { kernel, cpu, seed, state, error, durationNs } = selftest;
  screen.paragraph(`bridgescope selftest: ${state}`, { tone: "strong" });
  screen.paragraph(`Linux ${kernel}, ${cpu}, ${duration(durationNs)}, seed ${seed}`, {
    tone: "dim",
    hanging: 2,
  });
  if (error !== null) screen.paragraph(error, { tone: "alarm" });
  const measured = selftest.parts.filter((part) => part.comparisons.length > 0);
  screen.heading("What was found, and what was declared after a second measurement");
  const rows = measured.map(
    (part): Row => ({
      label: part.what,
      cells: [
        part.ratio === null ? "-" : signed(part.ratio),
        `${part.secondsEach} s`,
        shareText(part.found),
        shareText(part.declared),
        shareText(part.covered),
      ].map((text) => ({ text, tone: "plain" as const })),
    }),
  );
  const heads = ["change", "each", "found", "declared", "covered"];
  screen.table("comparison", right(...heads), rows);
  for (const text of [...measured.map(partText), METHOD])
    screen.paragraph(text, { ...AT, tone: "dim" });
  return screen.toString();
}

const METHOD =
  "Compared as `bench --vs` does with a margin of 0. found: one measurement names a change in ns_per_frame or frame_rate; declared: the second one, with another seed, names it too. covered: intervals of ns_per_frame that hold 1, or where the sides differ the change over all comparisons. Bounds of shares are exact, at 95 % (Clopper and Pearson).";

function partText(part: SelftestPart): string {
  const { what, base, candidate, comparisons, found, declared, covered, ratio, ratioCi } = part;
  const change =
    ratio === null || ratioCi === null
      ? ""
      : `; ratio ${ratio.toFixed(4)} (${ratioCi.map((end) => end.toFixed(4)).join(" .. ")})`;
  return `${what}: ${candidate} against ${base}, ${plural(comparisons.length, "comparison")}${change}; found ${bounds(found)}, declared ${bounds(declared)}, covered ${bounds(covered)}.`;
}

function shareText(share: SelftestPart["found"]): string {
  return share === null ? "-" : `${count(share.hits)} of ${count(share.of)}`;
}

function bounds(share: SelftestPart["found"]): string {
  if (share === null) return "-";
  return `${percent(share.share, 1)} (${share.ci.map((end) => percent(end, 1)).join(" .. ")})`;
}

function signed(ratio: number): string {
  const change = (ratio - 1) * 100;
  return `${change < 0 ? "" : "+"}${change.toFixed(2)} %`;
}
