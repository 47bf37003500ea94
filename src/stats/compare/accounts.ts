/** What the bridge did with the frames of a case, in two runs: it can be compared whatever the clock. */
import type { AccountComparison } from "../../document/compare.ts";
import { type Case, DECISIONS } from "../../document/run.ts";
import { type Both, casesNamed, type Labelled, type Pair } from "./pair.ts";

/**
 * Shares and amplification nearer than this are the same: rounds by the clock differ in their number
 * of frames, and a few neighbour-discovery frames are among them.
 */
const NEAR = 0.005;

type Entry = AccountComparison["differences"][number];

/** Nothing for a case that only one side has. Of several runs each is compared with each of the other side. */
export function compareAccounts(
  { base: before, candidate: after }: Pair,
  { id, base, candidate }: Both,
): AccountComparison[] {
  if (base === undefined || candidate === undefined) return [];
  const common = { case: id, candidate: after.label };
  const observed = (side: Labelled) =>
    casesNamed(side, id).filter(({ item }) => item.bridge !== undefined);
  const [bases, candidates] = [observed(before), observed(after)];
  if (bases.length === 0 || candidates.length === 0) {
    return [{ ...common, state: "notObserved", differences: [] }];
  }
  const differences = new Map<string, Entry>();
  for (const one of bases) {
    for (const other of candidates) {
      for (const entry of between(one.item, other.item)) {
        if (!differences.has(entry.name)) differences.set(entry.name, entry);
      }
    }
  }
  const state = differences.size === 0 ? "same" : "different";
  return [{ ...common, state, differences: [...differences.values()] }];
}

function between(base: Case, candidate: Case): Entry[] {
  const now = entriesOf(candidate);
  return entriesOf(base).flatMap((entry, index) => {
    const other = now[index]?.baseValue ?? null;
    return near(entry.baseValue, other) ? [] : [{ ...entry, candidateValue: other }];
  });
}

/** In the same order for every case. */
function entriesOf({ bridge, probe }: Case): Entry[] {
  if (bridge === undefined) return [];
  const entry = (name: string, unit: Entry["unit"], baseValue: Entry["baseValue"]): Entry => ({
    name,
    unit,
    baseValue,
    candidateValue: null,
  });
  const drops = bridge.drops.map((drop) => drop.reason);
  return [
    ...DECISIONS.map((name) => entry(name, "share", share(bridge.decisions[name], bridge.ingress))),
    entry("amplification", "copies", bridge.amplification),
    entry("drop reasons", "words", [...new Set(drops)].toSorted().join(", ") || "none"),
    entry("unaccounted", "frames", bridge.unaccounted),
    entry("account", "words", complete(probe) ? "complete" : "may not be complete"),
  ];
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

function complete(probe: Case["probe"]): boolean {
  return (probe?.lost ?? 0) + (probe?.missed ?? 0) + (probe?.degraded.length ?? 0) === 0;
}

function near(a: Entry["baseValue"], b: Entry["baseValue"]): boolean {
  if (typeof a !== "number" || typeof b !== "number") return a === b;
  return Math.abs(a - b) <= NEAR * Math.max(1, Math.abs(a), Math.abs(b));
}
