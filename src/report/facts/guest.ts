/** The guest that a run was made in, and the functions that its kernel lets us probe. */
import { type Run, STAGES, type TracedFunction } from "../../document/run.ts";
import { type ClosedChains, closedChains, HOP_STAGES } from "../../stats/chain.ts";
import { count, digits, plural } from "../../text/units.ts";

/** Name and text of each fact; empty for a run on the host itself. */
export function guestFacts({ guest }: Run): [string, string][] {
  if (guest === undefined) return [];
  const { kernel } = guest;
  const boots = guest.boots.map(({ seed, padding }) => `seed ${seed} padding ${padding}`);
  return [
    ["kernel asked for", kernel.spec],
    ["kernel source", kernel.source],
    ["kernel image, SHA-256", kernel.sha256],
    ["its .config, SHA-256", kernel.configSha256 ?? "not known"],
    ["userland", guest.userland],
    ["accelerator", `${guest.accelerator}, ${guest.hypervisor}`],
    ["CPUs and memory", `${plural(guest.smp, "CPU")}, ${count(guest.memoryMb)} MB`],
    ["boots", `${count(boots.length)}: ${boots.join("; ")}`],
  ];
}

export interface FunctionRow {
  readonly name: string;
  readonly module: string;
  readonly fentry: string;
  readonly kprobe: string;
}

/** Null where the run did not list its functions. */
export function functionRows(run: Run): FunctionRow[] | null {
  const { functions } = run.environment;
  if (functions === undefined) return null;
  return functions.map(({ name, module, fentry, kprobe }) => ({
    name,
    module: module ?? "-",
    fentry: fentry ?? "yes",
    kprobe: kprobe ?? "yes",
  }));
}

/** `fentry attaches to 5 of 7, kprobe to 6`. */
export function functionSummary(functions: readonly TracedFunction[]): string {
  const of = (way: "fentry" | "kprobe") => functions.filter((one) => one[way] === null).length;
  return `fentry attaches to ${count(of("fentry"))} of ${count(functions.length)}, kprobe to ${count(of("kprobe"))}`;
}

/**
 * The probes' own instructions, each sentence once with the cases it is of; every boot has its own. Where a run has
 * chains of bridges, how well what is left closes to what a hop costs unobserved.
 */
export function calibrations(run: Run): { readonly text: string; readonly cases: string[] }[] {
  const found = new Map<string, Set<string>>();
  for (const item of run.cases) {
    for (const stage of STAGES) {
      const { unit, observer = null } = item.latency[stage] ?? {};
      if (unit !== "instructions" || observer === null) continue;
      const [low, high] = observer.ci;
      const boots = low === high ? "" : `, from ${count(low)} to ${count(high)} by boot`;
      const text = `${stage}: ${plural(observer.value, "instruction")} of the probes' own taken out${boots} (${observer.method})`;
      found.set(text, (found.get(text) ?? new Set()).add(item.id));
    }
  }
  return [
    ...[...found].map(([text, cases]) => ({ text, cases: [...cases] })),
    ...closedChains(run.cases).map((one) => ({ text: closureText(one), cases: one.cases })),
  ];
}

function closureText({ observed, unobserved, ratio, stages }: ClosedChains): string {
  const parts = HOP_STAGES.map((stage) => `${stage} ${count(stages[stage])}`).join(", ");
  return `a hop between two bridges takes ${plural(observed, "instruction")} by its stages (${parts}) and ${count(Math.round(unobserved))} without probes, by the slope over chains: ratio ${digits(ratio)}`;
}

export interface FloodRow {
  readonly id: string;
  readonly unicast: number;
  readonly multicast: number;
  readonly broadcast: number;
  /** Targets that the bridge looked at, and those it made no copy for; null where not seen. */
  readonly considered: number | null;
  readonly skipped: number | null;
}

/** What function probes saw of br_flood: the cases in which it was called. */
export function floodRows(run: Run): FloodRow[] {
  return run.cases.flatMap(({ id, bridge, ports }) => {
    const floods = bridge?.floods;
    if (floods === undefined) return [];
    if (floods.unicast + floods.multicast + floods.broadcast === 0) return [];
    const sum = (key: "considered" | "skipped") => {
      const known = ports.flatMap((port) => port[key] ?? []);
      return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
    };
    return [{ id, ...floods, considered: sum("considered"), skipped: sum("skipped") }];
  });
}

export const FLOOD_WORDS =
  "calls of br_flood by the packet type that the bridge gave; targets: ports it considered (maybe_deliver); skipped: those it made no copy for";
