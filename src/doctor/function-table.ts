import type { TracedFunction } from "../document/run.ts";
import type { FunctionTable } from "../probes/functions.ts";
import { printable } from "../text/printable.ts";

/** The table as documents carry it: without the arguments. */
export function tracedFunctions(functions: FunctionTable): TracedFunction[] {
  return [...functions.values()].map(({ name, module, fentry, kprobe }) => ({
    name,
    module,
    fentry: fentry && printable(fentry),
    kprobe: kprobe && printable(kprobe),
  }));
}

/** The table as a person reads it: a line a function, and below it each reason once, by number. */
export function functionLines(functions: FunctionTable): string[] {
  const reasons: string[] = [];
  const cell = (reason: string | null) => {
    if (reason === null) return "yes";
    if (!reasons.includes(reason)) reasons.push(reason);
    return `no [${reasons.indexOf(reason) + 1}]`;
  };
  const rows = tracedFunctions(functions).map(({ name, module, fentry, kprobe }) => [
    name,
    module ?? "-",
    cell(fentry),
    cell(kprobe),
  ]);
  const table = [["function", "module", "fentry", "kprobe"], ...rows];
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  return [
    ...table.map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    ),
    ...reasons.map((reason, index) => `[${index + 1}] ${reason}`),
  ];
}
