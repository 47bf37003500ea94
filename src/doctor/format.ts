import { styleText } from "node:util";
import type { FunctionTable } from "../probes/functions.ts";
import { type Finding, prevents } from "./finding.ts";
import { functionLines } from "./function-table.ts";

export const DOCTOR_SCHEMA = "bridgescope.doctor/1";

const COLORS = { ok: "green", warning: "yellow", missing: "red" } as const;
const STATUS_WIDTH = "warning".length;

/**
 * What a person reads: one line a finding; what is not well says below what it means. Then the functions
 * on a frame's way, and whether a bench can run.
 */
export function formatDiagnosis(
  { findings, functions }: { findings: readonly Finding[]; functions: FunctionTable },
  color = false,
): string {
  const idWidth = Math.max(0, ...findings.map((found) => found.id.length));
  const indent = " ".repeat(idWidth + STATUS_WIDTH + 4);
  const lines = findings.flatMap((found) => {
    const status = found.status.padEnd(STATUS_WIDTH);
    const shown = color
      ? styleText(COLORS[found.status], status, { validateStream: false })
      : status;
    const line = `${found.id.padEnd(idWidth)}  ${shown}  ${found.observed}`;
    if (found.status === "ok") return [line];
    const remedy = found.remedy === null ? [] : [`${indent}-> ${found.remedy}`];
    return [line, `${indent}${found.meaning}`, ...remedy];
  });
  const table = functions.size === 0 ? [] : ["", ...functionLines(functions)];
  return `${[...lines, ...table, "", summary(findings)].join("\n")}\n`;
}

/** One line for standard error: what is missing, and the command that mends it. */
export function formatPrerequisite(found: Finding): string {
  const remedy = found.remedy === null ? "" : `; ${found.remedy}`;
  return `${found.id}: ${found.observed}: ${found.meaning}${remedy}`;
}

function summary(findings: readonly Finding[]): string {
  const count = (status: Finding["status"]) =>
    findings.filter((found) => found.status === status).length;
  const counts = `${count("ok")} ok, ${count("warning")} warnings, ${count("missing")} missing`;
  const blocking = findings.filter((found) => prevents(found, "bench")).map((found) => found.id);
  return blocking.length === 0
    ? `${counts}: a bench can run here.`
    : `${counts}: no bench can run here before this is mended: ${blocking.join(", ")}.`;
}
