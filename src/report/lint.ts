/** What `lint` found, as a person reads it. */
import type { Lint, LintFinding } from "../document/lint.ts";
import { plural } from "../text/units.ts";
import { remedy } from "./explanation/terminal.ts";
import { PAPER, type TerminalOptions } from "./terminal/run.ts";
import { Screen } from "./terminal/screen.ts";

export interface LintScreenOptions extends TerminalOptions {
  /** Fits a screen: findings of one rule stand together, the first of them at length. */
  cut?: boolean;
}

const SEVERITIES = ["high", "medium", "low"] as const;
/** Lines of a screen. */
const SCREEN = 30;
/** Bridges that something was not judged of. */
const MOST_NAMED = 8;
/** Evidence that the first finding has there. */
const FEW = 2;

/** A healthy bridge is one line, and so are any number of them. */
export function renderLint(lint: Lint, options: LintScreenOptions = PAPER): string {
  const whole = rendered(lint, options, false);
  if (options.cut !== true || whole.split("\n").length <= SCREEN + 1) return whole;
  return rendered(lint, options, true);
}

function rendered(lint: Lint, options: LintScreenOptions, cut: boolean): string {
  const screen = new Screen(options);
  screen.paragraph(headline(lint), { tone: "strong" });
  const groups = cut ? together(lint.findings) : lint.findings.map((one) => [one]);
  for (const [index, group] of groups.entries()) told(screen, lint, index, group, cut);
  // After the first of a cut list there is one already.
  if (groups.length > (cut ? 1 : 0)) screen.verbatim("", 0);
  const unjudged = notJudged(lint, cut);
  if (unjudged !== "") screen.paragraph(unjudged, { tone: "dim", hanging: 2 });
  if (cut) screen.paragraph("--full shows all of it, with every remedy.", { tone: "dim" });
  return screen.toString();
}

function headline({ bridge, namespace, bridges, ports, findings }: Lint): string {
  const named = bridge?.name ?? plural(bridges.length, "bridge");
  const where = `${named} (${namespace.label})`;
  const size = bridge === null ? ` with ${plural(ports, "port")}` : "";
  if (findings.length === 0) {
    return `${where}${size}: nothing in the configuration floods or loses frames`;
  }
  const by = SEVERITIES.flatMap((severity) => {
    const many = findings.filter((one) => one.severity === severity).length;
    return many === 0 ? [] : [`${many} ${severity}`];
  });
  const blamed = new Set(findings.map((one) => one.bridge));
  const clean = bridges.filter((name) => !blamed.has(name)).length;
  const others = bridge === null && clean > 0 ? `; nothing at ${plural(clean, "bridge")}` : "";
  return `${where}${size}: ${plural(findings.length, "finding")} (${by.join(", ")})${others}`;
}

/** Those of one rule and severity. */
function together(findings: readonly LintFinding[]): LintFinding[][] {
  const groups = new Map<string, LintFinding[]>();
  for (const one of findings) {
    const key = `${one.severity} ${one.rule}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()];
}

function told(
  screen: Screen,
  { bridge }: Lint,
  index: number,
  [first, ...others]: readonly LintFinding[],
  cut: boolean,
): void {
  if (first === undefined) return;
  // Most sentences name their bridge; of those of a port alone nobody could tell which it is.
  const whose = bridge === null && first.bridge !== null ? ` at ${first.bridge}` : "";
  const head = `${index + 1}. ${first.rule}, ${first.severity}${whose}: ${first.text}`;
  const same = others.length === 0 ? "" : ` (and ${othersAt(first, others)})`;
  if (cut && index > 0) {
    screen.paragraph(`${head}${same}`, { hanging: 3 });
    return;
  }
  screen.heading(`${head}${same}`);
  const evidence = cut ? first.evidence.slice(0, FEW) : first.evidence;
  screen.paragraph(`evidence: ${evidence.join("; ")}`, { indent: 2, hanging: 4 });
  remedy(screen, first);
  if (cut) screen.verbatim("", 0);
}

function othersAt({ bridge }: LintFinding, others: readonly LintFinding[]): string {
  const names = new Set(others.map((one) => one.bridge ?? ""));
  names.delete(bridge ?? "");
  return names.size === 0
    ? `${others.length} more there`
    : `${others.length} more, at ${plural(names.size, "other bridge")}`;
}

/** Rules by reason. */
function notJudged({ notJudged: all, bridges }: Lint, cut: boolean): string {
  const byReason = new Map<string, string[]>();
  for (const { rule, bridges: some, why } of all) {
    const of = cut || some.length === bridges.length ? rule : `${rule} of ${named(some)}`;
    byReason.set(why, [...new Set([...(byReason.get(why) ?? []), of])]);
  }
  const said = [...byReason].map(([why, rules]) => `${rules.join(", ")}: ${why}`);
  return said.length === 0 ? "" : `Not judged: ${said.join("; ")}.`;
}

/** Of more than a line's worth only the first: lint --json has them all. */
function named(bridges: readonly string[]): string {
  const more = bridges.length - MOST_NAMED;
  const shown = bridges.slice(0, MOST_NAMED).join(", ");
  return more > 0 ? `${shown} and ${more} more` : shown;
}
