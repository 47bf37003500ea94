/** Closure in words: whether what the probes saw is what the interfaces counted. */
import { type Case, DECISIONS, type Decisions, type PortAccount } from "../../document/run.ts";
import { count, plural, signed } from "../../text/units.ts";

export type Books =
  | { readonly state: "balanced" | "partly"; readonly text: string; readonly details: string[] }
  | { readonly state: "unbalanced"; readonly text: string; readonly details: string[] }
  | { readonly state: "notObserved"; readonly text: string; readonly details: string[] };

const NAMED = 4;

/** The case's books: balanced, balanced as far as comparable, not balanced, or never kept. */
export function booksOf(item: Case): Books {
  const bridge = item.bridge;
  if (bridge === undefined) {
    const why = item.lab.bridge === null ? "no bridge in this lab" : "the bridge was not observed";
    return { state: "notObserved", text: `no books: ${why}`, details: [] };
  }
  const residues = item.ports.flatMap(residue);
  const undecided = bridge.ingress - decided(bridge.decisions);
  const details = [...residues];
  if (undecided !== 0) details.push(`${signed(undecided)} frames in without exactly one decision`);
  if (bridge.unaccounted > 0 || details.length > 0) {
    const named = details.slice(0, NAMED).join("; ");
    const rest = details.length > NAMED ? `; ${count(details.length - NAMED)} more` : "";
    const where = named === "" ? "" : `: ${named}${rest}`;
    return {
      state: "unbalanced",
      text: `BOOKS DO NOT BALANCE, ${count(bridge.unaccounted)} unaccounted${where}`,
      details,
    };
  }
  return balanced(item);
}

/** Frames that have a decision. */
function decided(decisions: Decisions): number {
  return DECISIONS.reduce((sum, name) => sum + decisions[name], 0);
}

function balanced(item: Case): Books {
  const apart = item.ports.filter((port) => port.closure.unit === "notComparable");
  if (apart.length === 0) return { state: "balanced", text: "books balance", details: [] };
  const details = apart.map(
    (port) => `${port.name} not comparable: ${port.closure.reason ?? "no reason given"}`,
  );
  const open = item.ports.length - apart.length;
  return {
    state: "partly",
    text: `books balance on ${count(open)} of ${plural(item.ports.length, "port")}; ${details.slice(0, NAMED).join("; ")}`,
    details,
  };
}

function residue(port: PortAccount): string[] {
  if (port.closure.unit === "notComparable") return [];
  const { ingress, egress, unit } = port.closure;
  const parts: string[] = [];
  if (ingress !== 0) parts.push(`ingress ${signed(ingress)}`);
  if (egress !== 0) parts.push(`egress ${signed(egress)}`);
  return parts.length === 0 ? [] : [`${port.name} ${parts.join(", ")} ${unit}`];
}
