/** Where the numbers come from: machine, kernel, tools, noise. */
import type { Run } from "../../document/run.ts";
import { duration } from "../../text/units.ts";
import { functionsPart, guestPart } from "./guest.ts";
import { type Html, html } from "./markup.ts";
import { code, fold, pairs, section, table } from "./parts.ts";

export function environmentSection(run: Run): Html {
  const { environment, provenance } = run;
  const { kernel, cpu } = environment;
  return section("environment", "Environment, noise, tools", [
    pairs([
      ["state of the run", run.state],
      ["command", provenance.argv.join(" ")],
      ["bridgescope", provenance.version],
      ["plan, seed", `${provenance.plan}, ${provenance.seed}`],
      ["started, took", `${run.startedAt}, ${duration(run.durationNs)}`],
      ["kernel", `${kernel.release} ${kernel.version}`],
      ...(kernel.compiler === undefined ? [] : [["compiler", kernel.compiler] as const]),
      ["preemption", kernel.preempt],
      ["kernel command line", kernel.cmdline],
      ["CPU", `${cpu.model}, ${cpu.online} online, governor ${cpu.governor ?? "not readable"}`],
      ["virtualization", cpu.virtualization ?? "none seen"],
      ["clock", `${environment.clock}, ${environment.clocksource}`],
    ]),
    guestPart(run),
    noise(run),
    foreign(run),
    functionsPart(run),
    named("Tools", "version", environment.tools),
    named("Kernel configuration", "value", kernel.config),
    named("Mitigations", "state", kernel.mitigations),
    named("Sysctls", "value", environment.sysctls),
    named("Probe programs", "SHA-256", provenance.programs),
  ]);
}

function noise(run: Run): Html {
  const { noise: all } = run.environment;
  if (all.length === 0) return html`<p>No source of noise was noted.</p>`;
  return table(
    "Noise of this host",
    [{ title: "What" }, { title: "Observed" }, { title: "Advice" }],
    all.map((one) => ({
      cells: [code(one.id), { value: one.observed, kind: "wide" as const }, one.advice ?? "-"],
    })),
  );
}

function foreign(run: Run): Html {
  const { foreignProbes: all } = run.environment;
  if (all === undefined)
    return html`<p class="soft">Other people's probes were not looked for.</p>`;
  if (all.length === 0) return html`<p>Nobody else's probes were on a frame's way.</p>`;
  const head = ["Program", "Type", "Where", "Process", "pid", "Container"];
  return table(
    "Other people's probes on a frame's way",
    head.map((title) => ({ title })),
    all.map(({ id, name, type, where, process, pid, container }) => ({
      cells: [
        id === null ? code(name) : html`${code(name)} (${id})`,
        type,
        code(where),
        process === null ? "not seen" : code(process),
        pid === null ? "-" : String(pid),
        container === null ? "-" : code(container.slice(0, 12)),
      ],
    })),
  );
}

function named(title: string, what: string, entries: Record<string, string>): Html {
  const all = Object.entries(entries);
  if (all.length === 0) return html`<p class="soft">${title}: not readable.</p>`;
  return fold({
    summary: `${title} (${all.length})`,
    body: table(
      title,
      [{ title: "Name" }, { title: what }],
      all.map(([name, value]) => ({
        cells: [code(name), { value: code(value), kind: "wide" as const }],
      })),
    ),
  });
}
