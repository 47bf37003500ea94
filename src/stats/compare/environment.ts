/** What differs between two runs besides the kernel's version: what can explain a change. */
import { DIFFERENCE_GROUPS, type Difference } from "../../document/compare.ts";
import type { Case, Run } from "../../document/run.ts";
import { casesNamed, casesOf, type Labelled, type Pair } from "./pair.ts";

export interface Fact {
  readonly group: Difference["group"];
  readonly name: string;
  readonly value: string;
}

/** In the order of DIFFERENCE_GROUPS, then of the documents. */
export function differencesOf(pair: Pair): Difference[] {
  const { base, candidate } = pair;
  const found = [
    ...differing(base.runs.map(factsOf), candidate.runs.map(factsOf)),
    ...config(base.run, candidate.run),
    ...inCases(pair),
  ];
  return DIFFERENCE_GROUPS.flatMap((group) => found.filter((one) => one.group === group)).map(
    (one) => ({ candidate: candidate.label, ...one }),
  );
}

type Found = Omit<Difference, "candidate">;

/** The facts of each run of either side; where the runs of a side disagree, each value is named once. */
function differing(
  before: readonly (readonly Fact[])[],
  after: readonly (readonly Fact[])[],
): Found[] {
  const [old, now] = [valuesOf(before), valuesOf(after)];
  const all = new Map([...before, ...after].flat().map((fact) => [keyOf(fact), fact]));
  return [...all].flatMap(([key, { group, name }]) => {
    const baseValue = old.get(key) ?? null;
    const candidateValue = now.get(key) ?? null;
    return baseValue === candidateValue ? [] : [{ group, name, baseValue, candidateValue }];
  });
}

function valuesOf(runs: readonly (readonly Fact[])[]): Map<string, string> {
  const values = new Map<string, Set<string>>();
  for (const facts of runs) {
    for (const [key, value] of new Map(facts.map((fact) => [keyOf(fact), fact.value]))) {
      values.set(key, (values.get(key) ?? new Set()).add(value));
    }
  }
  return new Map([...values].map(([key, some]) => [key, [...some].toSorted().join(" | ")]));
}

function keyOf({ group, name }: Fact): string {
  return JSON.stringify([group, name]);
}

function factsOf(run: Run): Fact[] {
  const { kernel, cpu, clock, clocksource, tools, sysctls } = run.environment;
  const { provenance, guest } = run;
  const of = (group: Fact["group"], entries: Record<string, string | number | null | undefined>) =>
    Object.entries(entries).flatMap(([name, value]): Fact[] =>
      value === undefined || value === null ? [] : [{ group, name, value: String(value) }],
    );
  return [
    ...of("compiler", { compiler: kernel.compiler }),
    ...of("cmdline", words(kernel.cmdline)),
    ...of("mitigations", kernel.mitigations),
    ...of("preemption", { preempt: kernel.preempt }),
    ...of("sysctls", sysctls),
    ...of("foreign", { "probes on a frame's way": foreignPlaces(run) }),
    ...of("clock", { clock, clocksource }),
    ...of("probes", provenance.programs),
    ...of("tools", { ...tools, bridgescope: provenance.version }),
    ...of("guest", {
      "where it ran": guest === undefined ? "the host itself" : "a guest",
      userland: guest?.userland,
      hypervisor: guest?.hypervisor,
      accelerator: guest?.accelerator,
      CPUs: guest?.smp,
      "memory, MB": guest?.memoryMb,
      "boots (seed/padding)": guest?.boots
        .map(({ seed, padding }) => `${seed}/${padding}`)
        .join(" "),
    }),
    ...of("cpu", {
      model: cpu.model,
      online: cpu.online,
      virtualization: cpu.virtualization,
      governor: cpu.governor,
    }),
    ...of("plan", { plan: provenance.plan, seed: provenance.seed }),
  ];
}

/** Who is where, without the numbers that differ each time; null where nobody could look. */
function foreignPlaces({ environment: { foreignProbes } }: Run): string | null {
  if (foreignProbes === undefined) return null;
  const places = foreignProbes.map(({ process, name, where }) => `${process ?? name} on ${where}`);
  return [...new Set(places)].toSorted().join(", ") || "none";
}

/** The words of a kernel command line by their names; words of one name stay in their order. */
function words(cmdline: string): Record<string, string> {
  const found = new Map<string, string>();
  for (const word of cmdline.split(/\s+/).filter((one) => one !== "")) {
    const [name = word] = word.split("=", 1);
    const value = word.includes("=") ? word.slice(name.length + 1) : "set";
    found.set(name, [...(found.has(name) ? [found.get(name)] : []), value].join(" "));
  }
  return Object.fromEntries(found);
}

