/** Documents that are no runs, read back from where they were written. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import { COMPARE_SCHEMA, type Comparison, compareSchema } from "../document/compare.ts";
import { EXPLAIN_SCHEMA, type Explanation, explainSchema } from "../document/explain.ts";
import { UsageError } from "../system/errors.ts";

/** The comparison at that path: a compare.json, or a folder with one and no run.json. Null for anything else. */
export function readComparison(path: string): Comparison | null {
  return stored(path, "compare.json", COMPARE_SCHEMA, compareSchema, "a comparison");
}

/** The explanation at that path: an explain.json, or a folder with one and no run.json. Null for anything else. */
export function readExplanation(path: string): Explanation | null {
  return stored(path, "explain.json", EXPLAIN_SCHEMA, explainSchema, "an explanation");
}

function stored<T>(
  path: string,
  fileName: string,
  name: string,
  schema: z.ZodType<T>,
  what: string,
): T | null {
  if (read(join(path, "run.json")) !== null) return null;
  const text = read(path) ?? read(join(path, fileName));
  const document = text === null ? null : parsed(text, name);
  if (document === null) return null;
  const checked = schema.safeParse(document);
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0];
  const at = issue?.path.join(".") || "its top";
  throw new UsageError(`${path} is not ${what} of this version: at ${at}, ${issue?.message}`);
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

/** Null unless it says that it is such a document; what is wrong with another is for its reader. */
function parsed(text: string, name: string): object | null {
  try {
    const document: unknown = JSON.parse(text);
    const said = typeof document === "object" && document !== null && "schema" in document;
    return said && document.schema === name ? document : null;
  } catch {
    return null;
  }
}
