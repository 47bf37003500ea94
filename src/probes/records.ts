import { printable } from "../text/printable.ts";

/** What bpftrace said in its JSON that casts doubt on what it counted. */
export interface Records {
  /** Events that the perf buffer dropped. */
  lost: number;
  /** Helper and runtime errors, and lines that were not JSON. */
  errors: string[];
}

export function emptyRecords(): Records {
  return { lost: 0, errors: [] };
}

const ERRORS_KEPT = 20;

/** Takes one line of bpftrace's output in; returns the text when it was a printf. */
export function readRecord(records: Records, line: string): string | null {
  if (line.trim() === "") return null;
  const record = parsed(line);
  if (record === null) {
    note(records, `unreadable output: ${printable(line.slice(0, 80))}`);
    return null;
  }
  switch (record.type) {
    case "printf":
      return word(record.data).trimEnd();
    case "attached_probes":
      return null;
    case "lost_events":
      // Events that it cannot say how many they were are at least one.
      records.lost += toCount(field(record.data, "events")) ?? 1;
      return null;
    default:
      // With -k, bpftrace 0.23 tells of each key that a map does not hold: that is an answer, no error.
      if (record.helper === "map_lookup_elem") return null;
      note(
        records,
        printable(
          `${word(record.type)}: ${word(record.helper ?? "")} ${word(record.msg ?? "")}`.trim(),
        ),
      );
      return null;
  }
}

interface BpftraceRecord {
  type?: unknown;
  data?: unknown;
  msg?: unknown;
  helper?: unknown;
}

/** Null for what is no JSON object. */
function parsed(line: string): BpftraceRecord | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

/** An object of JSON may bring a toString of its own. */
function word(value: unknown): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function note(records: Records, text: string): void {
  if (records.errors.length < ERRORS_KEPT) records.errors.push(text);
}

/** Numbers come as numbers, or from 0.27 on as strings where they are large. */
function toCount(value: unknown): number | null {
  const number = typeof value === "string" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : null;
}