/** The kept options one by one, of kernels that are one a side; where one side's cannot be read, that alone. */
function config(base: Run, candidate: Run): Found[] {
  const sides = [base, candidate] as const;
  const [before, after] = sides.map((run) => Object.entries(run.environment.kernel.config));
  if (before === undefined || after === undefined) return [];
  if ((before.length === 0) !== (after.length === 0)) {
    const said = (one: readonly unknown[]) => (one.length === 0 ? "not readable" : "readable");
    return [
      {
        group: "config",
        name: ".config",
        baseValue: said(before),
        candidateValue: said(after),
      },
    ];
  }
  const facts = (entries: readonly [string, string][]) =>
    entries.map(([name, value]): Fact => ({ group: "config", name, value }));
  const [old, now] = sides.map((run) => run.guest?.kernel.configSha256 ?? null);
  const whole: Found = {
    group: "config",
    name: "whole .config, SHA-256",
    baseValue: old ?? null,
    candidateValue: now ?? null,
  };
  return [
    ...differing([facts(before)], [facts(after)]),
    ...(old !== now && old !== null && now !== null ? [whole] : []),
  ];
}

/** Differences of the cases that both have, said once where many cases share them. */
function inCases(pair: Pair): Found[] {
  const shared = casesOf(pair).flatMap(({ id, base, candidate }) =>
    base === undefined || candidate === undefined
      ? []
      : [{ id, before: factsIn(pair.base, base), after: factsIn(pair.candidate, candidate) }],
  );
  const found = new Map<string, { one: Found; cases: string[] }>();
  for (const { id, before, after } of shared) {
    for (const one of differing(before, after)) {
      const key = JSON.stringify(one);
      const known = found.get(key) ?? { one, cases: [] };
      known.cases.push(id);
      found.set(key, known);
    }
  }
  return [...found.values()].map(({ one, cases }) => ({
    ...one,
    name:
      cases.length === shared.length && cases.length > 1
        ? `${one.name}, every case`
        : `${one.name}, ${cases.join(" ")}`,
  }));
}

function factsIn(side: Labelled, { id }: Case): Fact[][] {
  return casesNamed(side, id).map(({ item }) => caseFacts(item));
}

// Of a bridge's and a port's attributes: what differs from lab to lab (addresses, ids) or moves by itself (timers).
const VOLATILE = /timer$|_id$|_addr$|^root_|^designated|^topology_change|^fdb_n_learned$/;

/** What a case was made of. */
function caseFacts(item: Case): Fact[] {
  return [...workload(item), ...bridge(item), ...ports(item), ...probes(item)];
}

function workload(item: Case): Fact[] {
  return Object.entries(item.workload).map(([name, value]) => ({
    group: "workload",
    name,
    value: typeof value === "string" ? value : JSON.stringify(value),
  }));
}

function bridge({ lab }: Case): Fact[] {
  if (lab.bridge === null) return [];
  const { options, nfCall } = lab.bridge;
  return [
    ...Object.entries(lasting(options)).map(
      ([name, value]): Fact => ({ group: "lab", name, value: String(value) }),
    ),
    {
      group: "lab",
      name: "firewall hooks",
      value: nfCall === null ? "no br_netfilter" : JSON.stringify(nfCall),
    },
  ];
}

/** What the first port has; that ports of one lab differ among themselves is its own report's matter. */
function ports({ lab }: Case): Fact[] {
  const [port] = lab.ports;
  if (port === undefined) return [];
  const entries = {
    mtu: port.mtu,
    qdisc: port.qdisc,
    xdp: port.xdp,
    rps: port.rps,
    ...prefixed("flag", lasting(port.flags)),
    ...prefixed("offload", port.offloads),
  };
  return Object.entries(entries).map(([name, value]) => ({
    group: "lab",
    name: `first port: ${name}`,
    value: String(value),
  }));
}

function lasting<T>(attributes: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !VOLATILE.test(name)));
}

function prefixed<T>(word: string, entries: Record<string, T>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(entries).map(([name, value]) => [`${word} ${name}`, value]),
  );
}

function probes({ probe, latency }: Case): Fact[] {
  const observers = Object.entries(latency).flatMap(([stage, { unit, observer }]): Fact[] =>
    unit !== "instructions" || observer === null
      ? []
      : [{ group: "probes", name: `instructions of ${stage}`, value: String(observer.value) }],
  );
  return [{ group: "probes", name: "backend", value: probe?.backend ?? "off" }, ...observers];
}
