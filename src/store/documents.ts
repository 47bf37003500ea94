/** Documents that are no runs, read back from where they were written. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import { COMPARE_SCHEMA, type Comparison, compareSchema } from "../document/compare.ts";
import { EXPLAIN_SCHEMA, type Explanation, explainSchema } from "../document/explain.ts";
import { UsageError } from "../system/errors.ts";

const KINDS = new Map<string, { schema: z.ZodType<Comparison | Explanation>; what: string }>([
  [COMPARE_SCHEMA, { schema: compareSchema, what: "a comparison" }],
  [EXPLAIN_SCHEMA, { schema: explainSchema, what: "an explanation" }],
]);

/**
 * The comparison or explanation at that path: the file itself, or compare.json or explain.json in a folder without a
 * run.json. Null for anything else: what is wrong with it is for its reader.
 */
export function readStored(path: string): Comparison | Explanation | null {
  if (existsSync(join(path, "run.json"))) return null;
  for (const file of [path, join(path, "compare.json"), join(path, "explain.json")]) {
    const text = read(file);
    const document = text === null ? null : parsed(text);
    if (document === null) continue;
    const kind = KINDS.get(document.schema);
    if (kind === undefined) {
      refuseOther(path, document.schema);
      continue;
    }
    const checked = kind.schema.safeParse(document);
    if (checked.success) return checked.data;
    const issue = checked.error.issues[0];
    const at = issue?.path.join(".") || "its top";
    throw new UsageError(
      `${path} is not ${kind.what} of this version: at ${at}, ${issue?.message}`,
    );
  }
  return null;
}

/** Throws where it is one of ours of another version. */
function refuseOther(path: string, schema: string): void {
  const [name] = schema.split("/");
  const ours = [...KINDS.keys()].find((known) => known.split("/")[0] === name);
  if (ours === undefined) return;
  const again = ours === EXPLAIN_SCHEMA ? "; explain the bridge again" : "";
  throw new UsageError(`${path} is ${schema}, and this version reads ${ours}${again}`);
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

/** Null unless it says what it is. */
function parsed(text: string): { schema: string } | null {
  try {
    const document: unknown = JSON.parse(text);
    const said = typeof document === "object" && document !== null && "schema" in document;
    return said && typeof document.schema === "string"
      ? { ...document, schema: document.schema }
      : null;
  } catch {
    return null;
  }
}
