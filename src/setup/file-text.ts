import { type Document, isMap, isNode, LineCounter, type ParsedNode, parseDocument } from "yaml";
import type { z } from "zod";
import { UsageError } from "../system/errors.ts";
import { printable } from "../text/printable.ts";

type Path = readonly (string | number)[];

/** A YAML text that fits its schema, and still knows where each field stood. */
export interface FileText<T> {
  data: T;
  /** A UsageError that names the file and the line of the field. */
  fault(path: Path, message: string): UsageError;
  /** Runs `read`; its UsageError gets the file and the line of the field. */
  at<R>(path: Path, read: () => R): R;
}

/** Reads one YAML document; every error is a UsageError that reads `FILE:LINE: what is wrong`. */
export function parseFile<S extends z.ZodType>(
  text: string,
  name: string,
  schema: S,
): FileText<z.infer<S>> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const fault = (path: Path, message: string, cause?: unknown) =>
    new UsageError(
      `${printable(name)}:${lineOf(document, lines, path)}: ${message}`,
      cause === undefined ? undefined : { cause },
    );
  const [broken] = document.errors;
  if (broken !== undefined) {
    const line = broken.linePos?.[0].line ?? 1;
    const said = (broken.message.split("\n")[0] ?? "").replace(/ at line \d+, column \d+:?$/, "");
    throw new UsageError(`${printable(name)}:${line}: ${printable(said)}`, { cause: broken });
  }
  const checked = schema.safeParse(toValue(document, fault));
  if (!checked.success) throw describeIssue(checked.error, schema, fault);
  return {
    data: checked.data,
    fault,
    at: (path, read) => {
      try {
        return read();
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        throw fault(path, error.message, error);
      }
    },
  };
}

/** An alias that multiplies itself is refused here. */
function toValue(document: Document.Parsed, fault: (path: Path, message: string) => UsageError) {
  try {
    return document.toJS() as unknown;
  } catch (error) {
    throw fault([], printable(error instanceof Error ? error.message : String(error)));
  }
}

function describeIssue(
  error: z.ZodError,
  schema: z.ZodType,
  fault: (path: Path, message: string) => UsageError,
): UsageError {
  // A misspelt field is also a missing one; the misspelling is what helps.
  const issue = error.issues.find((found) => found.code === "unrecognized_keys") ?? error.issues[0];
  const path = (issue?.path ?? []).filter((part) => typeof part !== "symbol");
  const where = path.length === 0 ? "" : `${printable(path.join("."))}: `;
  if (issue?.code === "unrecognized_keys") {
    const key = issue.keys[0] ?? "";
    const known = fieldsAt(schema, path).join(", ");
    return fault([...path, key], `${where}unknown field "${printable(key)}"; known are ${known}`);
  }
  return fault(path, `${where}${issue?.message ?? "not valid"}`);
}

/** Names of the fields that the schema knows at a path. */
function fieldsAt(schema: z.ZodType, path: Path): string[] {
  let here: unknown = schema;
  const unwrap = () => {
    while (isWrapper(here)) here = here.unwrap();
  };
  for (const part of path) {
    unwrap();
    here = typeof part === "number" ? (here as z.ZodArray).element : shapeOf(here)[part];
  }
  unwrap();
  return Object.keys(shapeOf(here));
}

function isWrapper(schema: unknown): schema is z.ZodOptional | z.ZodNullable {
  const type = (schema as z.ZodType).type;
  return type === "optional" || type === "nullable";
}

function shapeOf(schema: unknown): Record<string, z.ZodType> {
  return (schema as z.ZodObject<Record<string, z.ZodType>>).shape ?? {};
}

/** The line of a field, or of the nearest thing around it that the file has. */
function lineOf(document: Document.Parsed, lines: LineCounter, path: Path): number {
  for (let length = path.length; length >= 0; length--) {
    const offset = offsetOf(document, path.slice(0, length));
    if (offset !== null) return lines.linePos(offset).line;
  }
  return 1;
}

function offsetOf(document: Document.Parsed, path: Path): number | null {
  const last = path[path.length - 1];
  const parent = document.getIn(path.slice(0, -1), true);
  // A field begins at its name, not at its value, which may stand lines below.
  if (typeof last === "string" && isMap<ParsedNode>(parent)) {
    const pair = parent.items.find((item) => String(item.key) === last);
    return pair?.key.range?.[0] ?? null;
  }
  const node = path.length === 0 ? document.contents : document.getIn(path, true);
  return isNode(node) ? (node.range?.[0] ?? null) : null;
}
