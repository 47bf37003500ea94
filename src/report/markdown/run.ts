/** The run for a pull request: what matters in the open, the evidence folded. */
import type { Run } from "../../document/run.ts";
import { code, Markdown, md } from "../../text/markdown.ts";
import { count, duration, plural } from "../../text/units.ts";
import { digest, type Finding, findingsOf } from "../facts/findings.ts";
import { FOREIGN, foreignLine } from "../facts/foreign.ts";
import { CLOCK_WORDS } from "../facts/words.ts";
import { assembled } from "./assemble.ts";
import { sectionsOf } from "./sections.ts";

const EACH = 5;

/** Under 60,000 bytes whatever the size of the run; what was left out is said. */
export function renderMarkdown(run: Run): string {
  const whole = "see report.html or run.json of this run";
  return assembled([...foreign(run), title(run), ...alerts(run)], sectionsOf(run), whole);
}

function foreign(run: Run): Markdown[] {
  const line = foreignLine(run);
  return line === null ? [] : [md`**${line}**`];
}

function title(run: Run): Markdown {
  const { kernel, cpu } = run.environment;
  const host = cpu.virtualization === null ? md`bare metal` : md`${cpu.virtualization}`;
  return md`## bridgescope: ${code(run.id)} is ${run.state}

Plan ${code(run.provenance.plan)}, ${plural(run.cases.length, "case")} in ${duration(run.durationNs)}, started ${run.startedAt}. Linux ${code(kernel.release)}, ${plural(cpu.online, "CPU")}, ${host}, ${CLOCK_WORDS[run.environment.clock]}, seed ${run.provenance.seed}.`;
}

function alerts(run: Run): Markdown[] {
  const all = findingsOf(run);
  const alarms = all.filter(({ level, kind }) => level === "alarm" && kind !== FOREIGN);
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
