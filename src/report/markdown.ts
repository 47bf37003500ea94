/** The run for a pull request: what matters in the open, the evidence folded. */
import type { Run } from "../document/run.ts";
import { digest, type Finding, findingsOf } from "./facts/findings.ts";
import { Budget } from "./markdown/budget.ts";
import { type Section, sectionsOf } from "./markdown/sections.ts";
import { byteLength, code, Markdown, md } from "./text/markdown.ts";
import { count, duration, plural } from "./text/units.ts";

const LIMIT = 58_000;
const EACH = 5;

/** Under 60,000 bytes whatever the size of the run; what was left out is said. */
export function renderMarkdown(run: Run): string {
  const budget = new Budget(LIMIT);
  const sections = sectionsOf(run);
  const head = [title(run), ...alerts(run)].map((part) => part.text);
  budget.spend(byteLength(head.join("\n\n")));
  const reserve = sections.map((section) => section.share);
  const body = sections.map((section, index) => {
    const later = reserve.slice(index + 1).reduce((sum, share) => sum + share, 0);
    return rendered(section, budget, later);
  });
  return `${[...head, ...body.filter((part) => part !== "")].join("\n\n")}\n`;
}

function title(run: Run): Markdown {
  const { kernel, cpu } = run.environment;
  const host = cpu.virtualization === null ? md`bare metal` : md`${cpu.virtualization}`;
  const time = run.environment.clock === "wall" ? "wall clock" : "instruction-counted time";
  return md`## bridgescope: ${code(run.id)} is ${run.state}

Plan ${code(run.provenance.plan)}, ${plural(run.cases.length, "case")} in ${duration(run.durationNs)}, started ${run.startedAt}. Linux ${code(kernel.release)}, ${plural(cpu.online, "CPU")}, ${host}, ${time}, seed ${run.provenance.seed}.`;
}

function alerts(run: Run): Markdown[] {
  const all = findingsOf(run);
  const alarms = all.filter((finding) => finding.level === "alarm");
  const cautions = all.filter((finding) => finding.level === "caution");
  const results = all.filter((finding) => finding.level === "result");
  return [
    ...alert("CAUTION", "To settle before the numbers count", alarms, EACH * 2),
    ...alert("WARNING", "Keep in mind", cautions, EACH),
    ...answer(results),
  ];
}

function answer(results: readonly Finding[]): Markdown[] {
  const { shown } = digest(results, EACH + 1);
  const lines = shown.map(({ about, text }) => md`- ${code(about ?? "run")}: ${text}`.text);
  return lines.length === 0 ? [] : [new Markdown(lines.join("\n"))];
}

function alert(
  kind: string,
  words: string,
  findings: readonly Finding[],
  each: number,
): Markdown[] {
  if (findings.length === 0) return [];
  const { shown, left } = digest(findings, each);
  const lines = [
    md`> [!${new Markdown(kind)}]`,
    md`> **${words}** (${count(findings.length)})`,
    ...shown.map(({ kind: name, about, text }) =>
      about === null ? md`> - **${name}** ${text}` : md`> - **${name}** ${code(about)}: ${text}`,
    ),
    ...left.map(
      ({ kind: name, count: more }) => md`> - **${name}** ${count(more)} more in the full report`,
    ),
  ];
  return [new Markdown(lines.map((line) => line.text).join("\n"))];
}

function rendered(section: Section, budget: Budget, later: number): string {
  if (section.rows.length === 0) return "";
  const open = section.folded
    ? `<details><summary>${section.title}</summary>\n`
    : `### ${section.title}`;
  const close = section.folded ? "\n</details>" : "";
  const head = section.head === null ? [] : [section.head.text];
  const note = section.note === null ? [] : [`\n${section.note.text}`];
  budget.spend(byteLength([open, close, ...head, ...note].join("\n")) + 8);
  const { shown, left } = budget.fit(section.rows, later);
  const more =
    left > 0 ? [`\n${plural(left, "more row")}: see report.html or run.json of this run.`] : [];
  const rows = shown.map((one) => one.text);
  return (
    [open, ...(section.folded ? [] : [""]), ...head, ...rows, ...more, ...note].join("\n") +
    (close === "" ? "" : `\n${close}`)
  );
}
