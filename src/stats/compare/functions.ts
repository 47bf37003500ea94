/** Functions on a frame's way that one kernel has and the other has not, or that are probed otherwise. */
import type { Comparison, FunctionChange } from "../../document/compare.ts";
import type { TracedFunction } from "../../document/run.ts";
import type { Pair } from "./pair.ts";

/** Null where a run does not list its functions. */
export function compareFunctions({ base, candidate }: Pair): Comparison["functions"] {
  const before = base.run.environment.functions;
  const after = candidate.run.environment.functions;
  if (before === undefined || after === undefined) return null;
  const names = [...new Set([...before, ...after].map((one) => one.name))];
  const changes = names.flatMap((name) => {
    const a = before.find((one) => one.name === name);
    const b = after.find((one) => one.name === name);
    const kind = kindOf(a, b);
    if (kind === null) return [];
    const change: FunctionChange = {
      candidate: candidate.label,
      name,
      base: described(a),
      inCandidate: described(b),
    };
    return [{ kind, change }];
  });
  const of = (kind: Kind) => changes.filter((one) => one.kind === kind).map((one) => one.change);
  return { came: of("came"), went: of("went"), changed: of("changed") };
}

type Kind = "came" | "went" | "changed";

function kindOf(a: TracedFunction | undefined, b: TracedFunction | undefined): Kind | null {
  if (!present(a)) return present(b) ? "came" : null;
  if (!present(b)) return "went";
  return waysOf(a) === waysOf(b) && a?.module === b?.module ? null : "changed";
}

/** Whether at least one kind of probe can be put on it. */
function present(one: TracedFunction | undefined): boolean {
  return one !== undefined && waysOf(one) !== "";
}

function waysOf(one: TracedFunction | undefined): string {
  if (one === undefined) return "";
  return (["fentry", "kprobe"] as const).filter((way) => one[way] === null).join(" and ");
}

function described(one: TracedFunction | undefined): string {
  if (one === undefined) return "not listed";
  const ways = waysOf(one);
  const reasons = (["fentry", "kprobe"] as const).flatMap((way) => {
    const reason = one[way];
    return reason === null ? [] : [`no ${way}: ${reason}`];
  });
  const where = one.module === null ? "" : ` in ${one.module}`;
  return [...(ways === "" ? [] : [`${ways}${where}`]), ...new Set(reasons)].join("; ");
}
